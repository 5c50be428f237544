"""The act record: added to in the commit of each decision, read in the order in which things happened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.acts import Act
from bridge.storage.registry import new_rows
from bridge.storage.schema import acts


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act with the question it belongs to and when it happened (epoch seconds)."""

    question_id: str
    at: float
    act: Act


async def add(connection: AsyncConnection, question_id: str, done: Sequence[Act], at: float) -> None:
    """Record acts, except those whose key is known."""
    if not done:
        return
    rows = [
        {
            "key": act.key,
            "question_id": question_id,
            "did": str(act.did),
            "actor": act.actor,
            "at": at,
            "why": act.why,
            "details": json.dumps(act.details, ensure_ascii=False, sort_keys=True),
        }
        for act in done
    ]
    await connection.execute(new_rows(connection.dialect.name, acts, "key"), rows)


async def of_question(connection: AsyncConnection, question_id: str) -> list[Recorded]:
    """Everything that happened to a question, oldest first."""
    query = sa.select(acts).where(acts.c.question_id == question_id).order_by(acts.c.id)
    return [_recorded(row) for row in await connection.execute(query)]


async def latest_by(connection: AsyncConnection, actor: str, since: float) -> list[Recorded]:
    """What someone did since then, newest first; at most twenty."""
    query = sa.select(acts).where(acts.c.actor == actor, acts.c.at >= since)
    return [_recorded(row) for row in await connection.execute(query.order_by(acts.c.id.desc()).limit(20))]


def _recorded(row: sa.Row[tuple[object, ...]]) -> Recorded:
    act = Act(row.key, row.did, row.actor, row.why, json.loads(row.details))
    return Recorded(row.question_id, row.at, act)
