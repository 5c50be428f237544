"""What consultations are made of: what a question remembers of them, their effects and their events.

See :mod:`bridge.domain.effects` and :mod:`bridge.domain.events` for what those are. The rules stand in
:mod:`bridge.domain.video`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.domain.content import Meeting


@dataclass(frozen=True, slots=True)
class VideoPolicy:
    """What the configuration says about video consultations.

    ``link`` is a template with ``{room}``, empty where there are none. ``secret`` makes rooms unguessable.
    ``minutes`` is how long one takes unless said otherwise; people are reminded ``remind_min`` before.
    """

    link: str = ""
    secret: str = ""
    minutes: int = 20
    remind_min: float = 15.0


@dataclass(frozen=True, slots=True)
class Video:
    """One video consultation. ``sequence`` counts its changes, ``answer`` is the patient's to the last.

    ``answer`` is ``accepted``, ``declined``, ``tentative``, or empty.
    """

    number: int
    start: datetime
    minutes: int
    link: str
    sequence: int = 0
    cancelled: bool = False
    answer: str = ""

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(minutes=self.minutes)


def uid(question_id: str, number: int) -> str:
    """What a calendar knows a consultation by, before it is made opaque."""
    return f"{question_id}:video:{number}"


# --- effects ---


@dataclass(frozen=True, slots=True)
class CheckAgenda:
    """Look whether the owner has other consultations at this time; the answer is :class:`AgendaChecked`.

    ``number`` is the consultation to move, 0 for a new one; ``words`` are the command's, to be repeated.
    """

    key: str
    question_id: str
    owner: str
    language: str
    number: int
    start: datetime
    minutes: int
    words: str
    anyway: bool


@dataclass(frozen=True, slots=True)
class WakeVideo:
    """Bring :class:`VideoDue` when it is time to remind people."""

    key: str
    question_id: str
    number: int
    sequence: int


@dataclass(frozen=True, slots=True)
class TellPatient:
    """One neutral mail of the service about a question (``message``: key in the locale's ``[mail]``).

    ``meeting`` goes along for the patient's calendar: an invitation, a change or a cancellation.
    """

    key: str
    question_id: str
    group: str
    language: str
    address: str
    name: str
    subject: str
    reference: str
    token: str
    message: str
    references: tuple[str, ...]
    values: dict[str, str] = field(default_factory=dict)
    meeting: Meeting | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """Write the transcript of a question, and bring it to someone in their bot chat (``by``: their name)."""

    key: str
    question_id: str
    user_id: str
    language: str
    by: str
    values: dict[str, str] = field(default_factory=dict)


# --- events ---


@dataclass(frozen=True, slots=True)
class ExportFailed:
    """A transcript could not be brought; ``reason`` is a code."""

    effect_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another consultation of the owner at that time; ``reference`` is its question's."""

    start: datetime
    minutes: int
    reference: str


@dataclass(frozen=True, slots=True)
class AgendaChecked:
    """What :class:`CheckAgenda` found."""

    asked: CheckAgenda
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoDue:
    """It is time to remind of a consultation, if it still is as it was."""

    number: int
    sequence: int


@dataclass(frozen=True, slots=True)
class InvitationAnswered:
    """The patient's calendar answered: ``accepted``, ``declined`` or ``tentative``."""

    input_id: str
    number: int
    sequence: int
    answer: str


@dataclass(frozen=True, slots=True)
class NoticeFailed:
    """A neutral mail to the patient was refused for good; ``reason`` is the server's code."""

    effect_key: str
    reason: str
