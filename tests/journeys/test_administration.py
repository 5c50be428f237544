"""An administrator changes a group from their bot chat: the plan first, then yes, then it is so."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.demo.person import Person
from bridge.ports import Json
from tests.support.clinic import DOMAIN, Clinic, body, eventually, hospital

pytestmark = pytest.mark.timeout(400)
ADMIN, NEW = f"@dr0:{DOMAIN}", f"@dr2:{DOMAIN}"


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 2}))
    file = opened.stack.config.parent / "organisation.yaml"
    text = file.read_text()
    file.write_text(
        "# kept by Anne\n" + text.replace("organisation:\n", f"organisation:\n  admins: ['{ADMIN}']\n", 1)
    )
    yield opened
    await opened.close()


def _file(clinic: Clinic) -> str:
    return (clinic.stack.config.parent / "organisation.yaml").read_text()


async def _said(person: Person, room_id: str, begins: str) -> Json:
    return await person.wait_for(room_id, lambda e: body(e).startswith(begins))


async def _audit(clinic: Clinic) -> list[Json]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "audit", "list", "--json", "-c", str(clinic.stack.config)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return [json.loads(line) for line in output.splitlines()]


async def test_a_group_is_changed_from_chat_after_a_look_at_the_plan_and_a_yes(clinic: Clinic) -> None:
    admin, other = clinic.people[ADMIN], clinic.people[f"@dr1:{DOMAIN}"]
    chat = await clinic.bot_room(admin)
    before = _file(clinic)

    async def heard() -> bool:
        """Said again when it was answered only: each try is two messages more in the chat."""
        known = len(await clinic.bot_chat(admin))
        await admin.say(chat, "groupe")

        async def answered() -> bool:
            return len(await clinic.bot_chat(admin)) > known

        await eventually(answered, 10)
        return any(said.startswith("Écrivez par exemple") for said in await clinic.bot_chat(admin))

    assert await eventually(heard, 90)  # the file that names them is in force
    await admin.say(chat, "!groupe ajouter derm @dr2")
    proposal = await _said(admin, chat, "Ajouter Dr Numéro 2")
    assert "auront accès à des salons\N{NO-BREAK SPACE}: Dr Numéro 2" in body(proposal)
    assert _file(clinic) == before

    theirs = await clinic.bot_room(other)
    await other.say(theirs, "!groupe retirer derm @dr0")
    await _said(other, theirs, "Seuls les administrateurs")

    await admin.react(chat, proposal["event_id"], "✅")
    await _said(admin, chat, "C'est inscrit")
    after = _file(clinic)
    assert after.startswith("# kept by Anne\n")
    assert NEW in after.partition("groups:")[2]

    async def invited() -> bool:
        return "derm" in str(await clinic.people[NEW].call("GET", "/v3/sync", timeout="0")).lower()

    assert await eventually(invited)
    await admin.say(chat, "oui")  # to nothing: it is done
    await _said(admin, chat, "Rien n'attend")
    await admin.say(chat, "group suspend derm")
    await _said(admin, chat, "Suspendre le groupe")
    await admin.say(chat, "oui")
    await admin.wait_for(chat, lambda _e: "suspended: true" in _file(clinic))
    entries = [(one["actor"], one["action"], one["subject"]) for one in await _audit(clinic)]
    assert (ADMIN, "group.add", "derm") in entries
    assert (ADMIN, "group.suspend", "derm") in entries


async def test_an_admin_is_told_when_the_file_cannot_be_written(clinic: Clinic) -> None:
    admin = clinic.people[ADMIN]
    config = clinic.stack.config
    # No temporary name beside a name as long as this is short enough: the file can be read, not replaced.
    long = f"{'o' * 245}.yaml"
    file = config.parent / long
    file.write_text(_file(clinic))
    await clinic.stack.bridge.stop()
    config.write_text(f"organisation_file: {long}\n{config.read_text()}")
    await clinic.stack.bridge.start()
    chat = await clinic.bot_room(admin)
    before = file.read_text()
    await admin.say(chat, "!groupe ajouter derm @dr2")
    proposal = await _said(admin, chat, "Ajouter Dr Numéro 2")
    await admin.react(chat, proposal["event_id"], "✅")
    told = await _said(admin, chat, "Je n'ai pas pu écrire")
    assert "File name too long" in body(told)
    assert file.read_text() == before
    actions = [one["action"] for one in await _audit(clinic)]
    assert actions[-2:] == ["group.add", "group.add.failed"]
