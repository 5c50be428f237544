"""Invitations as calendars read them, by three parsers that aren't ours, and the answers that come back."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import ics
import pytest
import vobject
from icalendar import Calendar

from bridge.domain.consulting import TellPatient, Video
from bridge.domain.content import Meeting
from bridge.domain.events import InvitationAnswered, PatientWrote
from bridge.domain.organisation import ExpertGroup, Notify, Organisation
from bridge.domain.state import Question, Status
from bridge.mail.calendar import MAX_REPLY, Party, Reply, invitation, read_reply
from bridge.mail.compose import compose
from bridge.mail.notices import calendar_uid, patient_notice
from bridge.mail.parse import parse_mail
from bridge.mail.parsed import ParsedMail
from bridge.mail.read import MailReader
from bridge.ports import Reading
from tests.mail.outgoing import TOKEN, read

START = datetime(2026, 3, 3, 13, 30, tzinfo=UTC)
AT = datetime(2026, 3, 2, 9, 0, 7, tzinfo=UTC)
MEETING = Meeting("1@reponse.test", 2, START, 20, "https://meet.example.org/xyz", 15)
ORGANISER = Party('Hôpital "des Lilas"; service, nord', f"q+{TOKEN}@reponse.test")
PATIENT = Party("Marie Lefèvre", "marie@patients.test")


def made(meeting: Meeting = MEETING) -> str:
    return invitation(
        meeting, ORGANISER, PATIENT, summary="Consultation vidéo", description="Lien ; ici, là\n2", at=AT
    ).decode()


def test_icalendar_reads_who_when_and_where() -> None:
    calendar = Calendar.from_ical(made())
    (event,) = calendar.walk("VEVENT")
    assert calendar["method"] == "REQUEST"
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (START, START + timedelta(minutes=20))
    assert (event["uid"], event["sequence"], event["status"]) == ("1@reponse.test", 2, "CONFIRMED")
    assert event["description"] == "Lien ; ici, là\n2"
    assert str(event["organizer"]) == f"mailto:q+{TOKEN}@reponse.test"
    attendee = event["attendee"]
    assert str(attendee) == "mailto:marie@patients.test"
    assert (attendee.params["RSVP"], attendee.params["PARTSTAT"]) == ("TRUE", "NEEDS-ACTION")
    (alarm,) = event.walk("VALARM")
    assert alarm.decoded("trigger") == timedelta(minutes=-15)


def test_vobject_reads_the_same() -> None:
    calendar = vobject.readOne(made())
    event = calendar.vevent
    assert (calendar.method.value, event.sequence.value) == ("REQUEST", "2")
    assert event.dtstart.value.astimezone(UTC) == START
    assert event.attendee.params["CN"] == ["Marie Lefèvre"]
    assert event.location.value == "https://meet.example.org/xyz"


def test_ics_reads_the_same() -> None:
    (event,) = ics.Calendar(made()).events
    assert (event.uid, event.name) == ("1@reponse.test", "Consultation vidéo")
    assert (event.begin.datetime, event.duration) == (START, timedelta(minutes=20))
    assert event.organizer is not None
    assert event.organizer.email == f"q+{TOKEN}@reponse.test"


def test_lines_are_folded_and_end_as_the_standard_says() -> None:
    raw = made().encode()
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_cancellation_carries_no_link_and_rings_no_alarm() -> None:
    calendar = Calendar.from_ical(
        made(Meeting("1@r", 3, START, 20, "https://meet.example.org/xyz", 15, True))
    )
    (event,) = calendar.walk("VEVENT")
    assert (calendar["method"], event["status"], event["sequence"]) == ("CANCEL", "CANCELLED", 3)
    assert "meet.example.org" not in calendar.to_ical().decode()
    assert event.walk("VALARM") == []


# --- the mail ---

GROUP = ExpertGroup("derm", "Dermatologie", "derm@h.test", (), Notify.ANNOUNCE, "fr")
ORGANISATION = Organisation("Hôpital des Lilas", "fr", (), (GROUP,))
TELL = TellPatient(
    key="q1:mail:1",
    question_id="q1",
    group="derm",
    language="fr",
    address="marie@patients.test",
    name="Marie Lefèvre",
    subject="Tache sur l'épaule",
    reference="K7RM2Q",
    token=TOKEN,
    message="video_arranged",
    references=("<1@patients.test>",),
    values={"when": "mardi", "minutes": "20", "link": "https://meet.example.org/xyz"},
    meeting=Meeting("q1:video:1", 0, START, 20, "https://meet.example.org/xyz", 15),
)


def test_the_mail_is_shown_by_programs_with_and_without_a_calendar() -> None:
    mail = patient_notice(TELL, ORGANISATION, "reponse.test", "Appelez le 15.", AT)
    message = read(mail)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    shown, attached = (
        part for part in message.walk() if "cal" in part.get_content_type() or part.get_filename()
    )
    assert shown.get_param("method") == "REQUEST"
    assert shown.get_content_charset() == "utf-8"
    assert attached.get_filename() == "invitation.ics"
    assert shown.get_payload(decode=True) == attached.get_payload(decode=True)
    plain = message.get_body(("plain",))
    assert isinstance(plain, EmailMessage)
    assert "https://meet.example.org/xyz" in plain.get_content()
    assert compose(mail) == compose(mail)


def test_a_calendar_that_others_see_says_nothing_of_the_question() -> None:
    mail = patient_notice(TELL, ORGANISATION, "reponse.test", "", AT)
    assert mail.calendar is not None
    words = mail.calendar.content.decode()
    assert "Tache" not in words
    assert "épaule" not in words
    assert "q1:video" not in words


# --- what comes back ---


def answer(partstat: str = "ACCEPTED", uid: str = "1@r", sequence: int = 2, comment: str = "") -> bytes:
    """As Outlook and Google write it."""
    words = f"COMMENT:{comment}\r\n" if comment else ""
    return (
        "BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\nVERSION:2.0\r\n"
        "CALSCALE:GREGORIAN\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nDTSTART:20260303T133000Z\r\n"
        f"ORGANIZER;CN=Hôpital:mailto:q+x@r.test\r\nUID:{uid}\r\n"
        f"ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT={partstat};CN=Marie;X-NUM-GUESTS=0:mailto:marie@p.test\r\n"
        f"{words}SEQUENCE:{sequence}\r\nSTATUS:CONFIRMED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("partstat", "meaning"), [("ACCEPTED", "accepted"), ("DECLINED", "declined"), ("TENTATIVE", "tentative")]
)
def test_an_answer_is_understood(partstat: str, meaning: str) -> None:
    assert read_reply(answer(partstat)) == Reply("1@r", 2, meaning, "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        answer().replace(b"METHOD:REPLY", b"METHOD:REQUEST"),
        answer("DELEGATED"),
        answer().replace(b"SEQUENCE:2", b"SEQUENCE:two"),
        b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\n" * 3000,
        b'BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;CN="' + b'"' * 50_000,
        b"BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\n"
        + b"ATTENDEE:x\n" * 5000
        + b"END:VEVENT\nEND:VCALENDAR",
        b"BEGIN:VCALENDAR\nMETHOD:REPLY\n" + b"x" * MAX_REPLY,
    ],
)
def test_anything_else_is_no_answer_and_costs_little(content: bytes) -> None:
    started = time.process_time()
    assert read_reply(content) is None
    assert time.process_time() - started < 5


class Known:
    """The names of one question with one consultation."""

    async def question(self, _question_id: str) -> Question:
        video = Video(1, START, 20, "https://meet.example.org/xyz", sequence=2)
        return Question(
            "q1",
            "derm",
            Status.TAKEN,
            "T",
            "R",
            "fr",
            "marie@p.test",
            "Marie",
            TOKEN,
            "g",
            AT,
            videos=(video,),
        )


class Item:
    key, conversation, received_at = "mail:1", "q1", 0.0
    recipient, sender = f"q+{TOKEN}@reponse.test", "marie@p.test"

    def __init__(self, payload: bytes) -> None:
        self.payload = payload


async def parse(raw: bytes, domain: str = "", *, report_expected: bool = False) -> ParsedMail:
    return parse_mail(raw)


async def reading(calendar: bytes, text: str = "", **headers: str) -> Reading:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "Marie <marie@p.test>",
        Item.recipient,
        "Accepted: Consultation",
    )
    mail["Message-ID"] = "<reply@p.test>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    mail.add_alternative(calendar, "text", "calendar", params={"method": "REPLY"}, cte="base64")
    reader = MailReader(Known(), ORGANISATION, "reponse.test", "colloque_", parse)  # type: ignore[arg-type]
    return await reader(Item(mail.as_bytes()))


UID = calendar_uid("q1:video:1", "reponse.test")


async def test_a_program_s_answer_is_the_answer_alone() -> None:
    found = await reading(
        answer(uid=UID), "Marie has accepted this invitation.", Auto_Submitted="auto-generated"
    )
    assert found.events == (InvitationAnswered("mail:1", 1, 2, "accepted"),)


async def test_the_words_that_a_patient_adds_go_into_the_room() -> None:
    found = await reading(answer("DECLINED", UID), "Je suis en déplacement ce jour-là.")
    assert found.events[0] == InvitationAnswered("mail:1", 1, 2, "declined")
    assert isinstance(found.events[1], PatientWrote)
    assert found.events[1].text == "Je suis en déplacement ce jour-là."
    commented = await reading(
        answer("DECLINED", UID, comment="Plus tard ?"), "x", Auto_Submitted="auto-generated"
    )
    assert isinstance(commented.events[1], PatientWrote)
    assert commented.events[1].text == "Plus tard ?"


async def test_an_answer_to_somebody_else_s_invitation_is_an_ordinary_mail() -> None:
    found = await reading(answer(uid="other@elsewhere.test"), "Voici mon rendez-vous.")
    assert [type(event) for event in found.events] == [PatientWrote]
