"""A video consultation from its first word to its cancellation, on real parts, with a kill in the middle."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Event

from bridge.demo.mailbox import Attached, Mail
from bridge.demo.person import Person
from bridge.domain.dates import spoken
from tests.support.clinic import PATIENT, Asked, Clinic, body

PARIS = "Europe/Paris"


def _tomorrow(hour: int) -> datetime:
    return datetime.now(ZoneInfo(PARIS)).replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(
        days=1
    )


async def _owned(clinic: Clinic, key: str = "duo") -> tuple[Asked, Person]:
    asked = await clinic.ask(key)
    owner = clinic.members(key)[0]
    await owner.react(asked.room_id, asked.event_id, "🙋")
    await clinic.sealed(asked, owner)
    return asked, owner


async def _mail(clinic: Clinic, asked: Asked, words: str) -> Mail:
    return await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda mail: asked.subject in mail.subject and words in mail.text
    )


def _calendar(mail: Mail) -> tuple[Calendar, Event]:
    (file,) = (file for file in mail.attachments if file.name == "invitation.ics")
    calendar = Calendar.from_ical(file.content)
    assert isinstance(calendar, Calendar)
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, Event)
    return calendar, event


async def _answers(clinic: Clinic, mail: Mail, partstat: str, words: str = "") -> None:
    """The patient's calendar program answers, as such programs do."""
    calendar, event = _calendar(mail)
    calendar["method"] = "REPLY"
    event["attendee"].params["PARTSTAT"] = partstat
    await clinic.stack.mailbox.write(
        to=str(event["organizer"]).removeprefix("mailto:"),
        subject=f"Accepted: {event['summary']}",
        text=words,
        from_address=PATIENT.address,
        from_name=PATIENT.name,
        photos=[Attached("reply.ics", "text/calendar", calendar.to_ical())],
    )


async def _said(owner: Person, asked: Asked, *words: str) -> str:
    event = await owner.wait_for(
        asked.room_id,
        lambda e: (
            e.get("content", {}).get("msgtype") == "m.notice" and all(word in body(e) for word in words)
        ),
    )
    return body(event)


@pytest.mark.parametrize("clinic", ["12"], indirect=True)
async def test_a_consultation_is_arranged_accepted_moved_and_cancelled(clinic: Clinic) -> None:
    asked, owner = await _owned(clinic)
    await owner.say(asked.room_id, "!visio demain 14h 45min")
    room_line = await _said(
        owner, asked, "Consultation vidéo n° 1", spoken(_tomorrow(14), PARIS, "fr"), "45 min"
    )
    invited = await _mail(clinic, asked, "vous est proposée")
    calendar, event = _calendar(invited)
    link = str(event["url"])
    assert link.startswith("https://meet.example.org/")
    assert link in room_line
    assert link in invited.text
    assert (calendar["method"], event["sequence"]) == ("REQUEST", 0)
    assert event.decoded("dtstart") == _tomorrow(14)
    assert asked.subject not in str(event["summary"])

    await _answers(clinic, invited, "ACCEPTED", "À demain, merci.")
    await _said(owner, asked, "accepté", "n° 1")
    await owner.wait_for(asked.room_id, lambda e: body(e) == "À demain, merci.")

    await clinic.stack.bridge.kill()
    await owner.say(asked.room_id, "!visio déplacer demain 16h")
    await clinic.stack.bridge.start()
    await _said(owner, asked, "déplacée", spoken(_tomorrow(16), PARIS, "fr"))
    moved = await _mail(clinic, asked, "est déplacée")
    _, changed = _calendar(moved)
    assert (changed["uid"], changed["sequence"], str(changed["url"])) == (event["uid"], 1, link)
    await _answers(clinic, moved, "DECLINED")
    await _said(owner, asked, "refusé", "n° 1")

    await owner.say(asked.room_id, "!video cancel")
    await _said(owner, asked, "annulée")
    calendar, cancelled = _calendar(await _mail(clinic, asked, "est annulée"))
    assert (calendar["method"], cancelled["uid"], cancelled["sequence"]) == ("CANCEL", event["uid"], 2)
    about = [m for m in clinic.stack.mailbox.mails_to(PATIENT.address) if asked.subject in m.subject]
    assert not any("!vi" in mail.text for mail in about)
    assert len({mail.message_id for mail in about if "vidéo" in mail.text}) == 3


@pytest.mark.parametrize("clinic", ["12"], indirect=True)
async def test_a_consultation_in_another_question_is_told_before_anybody_is_invited(clinic: Clinic) -> None:
    first, owner = await _owned(clinic)
    await owner.say(first.room_id, "!visio demain 11h")
    await _said(owner, first, "Consultation vidéo n° 1")
    second, _ = await _owned(clinic)
    await owner.say(second.room_id, "!visio demain 11h10")
    told = await _said(owner, second, "déjà une consultation")
    assert spoken(_tomorrow(11), PARIS, "fr") in told
    await owner.say(second.room_id, "!visio demain 11h10 quand même")
    await _said(owner, second, "Consultation vidéo n° 1")
    await _mail(clinic, second, "vous est proposée")
    await owner.say(first.room_id, "!visio annuler")
    await _said(owner, first, "annulée")
