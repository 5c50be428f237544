"""Links in patients' mails: which errand about which question, signed, so that none can be guessed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from bridge.domain.arriving import Errand

PATH = "/m"
SIGNED_BYTES = 15


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
        digest = hmac.new(self.secret, f"{errand.value} {question_id}".encode(), hashlib.sha256).digest()
        return f"{question_id}.{base64.b32encode(digest[:SIGNED_BYTES]).decode().lower()}"

    def question(self, errand: Errand, ticket: str) -> str | None:
        """The question that a ticket is about; ``None`` for one that isn't ours, or of another errand."""
        question_id = ticket.partition(".")[0]
        wanted = self.ticket(errand, question_id)
        return question_id if hmac.compare_digest(wanted.encode(), ticket.lower().encode()) else None
