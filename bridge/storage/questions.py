"""Questions. Writing one is conditional on the version read: this is where a claim is won or lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.state import Question, Status
from bridge.storage.codec import decode_question, encode
from bridge.storage.direct import once
from bridge.storage.schema import questions
from bridge.storage.words import index, line


class Conflict(Exception):
    """Someone else changed the question since it was read; decide again on what it is now."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A question and the version it was read at, with the columns of its row."""

    question: Question
    version: int
    columns: Mapping[str, Any]


_BY_ID = once(sa.select(questions).where(questions.c.id == sa.bindparam("id")))


async def load(connection: AsyncConnection, question_id: str) -> Stored | None:
    """The question with this ID, if there is one."""
    row = (await connection.execute(_BY_ID, {"id": question_id})).first()
    return Stored(decode_question(row.state), row.version, row._asdict()) if row else None


async def linked(connection: AsyncConnection, question: Question) -> list[Question]:
    """The questions that were asked of experts about this one, as far as they are still there."""
    names = [one.linked.question_id for one in question.opinions if one.linked is not None]
    return await load_all(connection, names) if names else []


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


async def load_all(connection: AsyncConnection, question_ids: Sequence[str]) -> list[Question]:
    """The questions with these IDs that there are, in this order."""
    query = sa.select(questions.c.id, questions.c.state).where(questions.c.id.in_(question_ids))
    states = {row.id: row.state for row in await connection.execute(query)}
    return [decode_question(states[key]) for key in question_ids if key in states]


def _columns(question: Question, now: float) -> dict[str, Any]:
    """What a question's row says besides its ID and version."""
    return {
        "status": question.status.value,
        "owner": question.owner,
        "group_key": question.group,
        "asked_at": question.asked_at.timestamp(),
        "active_at": now or question.asked_at.timestamp(),
        "taken_at": _seconds(question.taken_at),
        "answered_at": _seconds(question.answered_at),
        "words": line(question),
        "archived_at": _seconds(question.archived_at),
        "reference": question.reference,
        "offered_to": question.offered_to,
        "also": question.also,
        "requester": question.requester,
        "alarm_at": _seconds(question.alarm_at),
        "state": encode(question),
    }


def _changed(there: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The columns to write: to a database every one that is written is work in each index that has it."""
    for first in ("taken_at", "answered_at"):
        values[first] = values[first] if there.get(first) is None else there[first]
    return {name: value for name, value in values.items() if name not in there or there[name] != value}


@cache
def _change(names: frozenset[str]) -> sa.Update:
    """The statement that writes these columns, and only over the version that was read."""
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in sorted(names | {"version"})}
    ours = (questions.c.id == sa.bindparam("known"), questions.c.version == sa.bindparam("read"))
    return once(sa.update(questions).where(*ours).values(values))


async def save(
    connection: AsyncConnection, question: Question, before: Stored | None, now: float = 0.0
) -> None:
    """Write a question on the condition that it still is what was read. Raises :class:`Conflict`."""
    values = _columns(question, now)
    await index(connection, question, before.question if before else None)
    if before is None:
        await connection.execute(sa.insert(questions).values(id=question.id, version=1, **values))
        return
    changed = _changed(before.columns, values)
    given = {f"new_{name}": value for name, value in changed.items()}
    given |= {"known": question.id, "read": before.version, "new_version": before.version + 1}
    if (await connection.execute(_change(frozenset(changed)), given)).rowcount != 1:
        raise Conflict(question.id)


Cursor = tuple[float, str]
"""Where a page of archived questions ended: when the last one was archived, and its ID."""
LONGEST_AGO: Cursor = (0.0, "")


async def archived(
    connection: AsyncConnection, group: str, after: Cursor, before: float, limit: int
) -> list[tuple[Cursor, Question]]:
    """A page of questions of a group that were archived before this moment, longest ago first."""
    at, question_id = questions.c.archived_at, questions.c.id
    beyond = sa.or_(at > after[0], sa.and_(at == after[0], question_id > after[1]))
    query = (
        sa.select(at, question_id, questions.c.state)
        .where(questions.c.group_key == group, at >= after[0], beyond, at < before)
        .order_by(at, question_id)
        .limit(limit)
    )
    rows = await connection.execute(query)
    return [((row[0], row[1]), decode_question(row[2])) for row in rows]


def waits_in(groups: Sequence[str]) -> sa.ColumnElement[bool]:
    """What the members of these groups may take, each by an index of its own."""
    waits = questions.c.status == Status.WAITING.value
    also = sa.and_(questions.c.also.in_(groups), questions.c.also != "", waits)
    return sa.or_(sa.and_(questions.c.group_key.in_(groups), waits), also)


async def count_waiting(connection: AsyncConnection, group: str) -> int:
    """How many questions wait for a group."""
    query = sa.select(sa.func.count()).select_from(questions).where(waits_in([group]))
    return int((await connection.execute(query)).scalar_one())


async def owned_by(connection: AsyncConnection, owner: str) -> list[Question]:
    """The questions that someone owns now."""
    query = sa.select(questions.c.state).where(
        questions.c.owner == owner, questions.c.status == Status.TAKEN.value
    )
    return [decode_question(state) for state in (await connection.execute(query)).scalars()]
