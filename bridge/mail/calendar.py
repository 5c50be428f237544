"""Video consultations in the patient's calendar: invitations out, answers in (RFC 5545, 5546, 6047).

What goes out says nothing about why people meet: calendars are shared with families and employers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Component, Event, vCalAddress, vText, vUri

from bridge.domain.content import Meeting

PRODUCT = "-//Colloque//Colloque//FR"
MAX_REPLY = 60_000
"""Bytes of an answer that are read; a program's answer has about one thousand."""

MAX_COMMENT = 2_000
ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}


@dataclass(frozen=True, slots=True)
class Party:
    """Someone who takes part: a name that may be shown, and an address that can be answered."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What someone's calendar answered: ``accepted``, ``declined`` or ``tentative``."""

    uid: str
    sequence: int
    answer: str
    comment: str


def method_of(meeting: Meeting) -> str:
    """What the calendar that receives it shall do."""
    return "CANCEL" if meeting.cancelled else "REQUEST"


def invitation(
    meeting: Meeting, organiser: Party, patient: Party, *, summary: str, description: str, at: datetime
) -> bytes:
    """The calendar object of an invitation, a change or a cancellation; the same input, the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method_of(meeting))
    calendar.add_component(_event(meeting, organiser, patient, summary, description, at))
    return bytes(calendar.to_ical())


def _event(
    meeting: Meeting, organiser: Party, patient: Party, summary: str, description: str, at: datetime
) -> Event:
    event = Event()
    event.add("uid", meeting.uid)
    event.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
    event.add("sequence", meeting.sequence)
    # UTC says the same everywhere and needs no table of time zones; programs show it in the reader's.
    event.add("dtstart", meeting.start.astimezone(UTC))
    event.add("dtend", meeting.end.astimezone(UTC))
    event.add("summary", summary)
    event.add("status", "CANCELLED" if meeting.cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("transp", "OPAQUE")
    event.add("organizer", _address(organiser), encode=False)
    event.add("attendee", _attendee(patient), encode=False)
    if meeting.cancelled:
        return event
    event.add("description", description)
    event.add("location", meeting.link)
    event.add("url", vUri(meeting.link))
    if meeting.remind_min > 0:
        event.add_component(_alarm(meeting.remind_min, summary))
    return event


def _address(party: Party) -> vCalAddress:
    address = vCalAddress(f"mailto:{party.address}")
    if party.name:
        address.params["CN"] = vText(_plain(party.name))
    return address


def _plain(name: str) -> str:
    """A parameter's value can hold no quote and no control character (RFC 5545, 3.2)."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name.replace('"', "'"))
    return " ".join(printable.split())


def _attendee(party: Party) -> vCalAddress:
    address = _address(party)
    address.params["CUTYPE"] = vText("INDIVIDUAL")
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText("NEEDS-ACTION")
    address.params["RSVP"] = vText("TRUE")
    return address


def _alarm(minutes: float, summary: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", -timedelta(seconds=round(minutes * 60)))
    return alarm


def read_reply(content: bytes) -> Reply | None:
    """A calendar's answer to an invitation, or ``None`` for anything else; never raises."""
    if len(content) > MAX_REPLY:
        return None
    try:
        calendar = Calendar.from_ical(content)
        if str(calendar.get("method", "")).upper() != "REPLY":
            return None
        return next((reply for event in calendar.walk("VEVENT") if (reply := _reply(event))), None)
    except Exception:  # a stranger's bytes may make the parser raise anything
        return None


def _reply(event: Component) -> Reply | None:
    found = event.get("attendee")
    attendees = found if isinstance(found, list) else [found]
    if len(attendees) != 1 or attendees[0] is None:
        return None
    answer = ANSWERS.get(str(attendees[0].params.get("PARTSTAT", "")).upper())
    comment = event.get("comment", "")
    words = comment[0] if isinstance(comment, list) and comment else comment
    if answer is None:
        return None
    return Reply(str(event.get("uid", "")), int(event.get("sequence", 0)), answer, str(words)[:MAX_COMMENT])
