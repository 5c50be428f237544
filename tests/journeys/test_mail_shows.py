"""What mail has to get right from end to end: each mail once, in its turn, and photos as photos."""

from __future__ import annotations

import asyncio
import io
import smtplib
from collections import Counter

from PIL import Image, ImageOps

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from bridge.demo.photos import skin_jpeg
from tests.journeys.conftest import MAILS_AN_HOUR
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually, is_card


def _raw(identity: str, words: str, headers: str = "") -> bytes:
    return (
        f"From: {PATIENT.name} <{PATIENT.address}>\r\nSubject: Re: suite\r\nMessage-ID: <{identity}@p>\r\n"
        f"{headers}Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    ).encode()


async def _send(clinic: Clinic, recipients: list[str], *raws: bytes, sender: str = PATIENT.address) -> None:
    """All of these on one connection."""
    target = clinic.stack.mailbox.submit_to
    assert target is not None

    def send() -> None:
        with smtplib.SMTP(*target) as client:
            for raw in raws:
                client.sendmail(sender, recipients, raw)

    await asyncio.to_thread(send)


async def _taken(clinic: Clinic) -> tuple[Asked, Person, Mail]:
    asked = await clinic.ask("duo")
    owner = clinic.members("duo")[0]
    await owner.say(asked.room_id, f"Bonjour, {asked.subject}")
    await clinic.sealed(asked, owner)
    mail = await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: f"Bonjour, {asked.subject}" in m.text
    )
    return asked, owner, mail


async def _patients(asked: Asked, reader: Person) -> Counter[str]:
    """What stands in the room as the patient's words, and how often."""
    events = await reader.messages(asked.room_id, limit=200)
    return Counter(body(e) for e in events if "_p_" in e["sender"] and e["type"] == "m.room.message")


def _mails(clinic: Clinic, asked: Asked) -> list[Mail]:
    """What the patient got about this question; notices about others may still come."""
    return [m for m in clinic.stack.mailbox.mails_to(PATIENT.address) if asked.subject in m.subject]


async def _last(asked: Asked, owner: Person, words: str) -> None:
    await owner.wait_for(asked.room_id, lambda e: body(e) == words and "_p_" in e["sender"], deadline_s=90)


async def test_ten_mails_on_one_connection_are_ten_messages_and_a_repetition_is_none(clinic: Clinic) -> None:
    asked, owner, mail = await _taken(clinic)
    to = mail.answer_address
    await _send(clinic, [to], *(_raw(f"{asked.subject}.{n}", f"suite {n}") for n in range(10)))
    await _send(clinic, [to, to, to.upper()], _raw(f"{asked.subject}.twice", "deux fois"))
    await _send(clinic, [to], _raw(f"{asked.subject}.twice", "deux fois", "Received: from a by b\r\n"))
    await _send(clinic, [to], _raw(f"{asked.subject}.twice", "autre corps"))
    await _last(asked, owner, "autre corps")
    said = await _patients(asked, owner)
    assert {words: said[words] for words in said if words.startswith("suite")} == {
        f"suite {n}": 1 for n in range(10)
    }
    assert (said["deux fois"], said["autre corps"]) == (1, 1)


async def test_what_is_more_than_an_hour_lets_in_waits_until_the_owner_lets_it_in(clinic: Clinic) -> None:
    asked, owner, mail = await _taken(clinic)
    raws = [_raw(f"{asked.subject}.{n}", f"suite {n}") for n in range(MAILS_AN_HOUR + 3)]
    await _send(clinic, [mail.answer_address], *raws)
    notice = await owner.wait_for(asked.room_id, lambda e: "arrivés pour cette question" in body(e))
    await _last(asked, owner, f"suite {MAILS_AN_HOUR - 1}")
    said = await _patients(asked, owner)
    assert sum(said[f"suite {n}"] for n in range(len(raws))) == MAILS_AN_HOUR
    told = await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: asked.subject in m.subject and "bien arrivés" in m.text
    )
    assert told.header("Auto-Submitted") == "auto-replied"
    await owner.react(asked.room_id, notice["event_id"], "✅")
    await _last(asked, owner, f"suite {len(raws) - 1}")
    said = await _patients(asked, owner)
    assert [said[f"suite {n}"] for n in range(len(raws))] == [1] * len(raws)
    answers = [m for m in clinic.stack.mailbox.mails_to(PATIENT.address) if "bien arrivés" in m.text]
    assert len([m for m in answers if asked.subject in m.subject]) == 1


async def test_an_automatic_mail_is_never_answered_and_reopens_nothing(clinic: Clinic) -> None:
    asked, owner, mail = await _taken(clinic)
    await owner.say(asked.room_id, "!clore")
    await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: asked.subject in m.subject and "est close" in m.text
    )
    before = _mails(clinic, asked)
    absent = _raw(f"{asked.subject}.absent", "Je suis absente.", "Auto-Submitted: auto-replied\r\n")
    await _send(clinic, [mail.answer_address], absent)
    await owner.wait_for(asked.room_id, lambda e: "réponse automatique" in body(e))
    assert (await _patients(asked, owner))["Je suis absente."] == 0
    assert not any(
        "rouverte" in body(e) for e in await owner.messages(asked.room_id) if "patient a" in body(e)
    )
    assert _mails(clinic, asked) == before


async def test_a_photo_of_the_owner_arrives_as_a_photo(clinic: Clinic) -> None:
    asked, owner, _ = await _taken(clinic)
    photo = skin_jpeg()
    await owner.show(asked.room_id, photo, f"{asked.subject}.jpg", "image/jpeg")
    mail = await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: any(asked.subject in file.name for file in m.attachments)
    )
    (got,) = [file for file in mail.attachments if asked.subject in file.name]
    assert got.mimetype == "image/jpeg"
    assert got in mail.inline.values()
    with Image.open(io.BytesIO(got.content)) as shown, Image.open(io.BytesIO(photo)) as sent:
        assert (shown.format, shown.size) == ("JPEG", ImageOps.exif_transpose(sent).size)
        assert not shown.getexif()
    cid = next(name for name, file in mail.inline.items() if file == got)
    assert f"cid:{cid}" in mail.html


async def test_one_mail_to_two_groups_is_one_question_that_either_may_take(clinic: Clinic) -> None:
    raw = _raw("deuxgroupes", "Lequel de vous ?").replace(b"Re: suite", b"Deuxgroupes")
    await _send(clinic, [clinic.group("duo").address, clinic.group("derm").address], raw)
    asked = await clinic.found("duo", "Deuxgroupes")
    other = next(p for p in clinic.members("derm") if p not in clinic.members("duo"))
    waiting = await other.join("#colloque_w_derm:hopital.example")
    card = await other.wait_for(waiting, lambda e: is_card(e, "Deuxgroupes"))
    assert asked.alias in body(card)
    assert await other.join(asked.alias) == asked.room_id
    await other.say(asked.room_id, "Moi.")
    await clinic.sealed(asked, other)

    async def gone() -> bool:
        reader = clinic.members("duo")[0]
        first = await reader.join("#colloque_w_duo:hopital.example")
        rooms = ((reader, first), (other, waiting))
        left = [e for person, room in rooms for e in await person.messages(room) if is_card(e, "Deuxgroupes")]
        return not left

    assert await eventually(gone)
    await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: "Deuxgroupes" in m.subject and "bien reçu" in m.text
    )
    assert len([m for m in _mails(clinic, asked) if "bien reçu" in m.text]) == 1
