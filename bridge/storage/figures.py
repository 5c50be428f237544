"""How much waits, and for how long: what an admin watches. Costs what waits, not what ever came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.schema import PENDING, QUARANTINED, inbox, outbox, questions

LANES = ("matrix", "mail", "timer")


@dataclass(frozen=True, slots=True)
class Figures:
    """Depths and ages in seconds; ``outbox`` by lane; ``groups``: questions waiting in each group that
    was named; ``needs`` is what has to be there."""

    inbox: int = 0
    inbox_age_s: float = 0.0
    quarantined: int = 0
    waiting: int = 0
    outbox: dict[str, tuple[int, float]] = field(default_factory=dict)
    needs: dict[str, bool] = field(default_factory=dict)
    groups: dict[str, tuple[int, float]] = field(default_factory=dict)


async def waiting_by_group(connection: AsyncConnection, now: float) -> dict[str, tuple[int, float]]:
    """How many questions of each group wait, and for how long the oldest has; groups with none are absent."""
    query = (
        sa.select(questions.c.group_key, sa.func.count(), sa.func.min(questions.c.asked_at))
        .where(questions.c.status == "waiting")
        .group_by(questions.c.group_key)
    )
    return {row[0]: (row[1], max(0.0, now - row[2])) for row in await connection.execute(query)}


async def figures(
    connection: AsyncConnection, now: float, needs: dict[str, bool], groups: Sequence[str] = ()
) -> Figures:
    """What waits at this moment. Timers count only once they are due."""
    pending = sa.select(sa.func.count(), sa.func.min(inbox.c.received_at)).where(inbox.c.status == PENDING)
    count, oldest = (await connection.execute(pending)).one()
    aside = sa.select(sa.func.count()).where(inbox.c.status == QUARANTINED)
    waiting = await waiting_by_group(connection, now)
    kind = sa.case((outbox.c.lane.startswith("timer:"), "timer"), else_=outbox.c.lane)
    effects = (
        sa.select(kind, sa.func.count(), sa.func.min(outbox.c.created_at))
        .where(outbox.c.status == PENDING, sa.or_(outbox.c.lane.in_(LANES), outbox.c.due_at <= now))
        .group_by(kind)
    )
    lanes = dict.fromkeys(LANES, (0, 0.0))
    lanes |= {row[0]: (row[1], now - row[2]) for row in await connection.execute(effects)}
    return Figures(
        count,
        now - oldest if oldest else 0.0,
        int((await connection.execute(aside)).scalar_one()),
        sum(count for count, _ in waiting.values()),
        lanes,
        needs,
        dict.fromkeys(groups, (0, 0.0)) | waiting,
    )
