"""What is known of a question, and what a decision is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.domain import effects as fx
from bridge.domain.acts import Act
from bridge.domain.consulting import Video, VideoPolicy
from bridge.domain.content import Line

THREAD_KEPT = 20
"""How many mails of a thread its References name (RFC 5322, 3.6.4)."""


class Status(StrEnum):
    """Where a question stands."""

    WAITING = "waiting"
    """The expert group can read it; nobody has answered yet."""
    TAKEN = "taken"
    """One practitioner owns it; nobody else may read or write."""
    CLOSED = "closed"
    """The owner has finished: the room can be read and not written; a mail of the patient reopens it."""
    ARCHIVED = "archived"
    """Out of sight; from here the days until erasure count. A mail of the patient reopens it, too."""
    WITHDRAWN = "withdrawn"
    """Set aside without an owner; a mail of the patient makes it wait again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says about deciding. ``quiet_period_s`` is in seconds.

    ``time_zone`` (IANA) is the one in which people's dates are read.
    """

    quiet_period_s: float = 20.0
    time_zone: str = "Europe/Paris"
    video: VideoPolicy = field(default_factory=VideoPolicy)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of one requester to one expert group.

    ``thread`` lists the mails so far: a Message-ID in angle brackets, or the key of the effect
    that made it. ``draft`` holds the owner's lines that wait for the quiet period. ``exposed`` maps
    the owner's events that others may have read to the bridge's copies; ``had_others`` says that
    somebody else ever was in the room. ``unsettled`` are the
    owner's edits and thread replies that came before the seal was known to be complete. ``answered_at``
    is when the first answer left.
    """

    id: str
    group: str
    status: Status
    title: str
    reference: str
    language: str
    address: str
    name: str
    token: str
    ghost: str
    asked_at: datetime
    owner: str = ""
    owner_name: str = ""
    taken_at: datetime | None = None
    sealed: bool = False
    exposed: tuple[tuple[str, str], ...] = ()
    had_others: bool = False
    unsettled: tuple[tuple[str, str, Line | None], ...] = ()
    draft: tuple[Line, ...] = ()
    draft_number: int = 0
    thread: tuple[str, ...] = ()
    answered_at: datetime | None = None
    videos: tuple[Video, ...] = ()

    @property
    def room(self) -> str:
        """The key of the question room."""
        return f"question:{self.id}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The next state (``None``: the input belongs to no question), what to do, and what goes on record."""

    question: Question | None
    effects: tuple[fx.Planned, ...] = ()
    acts: tuple[Act, ...] = ()

    def then(self, later: Decision) -> Decision:
        """This decision and one that was made on its question, as one."""
        return Decision(later.question, self.effects + later.effects, self.acts + later.acts)


class UnknownQuestion(Exception):
    """An event for a question that does not exist reached the decision."""


def in_room(question: Question, *effects: fx.Effect) -> tuple[fx.Planned, ...]:
    """These effects, in the order of this question."""
    return tuple(fx.Planned(effect, question.id) for effect in effects)


def counted(group: str, key: str) -> fx.Planned:
    """The number of waiting questions in the group space's name is to be brought up to date."""
    return fx.Planned(fx.CountWaiting(f"{key}:count", group), f"group:{group}")


def thread_of(mails: tuple[str, ...]) -> tuple[str, ...]:
    """The first mail and the latest ones, so that References stays bounded (RFC 5322, 3.6.4)."""
    known = tuple(mail for mail in mails if mail)
    return known if len(known) <= THREAD_KEPT else (known[0], *known[1 - THREAD_KEPT :])


def said(question: Question, message: str, cause: str, **values: str) -> Decision:
    """One line of the bridge in the question room (``message``: locale key)."""
    exposed = question.status is Status.WAITING
    say = fx.Say(
        f"{question.id}:say:{message}:{cause}", question.id, message, question.language, values, exposed
    )
    return Decision(question, in_room(question, say))
