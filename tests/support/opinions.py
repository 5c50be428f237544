"""Asking for an opinion as people do it, for journeys: choosing, the patient's answer, the expert's room."""

from __future__ import annotations

import json
import re

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from bridge.ports import Json
from tests.support.clinic import PATIENT, Asked, Clinic, body, is_card


async def mail_with(clinic: Clinic, asked: Asked, words: str) -> Mail:
    """The patient's mail about a question with these words."""
    return await clinic.stack.mailbox.wait_for(
        PATIENT.address,
        matching=lambda mail: asked.subject in mail.subject and words in mail.text,
        deadline_s=60,
    )


async def answer(clinic: Clinic, mail: Mail, words: str) -> None:
    """The patient answers one of our mails."""
    await clinic.stack.mailbox.write(
        to=mail.answer_address,
        subject=mail.subject,
        text=words,
        from_address=PATIENT.address,
        from_name=PATIENT.name,
        in_reply_to=mail,
    )


async def told(person: Person, room_id: str, *words: str) -> Json:
    """A line of the bot with all these words."""
    return await person.wait_for(
        room_id,
        lambda e: e["sender"].startswith("@colloque:") and all(word in body(e) for word in words),
        deadline_s=60,
    )


async def choose(owner: Person, asked: Asked, command: str) -> Json:
    """Mark the photo, and give the command as a reply to the text; returns the preview."""
    photo = await owner.wait_for(asked.room_id, lambda e: e["content"].get("msgtype") == "m.image")
    await owner.react(asked.room_id, photo["event_id"], "📎")
    reply = {"m.in_reply_to": {"event_id": asked.event_id}}
    await owner.send(asked.room_id, {"msgtype": "m.text", "body": command, "m.relates_to": reply})
    return await told(owner, asked.room_id, "Voici tout ce que")


async def everything(person: Person, room_id: str) -> str:
    """All that a client can read of a room, as text."""
    state = await person.call("GET", f"/v3/rooms/{room_id}/state/m.room.name/")
    events = await person.messages(room_id, limit=500)
    sync = await person.call("GET", "/v3/sync", timeout="0")
    return json.dumps([state, events, sync.get("rooms", {}).get("join", {}).get(room_id)], ensure_ascii=False)


async def asked_of(clinic: Clinic, key: str, reader: Person) -> tuple[str, str]:
    """The room and the reference of the question for an opinion that waits in a group."""
    waiting = await reader.join(f"#colloque_w_{key}:hopital.example")
    card = await reader.wait_for(waiting, lambda e: is_card(e, "Demande d'avis"), deadline_s=60)
    alias = body(card).partition("matrix.to/#/")[2].partition("/")[0]
    return await reader.join(alias), reference_in(body(card))


def reference_in(words: str) -> str:
    """The reference of a linked question that a line names."""
    found = re.search(r"(?:· |référence |\()([A-HJ-NP-Z2-9]{6})\b", words)
    assert found, words
    return found[1]


def mailed(clinic: Clinic, asked: Asked) -> list[Mail]:
    """All mails to the patient about a question."""
    return [m for m in clinic.stack.mailbox.mails_to(PATIENT.address) if asked.subject in m.subject]
