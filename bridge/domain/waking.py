"""What is put off: effects that bring an event back into the inbox after a delay, and these events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wake:
    """Bring :class:`DraftDue` back (for the delay see :class:`bridge.domain.effects.Planned`)."""

    key: str
    question_id: str
    number: int


@dataclass(frozen=True, slots=True)
class WakeMarks:
    """Bring :class:`MarksDue` back."""

    key: str
    question_id: str
    number: int


@dataclass(frozen=True, slots=True)
class DraftDue:
    """The quiet period of draft ``number`` is over."""

    number: int


@dataclass(frozen=True, slots=True)
class MarksDue:
    """A moment has passed since the owner's mail ``number`` was handed over."""

    number: int
