"""What practitioners wish for themselves."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.registry import insert_new
from bridge.storage.schema_people import wishes

AT_ONCE = 200
"""Digests that one look finds."""


async def languages(connection: AsyncConnection) -> dict[str, str]:
    """The language of everyone who chose one."""
    query = sa.select(wishes.c.user_id, wishes.c.language).where(wishes.c.language != "")
    return {row.user_id: row.language for row in await connection.execute(query)}


async def set_language(connection: AsyncConnection, user_id: str, language: str) -> None:
    """Note the language that someone chose."""
    await _set(connection, user_id, language=language)


async def set_digest(connection: AsyncConnection, user_id: str, at: int | None, due: float | None) -> None:
    """Note at which minute of the day someone wants a digest, and when the next one is."""
    await _set(connection, user_id, digest_at=at, digest_due=due)


async def _set(connection: AsyncConnection, user_id: str, **values: Any) -> None:
    await insert_new(connection, wishes, user_id=user_id)
    await connection.execute(sa.update(wishes).where(wishes.c.user_id == user_id).values(**values))


async def due(connection: AsyncConnection, now: float) -> list[tuple[str, int, float]]:
    """Whose digest is due: Matrix ID, minute of the day, and since when."""
    query = (
        sa.select(wishes.c.user_id, wishes.c.digest_at, wishes.c.digest_due)
        .where(wishes.c.digest_due <= now)
        .order_by(wishes.c.digest_due)
        .limit(AT_ONCE)
    )
    return [(row[0], row[1], row[2]) for row in await connection.execute(query)]


async def given(connection: AsyncConnection, user_id: str, was_due: float, next_due: float) -> None:
    """A digest is on its way; the next one is then, unless the wish was changed meanwhile."""
    change = sa.update(wishes).where(wishes.c.user_id == user_id, wishes.c.digest_due == was_due)
    await connection.execute(change.values(digest_due=next_due))
