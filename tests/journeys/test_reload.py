"""The files are changed while the service runs: right ones take effect, broken ones change nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bridge.ports import Json
from bridge.storage import inforce
from bridge.storage.database import Database
from tests.support.clinic import DOMAIN, Clinic, eventually, hospital

pytestmark = pytest.mark.timeout(400)
ADMIN = f"@dr0:{DOMAIN}"


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 2, "cardio": 3}))
    yield opened
    await opened.close()


def _file(clinic: Clinic) -> Path:
    return clinic.stack.config.parent / "organisation.yaml"


def _change(clinic: Clinic, group: str, members: list[str]) -> None:
    yaml = YAML()
    content = yaml.load(_file(clinic).read_text())
    content["organisation"]["admins"] = [ADMIN]
    next(entry for entry in content["groups"] if entry["key"] == group)["members"] = members
    changed = StringIO()
    yaml.dump(content, changed)
    _write(clinic, changed.getvalue())


def _write(clinic: Clinic, text: str) -> None:
    """All of it at once: the service looks at any moment, and half a file is a broken one."""
    beside = _file(clinic).with_suffix(".new")
    beside.write_text(text)
    beside.replace(_file(clinic))


def _logged(clinic: Clinic, event: str) -> list[Json]:
    whole = (clinic.stack.directory / "bridge.log").read_text().rpartition("\n")[0]
    lines = whole.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [entry for entry in found if entry["event"] == event]


async def _is_member(clinic: Clinic, person: str, key: str) -> bool:
    joined = await clinic.people[person].call("GET", "/v3/joined_rooms")
    await clinic.people[person].accept_invites()
    names = [
        (await clinic.people[person].call("GET", f"/v3/rooms/{room}/state/m.room.name/")).get("name", "")
        for room in joined["joined_rooms"]
    ]
    return any(name.lower().startswith(key) for name in names)


async def _is_in_force(clinic: Clinic, person: str, key: str) -> bool:
    """Whether decisions go by it: people are invited before."""
    database = Database(f"sqlite:///{clinic.stack.directory}/colloque.db")
    async with database.reading() as connection:
        organisation = await inforce.load(connection)
    await database.close()
    group = organisation.group(key) if organisation else None
    return group is not None and person in group.members


async def test_a_changed_organisation_is_in_force_without_a_restart_and_a_broken_one_is_not(
    clinic: Clinic,
) -> None:
    newcomer = f"@dr3:{DOMAIN}"
    _change(clinic, "derm", [f"@dr0:{DOMAIN}", f"@dr1:{DOMAIN}", newcomer])
    assert await eventually(lambda: _is_member(clinic, newcomer, "derm"))
    assert await eventually(lambda: _is_in_force(clinic, newcomer, "derm"))
    asked = await clinic.ask("derm")
    person = clinic.people[newcomer]
    await person.join(asked.alias)
    await person.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, person)  # a member only since the change: whoever decides knows

    right = _file(clinic).read_text()
    _write(clinic, right.replace("groups:", "groupes:"))

    async def told() -> bool:
        return any("did you mean 'groups'" in text for text in await clinic.bot_chat(clinic.people[ADMIN]))

    assert await eventually(told)
    (refused, *_) = _logged(clinic, "reload.refused")
    line = right.splitlines().index("groups:") + 1
    assert f"organisation.yaml:{line}: groupes: unknown key; did you mean 'groups'" in refused["mistake"]
    still = await clinic.ask("derm")
    assert still.card

    _write(clinic, right)
    _change(clinic, "cardio", [])  # three of four people
    assert await eventually(lambda: _held(clinic))
    assert await _is_member(clinic, f"@dr1:{DOMAIN}", "cardio")


async def _held(clinic: Clinic) -> bool:
    said = await clinic.bot_chat(clinic.people[ADMIN])
    return bool(_logged(clinic, "reconcile.held")) and any("--allow-large-change" in text for text in said)


async def test_sighup_reads_the_files_at_once(clinic: Clinic) -> None:
    before = len(_logged(clinic, "reload.read"))
    assert clinic.stack.bridge.process is not None
    clinic.stack.bridge.process.send_signal(signal.SIGHUP)

    async def read() -> bool:
        return len(_logged(clinic, "reload.read")) > before

    assert await eventually(read)
    assert clinic.stack.bridge.process.returncode is None


async def test_in_manual_mode_a_change_waits_for_apply_and_is_in_force_after_it(clinic: Clinic) -> None:
    config = clinic.stack.config
    config.write_text(config.read_text() + "reconcile: manual\n")
    await clinic.stack.bridge.stop()
    await clinic.stack.bridge.start()
    newcomer = f"@dr3:{DOMAIN}"
    _change(clinic, "derm", [f"@dr0:{DOMAIN}", f"@dr1:{DOMAIN}", newcomer])

    async def logged(event: str) -> bool:
        return bool(_logged(clinic, event))

    assert await eventually(lambda: logged("reload.waits_for_apply"))
    assert not await _is_member(clinic, newcomer, "derm")
    command = (sys.executable, "-m", "bridge", "apply", "-c", str(config))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0
    assert await eventually(lambda: logged("reload.in_force"))
    assert await eventually(lambda: _is_member(clinic, newcomer, "derm"))
