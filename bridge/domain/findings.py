"""Orders that look something up, and what is found: the shapes of answers, whoever looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.domain import events as ev
from bridge.domain.commands import Command
from bridge.domain.effects import Planned
from bridge.domain.inquiries import Inquire, Topic
from bridge.domain.state import Policy, Question


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
