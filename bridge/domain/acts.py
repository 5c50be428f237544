"""The act record: what happened to a question, when, by whom and why. Nothing in it is ever changed.

A decision names its acts, and the storage keeps them in the same commit as everything else it decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Did(StrEnum):
    """What can happen to a question."""

    ASKED = "asked"
    TAKEN = "taken"
    ANSWERED = "answered"
    """Words of the owner became a mail (``number``, ``events``)."""
    DELIVERED = "delivered"
    """The next mail server has that mail."""
    FAILED = "failed"
    """That mail was refused for good."""
    PATIENT_WROTE = "patient_wrote"
    MAIL_SET_ASIDE = "mail_set_aside"
    """Mail that is kept but not shown: bounced, automatic, from another sender."""
    MAIL_ACCEPTED = "mail_accepted"
    """The owner let a held mail in."""
    MAIL_REFUSED = "mail_refused"
    CLOSED = "closed"
    REOPENED = "reopened"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"
    OFFERED = "offered"
    """The owner offered the question to a colleague."""
    HANDED_OVER = "handed_over"
    DECLINED = "declined"
    EXPIRED = "expired"
    """The colleague did not answer in time."""
    UNDONE = "undone"
    NOTED = "noted"
    RESENT = "resent"
    CORRECTED = "corrected"
    REMINDED = "reminded"
    WIDENED = "widened"
    """The fallback group may take it, too."""
    MAIL_STOPPED = "mail_stopped"
    """The patient wants no more e-mails."""
    MAIL_RESUMED = "mail_resumed"
    PATIENT_TOLD = "patient_told"
    ADMINS_ALERTED = "admins_alerted"
    VIDEO_ARRANGED = "video_arranged"
    VIDEO_MOVED = "video_moved"
    VIDEO_CANCELLED = "video_cancelled"
    VIDEO_ANSWERED = "video_answered"
    """The patient's calendar accepted or declined (``why``)."""
    VIDEO_REMINDED = "video_reminded"
    CONSENT_ASKED = "consent_asked"
    """The patient was asked whether another expert may see what the owner chose."""
    CONSENT_GIVEN = "consent_given"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_UNCLEAR = "consent_unclear"
    """The answer was neither a plain yes nor a plain no."""
    CONSENT_EXPIRED = "consent_expired"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    """The patient took a consent back: what went to the expert was closed to them."""
    OPINION_ASKED = "opinion_asked"
    """What was chosen went to an expert, as a linked question."""
    OPINION_GIVEN = "opinion_given"
    OPINION_DROPPED = "opinion_dropped"
    """The owner gave it up before anything left, or the question left the owner."""
    EXPORTED = "exported"
    """The transcript was written, for the owner or an administrator."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happened.

    ``key`` is unique for ever, so that a replay adds nothing. ``actor`` is a Matrix ID, ``patient``, or
    ``colloque``. ``why`` is what the actor said, ``details`` what belongs to it.
    """

    key: str
    did: str
    actor: str
    why: str = ""
    details: dict[str, str] = field(default_factory=dict)


PATIENT = "patient"
COLLOQUE = "colloque"
