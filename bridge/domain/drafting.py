"""A question that someone is writing on Matrix, and what carries it from there: values and effects.

``asked:<question>`` is the key of the requester's own room: the requester, the bot, and whoever answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.domain.content import Attachment, Line


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What someone has said so far in their chat with the bot; without ``question_id`` nothing is begun.

    ``version`` is the one it was read at: it is kept only if nobody kept another meanwhile. ``heard`` are
    the events that its words came by.
    """

    user_id: str
    version: int = 0
    language: str = ""
    question_id: str = ""
    ghost: str = ""
    reference: str = ""
    group: str = ""
    title: str = ""
    lines: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()
    heard: tuple[str, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether a question is being written."""
        return bool(self.question_id)


@dataclass(frozen=True, slots=True)
class Fresh:
    """Names for a question that may begin now: random, revealing nothing."""

    question_id: str
    ghost: str
    reference: str


@dataclass(frozen=True, slots=True)
class OpenAsked:
    """Open the requester's room of a question, and tell them there that it has come, and what they asked.

    ``heard`` are the events in their chat with the bot by which they asked it.
    """

    key: str
    question_id: str
    user_id: str
    group: str
    language: str
    title: str
    reference: str
    unattended: bool
    text: str
    files: tuple[Attachment, ...] = ()
    heard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relay:
    """Say the owner's lines in the requester's room, by a ghost that has the owner's name there."""

    key: str
    question_id: str
    number: int
    requester: str
    language: str
    owner: str
    owner_name: str
    lines: tuple[Line, ...]
    correction: bool = False


@dataclass(frozen=True, slots=True)
class TellRequester:
    """A line of the bot in the requester's room (``message``: locale key in ``[asked]``)."""

    key: str
    question_id: str
    language: str
    message: str
    values: dict[str, str] = field(default_factory=dict)


AskingEffect = OpenAsked | Relay | TellRequester


def asked_key(question_id: str) -> str:
    """The key of the requester's room of a question."""
    return f"asked:{question_id}"
