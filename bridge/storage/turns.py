"""When it is a mail's turn: the moments are given away in order, so many to an hour for each scope.

Two processes that take a turn at the very same time may give away one or two more; nothing depends on it.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.direct import once
from bridge.storage.registry import insert_new
from bridge.storage.schema_people import turns

WINDOW_S = 3600.0


def scope_of(kind: str, name: str) -> str:
    """What is counted together; of an address only a hash is kept."""
    if kind not in ("sender", "vouched"):
        return f"{kind}:{name}"
    return f"{kind}:{hashlib.sha256(name.strip().lower().encode()).hexdigest()[:32]}"


async def take(
    connection: AsyncConnection, key: str, scope: str, limit: int, now: float
) -> tuple[float, bool]:
    """The moment of this mail, the same whenever it is asked for; and, if it has to wait, whether nothing
    else of its scope had to in the hour before it came.
    """
    found = await _known(connection, key)
    if found is None:
        last = sa.select(turns.c.due_at).where(turns.c.scope == scope).order_by(turns.c.due_at.desc())
        earlier = (await connection.execute(last.offset(limit - 1).limit(1))).scalar()
        due_at = now if earlier is None else max(now, earlier + WINDOW_S)
        await _give(connection, key, scope, now, due_at)
        found = (now, due_at)
    came_at, due_at = found
    if due_at <= now:
        return due_at, True
    others = sa.select(turns.c.key).where(
        turns.c.scope == scope,
        turns.c.key != key,
        turns.c.due_at > turns.c.came_at,
        turns.c.came_at > came_at - WINDOW_S,
        turns.c.came_at <= came_at,
    )
    return due_at, (await connection.execute(others.limit(1))).first() is None


_SINCE = once(
    sa.select(turns.c.due_at)
    .where(turns.c.scope == sa.bindparam("scope"), turns.c.due_at > sa.bindparam("since"))
    .offset(sa.bindparam("others"))
    .limit(1)
)


async def few(connection: AsyncConnection, scope: str, most: int, now: float) -> bool:
    """Whether this scope had fewer than so many within the last hour, those that still wait included."""
    values = {"scope": scope, "since": now - WINDOW_S, "others": most - 1}
    return (await connection.execute(_SINCE, values)).first() is None


async def note(connection: AsyncConnection, key: str, scope: str, now: float) -> None:
    """A mail comes in at once, and counts."""
    await _give(connection, key, scope, now, now)


_PAST = once(sa.delete(turns).where(turns.c.due_at < sa.bindparam("since")))


async def _give(connection: AsyncConnection, key: str, scope: str, now: float, due_at: float) -> None:
    await insert_new(connection, turns, key=key, scope=scope, came_at=now, due_at=due_at)
    await connection.execute(_PAST, {"since": now - WINDOW_S})


async def _known(connection: AsyncConnection, key: str) -> tuple[float, float] | None:
    query = sa.select(turns.c.came_at, turns.c.due_at).where(turns.c.key == key)
    row = (await connection.execute(query)).first()
    return (row.came_at, row.due_at) if row else None


async def forget(connection: AsyncConnection, scope: str) -> None:
    """Count anew."""
    await connection.execute(sa.delete(turns).where(turns.c.scope == scope))
