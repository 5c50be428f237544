"""Who is away, who wants no reminders of what, and which questions are whose."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.state import Status
from bridge.storage.direct import once
from bridge.storage.registry import insert_new
from bridge.storage.schema import absences, mutes, questions

AT_ONCE = 200
"""Questions that one look of the net finds."""


_AWAY = once(sa.select(absences.c.user_id).where(absences.c.until > sa.bindparam("now")))


async def away(connection: AsyncConnection, now: float) -> frozenset[str]:
    """Who is away now."""
    return frozenset((await connection.execute(_AWAY, {"now": now})).scalars())


async def set_away(connection: AsyncConnection, user_id: str, until: float) -> None:
    """Note until when someone is away."""
    await connection.execute(sa.delete(absences).where(absences.c.user_id == user_id))
    if until:
        await insert_new(connection, absences, user_id=user_id, until=until)


async def set_mute(connection: AsyncConnection, user_id: str, scope: str, until: float) -> None:
    """Note until when someone wants no reminders of this; hearing everything again ends them all."""
    mine = mutes.c.user_id == user_id
    ended = mine if scope == "all" and not until else sa.and_(mine, mutes.c.scope == scope)
    await connection.execute(sa.delete(mutes).where(ended))
    if until:
        await insert_new(connection, mutes, user_id=user_id, scope=scope, until=until)


async def is_quiet(connection: AsyncConnection, user_id: str, scopes: Sequence[str], now: float) -> bool:
    """Whether reminders of any of these scopes are to be left out now."""
    muted = sa.select(mutes.c.scope).where(
        mutes.c.user_id == user_id, mutes.c.scope.in_(scopes), mutes.c.until > now
    )
    if (await connection.execute(muted.limit(1))).first():
        return True
    gone = sa.select(absences.c.until).where(absences.c.user_id == user_id, absences.c.until > now)
    return (await connection.execute(gone)).first() is not None


async def open_of(connection: AsyncConnection, user_id: str) -> list[str]:
    """The open questions of someone."""
    query = sa.select(questions.c.id).where(
        questions.c.owner == user_id, questions.c.status == Status.TAKEN.value
    )
    return list((await connection.execute(query)).scalars())


async def closed_of(connection: AsyncConnection, user_id: str) -> list[str]:
    """The closed questions of someone; two are enough to know that there are several."""
    query = sa.select(questions.c.id).where(
        questions.c.owner == user_id, questions.c.status == Status.CLOSED.value
    )
    return list((await connection.execute(query.limit(2))).scalars())


async def offered_to(connection: AsyncConnection, user_id: str) -> list[str]:
    """The questions that colleagues offer someone."""
    query = sa.select(questions.c.id).where(questions.c.offered_to == user_id)
    return list((await connection.execute(query)).scalars())


async def named(connection: AsyncConnection, reference: str) -> list[str]:
    """The questions with this reference; it is short, so there may be several."""
    query = sa.select(questions.c.id).where(questions.c.reference == reference)
    return list((await connection.execute(query)).scalars())


async def owned_by(connection: AsyncConnection, user_id: str, *statuses: Status) -> list[tuple[str, int]]:
    """The questions of someone that stand so (all of them, if nothing is said), with their versions."""
    query = sa.select(questions.c.id, questions.c.version).where(questions.c.owner == user_id)
    if statuses:
        query = query.where(questions.c.status.in_([status.value for status in statuses]))
    return [(row[0], row[1]) for row in await connection.execute(query)]


async def owners(connection: AsyncConnection) -> list[str]:
    """Everyone who owns a question, each found by one step in the index, however many they own."""
    return list((await connection.execute(OWNERS)).scalars())


OWNERS = sa.text(
    "WITH RECURSIVE people (owner) AS ("
    "SELECT (SELECT min(owner) FROM questions WHERE owner > '') "
    "UNION ALL SELECT (SELECT min(owner) FROM questions WHERE owner > people.owner) "
    "FROM people WHERE people.owner IS NOT NULL"
    ") SELECT owner FROM people WHERE owner IS NOT NULL"
)


async def due(connection: AsyncConnection, now: float) -> list[tuple[str, int]]:
    """The questions that the net has to look at, with their versions."""
    query = (
        sa.select(questions.c.id, questions.c.version)
        .where(questions.c.alarm_at <= now)
        .order_by(questions.c.alarm_at)
        .limit(AT_ONCE)
    )
    return [(row[0], row[1]) for row in await connection.execute(query)]
