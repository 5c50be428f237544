"""Links in patients' mails, to an errand or to an answer: signed, so that none can be guessed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime

from bridge.domain.arriving import Errand

PATH, ANSWERS = "/m", "/m/answer"
LARGEST_FILE = 128 * 1024 * 1024
"""Bytes of a file on an answer's page: it is held in memory while it is sent."""
VALID_DAYS = 30
"""How long an answer can be read by its link; after that its page offers to send another one."""
SIGNED_BYTES = 15


@dataclass(frozen=True, slots=True)
class AnswerTicket:
    """Which answer a link is about, and the day that it was made on (days since 1970).

    ``consent``: it is about the mail that asks for the patient's consent to an opinion of this number.
    """

    question_id: str
    number: int
    day: int
    consent: bool = False

    def valid(self, now: datetime) -> bool:
        """Whether it can still be read by this link."""
        return day_of(now) - self.day <= VALID_DAYS


def day_of(moment: datetime) -> int:
    """The day of a moment, as tickets have it."""
    return int(moment.timestamp() // 86_400)


@dataclass(frozen=True, slots=True)
class MailLinks:
    """The links of one installation. ``base`` is where patients' browsers reach it, without a slash."""

    base: str
    secret: bytes

    def url(self, errand: Errand, question_id: str) -> str:
        """The link for this errand."""
        return f"{self.base}{PATH}/{errand.value}/{self.ticket(errand, question_id)}"

    def ticket(self, errand: Errand, question_id: str) -> str:
        """Its last part: the question and 120 bits of signature over both."""
        return f"{question_id}.{self._signature(errand.value, question_id)}"

    def question(self, errand: Errand, ticket: str) -> str | None:
        """The question that a ticket is about; ``None`` for one that isn't ours, or of another errand."""
        question_id = ticket.partition(".")[0]
        wanted = self.ticket(errand, question_id)
        return question_id if hmac.compare_digest(wanted.encode(), ticket.lower().encode()) else None

    def answer_url(self, question_id: str, number: int, now: datetime, *, consent: bool = False) -> str:
        """The link by which an answer, or what a consent is asked for, is read."""
        ticket = AnswerTicket(question_id, number, day_of(now), consent)
        return f"{self.base}{ANSWERS}/{self.answer_ticket(ticket)}"

    def answer_ticket(self, ticket: AnswerTicket) -> str:
        """Its last part."""
        words = f"{ticket.question_id}.{'c' if ticket.consent else ''}{ticket.number}.{ticket.day}"
        return f"{words}.{self._signature('answer', words)}"

    def answer(self, text: str) -> AnswerTicket | None:
        """What a ticket is about; ``None`` for one that isn't ours."""
        parts = text.lower().split(".")
        if len(parts) != 4 or not re.fullmatch("c?[0-9]{1,9}[.][0-9]{1,9}", ".".join(parts[1:3])):
            return None
        consent = parts[1].startswith("c")
        ticket = AnswerTicket(parts[0], int(parts[1].removeprefix("c")), int(parts[2]), consent)
        same = hmac.compare_digest(self.answer_ticket(ticket).encode(), text.lower().encode())
        return ticket if same else None

    def _signature(self, purpose: str, words: str) -> str:
        digest = hmac.new(self.secret, f"{purpose} {words}".encode(), hashlib.sha256).digest()
        return base64.b32encode(digest[:SIGNED_BYTES]).decode().lower()
