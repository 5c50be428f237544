"""What a patient's calendar answers to an invitation (RFC 5546, 3.2.3), and the words that come with it."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.consulting import uid
from bridge.domain.events import InvitationAnswered
from bridge.domain.state import Question
from bridge.mail.notices import calendar_uid
from bridge.mail.parsed import ParsedMail

CALENDARS = ("text/calendar", "application/ics")


def invitation_answer(
    input_id: str, question: Question, mail: ParsedMail, domain: str
) -> tuple[InvitationAnswered, ParsedMail] | None:
    """A calendar's answer in this mail, and what the mail says besides; ``None`` when there is none.

    Calendars that answer by themselves mark the mail as automatic, and its text is the program's: the
    patient's own words are then the answer's comment. A person's words and files go into the room.
    """
    calendars = [file.content for file in mail.files if file.mimetype in CALENDARS]
    if not calendars:
        return None
    from bridge.mail.calendar import read_reply  # its library is heavy, and seldom needed

    replies = [read_reply(content) for content in calendars]
    reply = next((reply for reply in replies if reply is not None), None)
    if reply is None:
        return None
    known = {calendar_uid(uid(question.id, video.number), domain): video for video in question.videos}
    video = known.get(reply.uid)
    if video is None:
        return None
    answered = InvitationAnswered(input_id, video.number, reply.sequence, reply.answer)
    words = reply.comment if mail.automatic or reply.comment else mail.reply
    files = tuple(file for file in mail.files if file.mimetype not in CALENDARS)
    return answered, replace(mail, reply=words, files=files)
