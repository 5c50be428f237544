"""How long people wait, per group and week: times only, nothing of what was asked or answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.figures import waiting_by_group
from bridge.storage.schema import erased, questions


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the past: epoch seconds, ``None`` where it hasn't come to that."""

    group: str
    asked_at: float
    taken_at: float | None
    answered_at: float | None

    @property
    def week(self) -> str:
        """The week it was asked in (ISO 8601), UTC."""
        return datetime.fromtimestamp(self.asked_at, UTC).strftime("%G-W%V")


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: half waited at most ``median``, nine of ten at most ``p90``, nobody longer than ``max``."""

    count: int
    median: float
    p90: float
    max: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of some questions."""

    asked: int
    taken: int
    answered: int
    time_to_take: Spread | None
    time_to_first_answer: Spread | None


@dataclass(frozen=True, slots=True)
class GroupStats:
    """One group: what waits now (whenever asked), and the questions of the period, also by week."""

    group: str
    waiting: int
    oldest_waiting_s: float
    open: int
    period: Summary
    weeks: dict[str, Summary] = field(default_factory=dict)


def spread(seconds: Iterable[float]) -> Spread | None:
    """How these are distributed (nearest rank), or ``None`` for none."""
    ordered = sorted(seconds)
    if not ordered:
        return None

    def at(share: float) -> float:
        return ordered[max(0, -(-int(len(ordered) * share * 100) // 100) - 1)]

    return Spread(len(ordered), at(0.5), at(0.9), ordered[-1])


def summed(asked: Sequence[Asked]) -> Summary:
    """What became of these questions."""
    taken = [q.taken_at - q.asked_at for q in asked if q.taken_at is not None]
    answered = [q.answered_at - q.asked_at for q in asked if q.answered_at is not None]
    return Summary(len(asked), len(taken), len(answered), spread(taken), spread(answered))


async def stats(
    connection: AsyncConnection, *, since: float, now: float, groups: Sequence[str]
) -> tuple[list[GroupStats], Summary]:
    """Each group, those named first, and all of them together. Costs the questions asked ``since``."""
    asked = [row async for row in _asked_since(connection, since)]
    waiting = await waiting_by_group(connection, now)
    taken = await _open(connection)
    names = dict.fromkeys([*groups, *sorted({q.group for q in asked} | set(waiting) | set(taken))])
    found = [
        _group(name, [q for q in asked if q.group == name], waiting.get(name, (0, 0.0)), taken.get(name, 0))
        for name in names
    ]
    return found, summed(asked)


async def _asked_since(connection: AsyncConnection, since: float) -> Any:
    for table in (questions, erased):
        columns = (table.c.group_key, table.c.asked_at, table.c.taken_at, table.c.answered_at)
        for row in await connection.execute(sa.select(*columns).where(table.c.asked_at >= since)):
            yield Asked(*row)


async def _open(connection: AsyncConnection) -> dict[str, int]:
    query = (
        sa.select(questions.c.group_key, sa.func.count())
        .where(questions.c.status == "taken")
        .group_by(questions.c.group_key)
    )
    return {row[0]: row[1] for row in await connection.execute(query)}


def _group(name: str, asked: Sequence[Asked], waiting: tuple[int, float], taken: int) -> GroupStats:
    weeks = dict.fromkeys(sorted({question.week for question in asked}))
    by_week = {week: summed([q for q in asked if q.week == week]) for week in weeks}
    return GroupStats(name, waiting[0], waiting[1], taken, summed(asked), by_week)
