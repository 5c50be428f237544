"""The practitioner's house: a personal space with sub-spaces, and private rooms of two. Keys and effects.

Rooms are named by their key: ``personal:<Matrix ID>`` is the space, ``personal-<section>:<Matrix ID>`` a
sub-space (``…#2`` its next generation, once it lists as many rooms as one may), and
``private:<Matrix ID>|<Matrix ID>`` the room of two people, in the order of their IDs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.inquiries import Inquire
from bridge.domain.wishes import WishEffect


class Section(StrEnum):
    """The sub-spaces of a personal space."""

    QUESTIONS = "questions"
    """Questions that the practitioner owns, or asked."""
    PRIVATE = "private"
    """Private messages with a colleague."""
    ARCHIVES = "archives"
    """Questions that are over and put away."""


@dataclass(frozen=True, slots=True)
class ShowInSpace:
    """List a room (``room``: its key) in someone's personal space, which is made if there is none."""

    key: str
    user_id: str
    section: Section
    room: str


@dataclass(frozen=True, slots=True)
class TakeFromSpace:
    """List a room no longer in someone's personal space."""

    key: str
    user_id: str
    section: Section
    room: str


@dataclass(frozen=True, slots=True)
class OpenPrivate:
    """Open or find the private room of a practitioner and the one that ``named`` begins with.

    What follows the name is what it is about.
    """

    key: str
    user_id: str
    language: str
    named: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Readmit:
    """Invite someone again to every room of theirs that they aren't in."""

    key: str
    user_id: str
    language: str


@dataclass(frozen=True, slots=True)
class Depart:
    """Someone ``left`` the organisation, or went out of its space (``absent``): their questions learn it."""

    key: str
    user_id: str
    reason: str = "left"


@dataclass(frozen=True, slots=True)
class Welcome:
    """Someone asked the bot into a room of their own making: see what it is, and say what follows.

    A ``guest`` isn't of the organisation and may ask; whoever is ``unknown`` may not, and gets no answer.
    """

    key: str
    user_id: str
    language: str
    room_id: str
    guest: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Administer:
    """Tell an administrator what the change that they described would mean."""

    key: str
    user_id: str
    language: str
    words: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Agree:
    """An administrator agrees to what was proposed: to this message, or to the last one."""

    key: str
    user_id: str
    language: str
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class CorrectCounts:
    """A card of a group went (``after``: the effect that withdrew it): no unread count shall have it."""

    key: str
    group: str
    after: str


HouseEffect = (
    CorrectCounts
    | ShowInSpace
    | TakeFromSpace
    | OpenPrivate
    | Readmit
    | Depart
    | Welcome
    | Inquire
    | Administer
    | Agree
    | WishEffect
)


def space_key(user_id: str) -> str:
    """The key of someone's personal space."""
    return f"personal:{user_id}"


def section_key(user_id: str, section: Section, generation: int = 1) -> str:
    """The key of a sub-space of it."""
    return f"personal-{section.value}:{user_id}" + (f"#{generation}" if generation > 1 else "")


def private_key(one: str, other: str) -> str:
    """The key of the private room of two people."""
    return "private:" + "|".join(sorted((one, other)))


def direct_key(one: str, other: str) -> str:
    """The key of a direct chat of two people that one of them made in their client; it stays theirs."""
    return "direct:" + "|".join(sorted((one, other)))


KINDS = ("personal", *(f"personal-{section.value}" for section in Section), "private")
"""How the keys of a house's rooms begin."""


def owners(key: str) -> tuple[str, ...]:
    """Whose room this is; nobody's for a room that isn't of a house."""
    kind, _, people = key.partition(":")
    return tuple(people.partition("#")[0].split("|")) if kind in KINDS else ()


def hidden(*names: str) -> str:
    """Something for an alias that is always the same for these names and reveals none."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
