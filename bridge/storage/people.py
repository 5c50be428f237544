"""What people wish and have begun, and the cards that are kept edited."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.registry import insert_new
from bridge.storage.schema_people import cards


async def card(connection: AsyncConnection, room_key: str) -> str | None:
    """The message that is kept edited in this room."""
    return (
        await connection.execute(sa.select(cards.c.event_id).where(cards.c.room_key == room_key))
    ).scalar()


async def keep_card(connection: AsyncConnection, room_key: str, event_id: str) -> None:
    """Note that message; the first one stays."""
    await insert_new(connection, cards, room_key=room_key, event_id=event_id)
