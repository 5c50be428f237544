"""How far each mailbox that is read by IMAP has been taken in."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.registry import insert_new
from bridge.storage.schema import mailboxes


async def load(connection: AsyncConnection, name: str) -> tuple[int, int, str] | None:
    """UIDVALIDITY, the highest UID that was taken, and the day on which reading began."""
    query = sa.select(mailboxes.c.validity, mailboxes.c.uid, mailboxes.c.since)
    row = (await connection.execute(query.where(mailboxes.c.name == name))).first()
    return (row[0], row[1], row[2]) if row else None


async def save(connection: AsyncConnection, name: str, validity: int, uid: int, since: str) -> None:
    """Note how far it is taken."""
    await insert_new(connection, mailboxes, name=name, validity=validity, uid=uid, since=since)
    change = sa.update(mailboxes).where(mailboxes.c.name == name)
    await connection.execute(change.values(validity=validity, uid=uid, since=since))
