"""The transcript, by the owner's command and by the administrator's, on real parts."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest

from bridge.demo.mailbox import Attached, Mail
from bridge.demo.person import Person
from bridge.demo.photos import drawing_png, skin_jpeg
from bridge.domain.plan import bot_chat_alias
from bridge.ports import Json
from tests.support.clinic import PATIENT, Asked, Clinic, body

pytestmark = pytest.mark.parametrize("clinic", ["12"], indirect=True)


async def _talked(clinic: Clinic) -> tuple[Asked, Person]:
    """A question with photos on both sides, and the owner's is known to have gone out."""
    asked = await clinic.ask("duo", "Est-ce grave ?", (Attached("photo.jpg", "image/jpeg", skin_jpeg()),))
    owner = clinic.members("duo")[0]
    await owner.say(asked.room_id, f"Je regarde, {asked.subject}.")
    await clinic.sealed(asked, owner)
    photo = await owner.show(asked.room_id, drawing_png(), "schéma.png", "image/png")
    await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: asked.subject in m.subject and bool(m.attachments)
    )

    def delivered(event: Json) -> bool:
        relation = event["content"].get("m.relates_to", {})
        return relation.get("event_id") == photo and str(relation.get("key")).startswith("✅")

    await owner.wait_for(asked.room_id, delivered)
    return asked, owner


def _mails(clinic: Clinic, asked: Asked) -> list[Mail]:
    """What the patient got about this question; notices about others may still come."""
    return [m for m in clinic.stack.mailbox.mails_to(PATIENT.address) if asked.subject in m.subject]


async def _file(owner: Person, room: str, name: str) -> bytes:
    """A file of the bot chat; whatever else was exported there before is another one."""

    def wanted(event: Json) -> bool:
        return event.get("content", {}).get("msgtype") == "m.file" and body(event) == name

    event = await owner.wait_for(room, wanted)
    return await owner.download(event["content"]["url"])


def _holds(words: str, transcript: dict[str, Any]) -> bool:
    return any(words in entry["text"] for entry in transcript["entries"])


async def test_the_owner_gets_both_documents_in_their_chat_and_the_patient_nothing(clinic: Clinic) -> None:
    asked, owner = await _talked(clinic)
    before = _mails(clinic, asked)
    await owner.say(asked.room_id, "!export")
    await clinic.stack.bridge.kill()
    await clinic.stack.bridge.start()
    room, reference = await _bot_room(clinic, owner), await _reference(asked, owner)
    transcript = json.loads(await _file(owner, room, f"colloque-{reference}.json"))
    assert _holds("Est-ce grave ?", transcript)
    assert _holds(f"Je regarde, {asked.subject}.", transcript)
    files = [file for entry in transcript["entries"] for file in entry["files"]]
    assert [file["mimetype"] for file in files] == ["image/jpeg", "image/png"]
    assert all(len(file["sha256"]) == 64 for file in files)
    answer = next(entry for entry in transcript["entries"] if entry["role"] == "owner")
    assert answer["delivery"]["state"] == "sent"
    dids = [act["did"] for act in transcript["acts"]]
    assert [did for did in ("asked", "taken", "answered", "delivered", "exported") if did not in dids] == []
    document = pypdf.PdfReader(BytesIO(await _file(owner, room, f"colloque-{reference}.pdf")))
    words = "\n".join(page.extract_text() for page in document.pages)
    assert asked.subject in words
    posted = [body(e) for e in await owner.messages(room) if e["content"].get("msgtype") == "m.file"]
    assert sorted(name for name in posted if reference in name) == [
        f"colloque-{reference}.json",
        f"colloque-{reference}.pdf",
    ]
    assert _mails(clinic, asked) == before
    assert await _audited(clinic, reference) == [(owner.user_id, "question.export")]
    in_room = [body(e) for e in await owner.messages(asked.room_id)]
    assert not any(words.endswith((".pdf", ".json")) for words in in_room)


async def _reference(asked: Asked, owner: Person) -> str:
    name = await owner.call("GET", f"/v3/rooms/{asked.room_id}/state/m.room.name/")
    return str(name["name"]).rpartition(" · ")[2]


async def _audited(clinic: Clinic, reference: str) -> list[tuple[str, str]]:
    """What the audit says of this question: by whom, and what."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "audit", "list", "--json", "-c", str(clinic.stack.config)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    entries = [json.loads(line) for line in output.splitlines()]
    return [(one["actor"], one["action"]) for one in entries if one["subject"] == reference]


async def _bot_room(clinic: Clinic, person: Person) -> str:
    alias = f"#colloque_{bot_chat_alias('', person.user_id)}:hopital.example"
    return await person.join(alias)


async def _export(clinic: Clinic, name: str, folder: Path) -> tuple[int, str]:
    words = ("export", name, "-c", str(clinic.stack.config), "-o", str(folder))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_an_administrator_may_only_where_the_configuration_says_so(
    clinic: Clinic, tmp_path: Path
) -> None:
    asked, owner = await _talked(clinic)
    reference = await _reference(asked, owner)
    code, told = await _export(clinic, reference, tmp_path / "no")
    assert (code, "care.admin_export" in told) == (2, True)
    assert not (tmp_path / "no").exists()
    config = clinic.stack.config
    before = config.read_text()
    config.write_text(before.replace("care:\n", "care:\n  admin_export: true\n"))
    try:
        code, told = await _export(clinic, reference, tmp_path / "yes")
        assert code == 0, told
        assert (await _export(clinic, reference, tmp_path / "yes"))[0] == 2
        assert (await _export(clinic, "ZZZZZZ", tmp_path / "none"))[0] == 2
    finally:
        config.write_text(before)
    folder = tmp_path / "yes"
    assert (folder.stat().st_mode & 0o077, (folder / f"colloque-{reference}.pdf").read_bytes()[:4]) == (
        0,
        b"%PDF",
    )
    transcript = json.loads((folder / f"colloque-{reference}.json").read_text())
    assert transcript["acts"][-1]["did"] == "exported"
    assert transcript["acts"][-1]["actor"].startswith("cli:")
    for entry in transcript["entries"]:
        for file in entry["files"]:
            assert hashlib.sha256((folder / file["path"]).read_bytes()).hexdigest() == file["sha256"]
