"""Questions that people are writing in their chat with the bot."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.drafting import Dialogue
from bridge.storage.codec import decode_dialogue, encode
from bridge.storage.questions import Conflict
from bridge.storage.registry import insert_new
from bridge.storage.schema_people import dialogues


async def load(connection: AsyncConnection, user_id: str) -> Dialogue | None:
    """What this person is writing, or has chosen, if anything."""
    query = sa.select(dialogues.c.state, dialogues.c.version).where(dialogues.c.user_id == user_id)
    row = (await connection.execute(query)).first()
    return replace(decode_dialogue(row.state), version=row.version) if row else None


async def keep(connection: AsyncConnection, dialogue: Dialogue) -> None:
    """Keep it on the condition that it still is what was read. Raises :class:`Conflict`."""
    user_id, state = dialogue.user_id, encode(dialogue)
    if dialogue.version == 0:
        await insert_new(connection, dialogues, user_id=user_id, version=0, state=state)
    change = (
        sa.update(dialogues)
        .where(dialogues.c.user_id == user_id, dialogues.c.version == dialogue.version)
        .values(version=dialogue.version + 1, state=state)
    )
    if (await connection.execute(change)).rowcount != 1:
        raise Conflict(user_id)


async def forget(connection: AsyncConnection, user_id: str) -> None:
    """Nothing is left of what this person was writing."""
    await connection.execute(sa.delete(dialogues).where(dialogues.c.user_id == user_id))
