"""The effects about mails as they came: a held one is let in or put away, any one is shown to the owner.

See :mod:`bridge.domain.effects` for what an effect is.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.marks import OnMessage

MANY, LATER = "many", "later"
"""Why a mail is held until its turn: too much came within an hour; its sender can't be looked up now."""


@dataclass(frozen=True, slots=True)
class HeldMail:
    """A mail that waits for its owner's judgement, and whom it says it is from.

    ``many``: the first of those that wait only because there is much; what is judged of it counts for all.
    """

    input_id: str
    address: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class SettleMail:
    """Let a held mail be read again, now as the patient's, or put it away with its bytes."""

    key: str
    question_id: str
    input_id: str
    admitted: bool


@dataclass(frozen=True, slots=True)
class LetIn:
    """Let every mail of this question be read that is held because there is much."""

    key: str
    question_id: str


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """It is the turn of a held mail (see :class:`bridge.domain.effects.Planned` for when)."""

    key: str
    question_id: str
    input_id: str


@dataclass(frozen=True, slots=True)
class ShowOriginal:
    """Show a mail as it came, in the question room: this one, that behind a message, or the latest."""

    key: str
    question_id: str
    language: str
    input_id: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Weigh(OnMessage):
    """Find out which held mail the message ``target`` shows, and bring the owner's judgement back."""

    judgement: str


@dataclass(frozen=True, slots=True)
class Suppress:
    """Send nothing more to an address that gave mails back (``status``: why), or again (``lifted``).

    ``wish``: because its owner, the patient, wants so; nobody else's lifting changes that.
    """

    key: str
    question_id: str
    address: str
    status: str = ""
    lifted: bool = False
    wish: bool = False


KeepingEffect = SettleMail | LetIn | ShowOriginal | Weigh
