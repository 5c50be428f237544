"""Orders that look something up, and what is found: the shapes of answers, whoever looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bridge.domain import events as ev
from bridge.domain.commands import Command
from bridge.domain.effects import Planned
from bridge.domain.inquiries import Inquire, Topic
from bridge.domain.state import Policy, Question, Status


@dataclass(frozen=True, slots=True)
class Found:
    """The newest of what was sought, and whether there are more."""

    questions: tuple[Question, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """The first of a list, and how many there are in all."""

    questions: tuple[Question, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Queue:
    """How many questions of a group wait, and the one that has waited longest."""

    count: int
    oldest: Question


class Catalogue(Protocol):
    """Questions by whose they are. Nothing here says of a question that it exists to whom it isn't for."""

    async def search(self, allowed: Sequence[str], keywords: Sequence[str], limit: int) -> Found:
        """The newest questions of these scopes whose title has every keyword."""

    async def waiting(self, groups: Sequence[str], limit: int) -> Listed:
        """What waits in these groups, newest first."""

    async def owned(self, user_id: str, statuses: Sequence[Status], limit: int) -> Listed:
        """What someone took, those first in which something happened last."""

    async def requested(self, user_id: str, statuses: Sequence[Status], limit: int) -> Listed:
        """What someone asked on Matrix, those first in which something happened last."""

    async def queues(self, groups: Sequence[str]) -> dict[str, Queue]:
        """How many wait in each of these groups, and the one that has waited longest."""

    async def first_events(self, stems: Sequence[str]) -> dict[str, str]:
        """The first event in the room of each question."""


def _inquired(event: ev.BotAsked, topic: Topic, words: str) -> tuple[Planned, ...]:
    author = event.author
    effect = Inquire(f"inquiry:{event.event_id}", author.user_id, author.language, topic, words)
    return (Planned(effect, f"bot:{author.user_id}"),)


def ordered_search(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[Planned, ...]:
    """``!chercher eczéma``."""
    return _inquired(event, Topic.SEARCH, command.argument)


def ordered_list(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[Planned, ...]:
    """``!liste questions ouvertes``."""
    return _inquired(event, Topic.LIST, command.argument)


def ordered_waiting(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[Planned, ...]:
    """``!attente``."""
    return _inquired(event, Topic.WAITING, command.argument)
