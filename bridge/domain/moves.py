"""The effects of a question's moves: closing, releasing, handing over, and of the net that watches it.

See :mod:`bridge.domain.effects` for what an effect is. ``stem`` begins the keys of a room's own effects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bridge.domain.commands import Command, UnknownCommand


class Speaking(StrEnum):
    """Who may write in a question room that is not waiting."""

    OWNER = "owner"
    """The owner."""
    REACTIONS = "reactions"
    """Nobody; the owner may react, which is how a closed question is reopened."""
    NOBODY = "nobody"
    """Nobody, and no reactions either."""


@dataclass(frozen=True, slots=True)
class SetSpeaking:
    """One power-level event: who may write from now on."""

    key: str
    question_id: str
    stem: str
    ghost: str
    owner: str
    speaking: Speaking


@dataclass(frozen=True, slots=True)
class ClearMark:
    """Take back a mark or an offer of the bot (``sent``: the key of what put it), if it ever was put."""

    key: str
    room: str
    sent: str

    @classmethod
    def of(cls, room: str, sent: str) -> ClearMark:
        """The one that takes back what shows a state, so that it can be told whether that is due."""
        return cls(f"{sent}:clear", room, sent)


@dataclass(frozen=True, slots=True)
class Widen:
    """Let the members of a further group join the waiting question's room, too."""

    key: str
    question_id: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlist:
    """Take the room out of its group's listing. ``room`` is its key."""

    key: str
    question_id: str
    group: str
    stem: str
    room: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Post again, in the question's room, what was said in its ``former`` room (a key).

    ``asked`` stands for what the group could read before the seal, ``talked`` for the rest. ``internal``
    are the events that never went to the patient.
    """

    key: str
    question_id: str
    stem: str
    former: str
    ghost: str
    patient: str
    language: str
    time_zone: str
    asked: bool
    talked: bool
    internal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseFormer:
    """Take everyone but the bridge out of a room that the question has left (``former``: its key)."""

    key: str
    question_id: str
    former: str
    ghost: str
    language: str
    message: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """Ask a colleague, in their bot chat, whether they take a question; ✅ and ❌ answer, too."""

    key: str
    question_id: str
    user_id: str
    language: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remind:
    """Tell someone something in their bot chat, unless they are away or want no reminders of it.

    Mutes don't hold back what is ``urgent``: there it is about what nobody else looks after.
    """

    key: str
    user_id: str
    question_id: str
    group: str
    language: str
    message: str
    values: dict[str, str] = field(default_factory=dict)
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class PassOn:
    """Someone gave a command in their bot chat that is about a question: find it, and pass it on.

    ``reference``, the command's first word, may name it, or ``reply_to`` does, or (for ``undo``) it is the
    last one they acted on.
    """

    key: str
    user_id: str
    name: str
    language: str
    standing: str
    event_id: str
    command: Command | UnknownCommand
    reference: str = ""
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class KeepAbsence:
    """Note until when someone is away (0: they are back), say so, and see to their questions."""

    key: str
    user_id: str
    language: str
    until: float
    shown: str


@dataclass(frozen=True, slots=True)
class KeepMute:
    """Note until when someone wants no reminders (0: they do again). ``scope``: see the table of mutes."""

    key: str
    user_id: str
    language: str
    scope: str
    until: float
    shown: str
