"""Lists of someone's conversations, newest first, with exact numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.findings import Listed, Queue
from bridge.domain.state import Status
from bridge.storage.codec import decode_question
from bridge.storage.questions import load_all, waits_in
from bridge.storage.schema import outbox, questions

FIRST = ("first:text", "first:file:0", "first:problems", "asked")
"""What the first event is the result of: words, else a file, else what can't be read; or its replay."""


async def waiting(connection: AsyncConnection, groups: Sequence[str], limit: int) -> Listed:
    """What waits for these groups."""
    return await _listed(connection, waits_in(groups), questions.c.asked_at, limit)


async def owned(connection: AsyncConnection, user_id: str, statuses: Sequence[Status], limit: int) -> Listed:
    """What someone took, and how it stands."""
    states = [status.value for status in statuses]
    holds = sa.and_(questions.c.owner == user_id, questions.c.status.in_(states))
    return await _listed(connection, holds, questions.c.active_at, limit)


async def requested(
    connection: AsyncConnection, user_id: str, statuses: Sequence[Status], limit: int
) -> Listed:
    """What someone asked on Matrix, and how it stands."""
    states = [status.value for status in statuses]
    theirs = sa.and_(
        questions.c.requester == user_id, questions.c.requester != "", questions.c.status.in_(states)
    )
    return await _listed(connection, theirs, questions.c.active_at, limit)


async def _listed(
    connection: AsyncConnection, holds: sa.ColumnElement[bool], order: sa.Column[float], limit: int
) -> Listed:
    total = sa.select(sa.func.count()).select_from(questions).where(holds)
    query = (
        sa.select(questions.c.state).where(holds).order_by(order.desc(), questions.c.id.desc()).limit(limit)
    )
    states = (await connection.execute(query)).scalars().all()
    found = tuple(decode_question(state) for state in states)
    return Listed(found, int((await connection.execute(total)).scalar_one()))


async def queues(connection: AsyncConnection, groups: Sequence[str]) -> dict[str, Queue]:
    """How many wait in each of these groups, and which of them longest; nothing for empty ones."""
    query = (
        sa.select(questions.c.group_key, questions.c.also, questions.c.id)
        .where(waits_in(groups))
        .order_by(questions.c.asked_at, questions.c.id)
    )
    counts: dict[str, int] = {}
    oldest: dict[str, str] = {}
    for row in await connection.execute(query):
        for group in {row.group_key, row.also}.intersection(groups):
            counts[group] = counts.get(group, 0) + 1
            oldest.setdefault(group, row.id)
    loaded = {question.id: question for question in await load_all(connection, list(set(oldest.values())))}
    return {group: Queue(counts[group], loaded[known]) for group, known in oldest.items()}


async def first_events(connection: AsyncConnection, stems: Sequence[str]) -> dict[str, str]:
    """The first event in the room of each question, by what the keys of its effects begin with."""
    keys = {f"{stem}:{name}": stem for stem in stems for name in FIRST}
    query = sa.select(outbox.c.key, outbox.c.result).where(
        outbox.c.key.in_(keys), outbox.c.result.is_not(None)
    )
    found = {row[0]: str(json.loads(row[1]).get("event_id", "")) for row in await connection.execute(query)}
    return {keys[key]: found[key] for key in reversed(keys) if found.get(key)}
