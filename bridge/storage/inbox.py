"""The inbox: every input, stored before it is acknowledged, under a key that makes a replay harmless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.direct import once
from bridge.storage.door import Row
from bridge.storage.heads import COLUMNS, FIRST
from bridge.storage.heads import Input as Input
from bridge.storage.registry import new_rows
from bridge.storage.schema import DISCARDED, DONE, PENDING, QUARANTINED, inbox
from bridge.storage.schema_people import turns


class Arrival(NamedTuple):
    """An input as it comes in. ``conversation`` is the unit within which order is kept."""

    key: str
    kind: str
    conversation: str
    payload: bytes
    recipient: str = ""
    sender: str = ""

    @property
    def row(self) -> Row:
        """As :meth:`bridge.storage.database.Database.take` takes it."""
        names = (self.key, self.kind, self.conversation, self.recipient, self.sender)
        key, kind, conversation, recipient, sender = map(_storable, names)
        return (key, kind, conversation, recipient, sender, self.payload)


def _storable(text: str) -> str:
    """What no database takes in a text (NUL, half a surrogate pair) must not hold back the whole queue."""
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    return text.replace("\0", "\ufffd") if "\0" in text else text


async def put(connection: AsyncConnection, arrivals: Sequence[Arrival], now: float) -> tuple[str, ...]:
    """Store inputs in their order, except those already known; returns the conversations that gained one."""
    if not arrivals:
        return ()
    rows = [
        {
            "key": arrival.key,
            "kind": arrival.kind,
            "conversation": arrival.conversation,
            "recipient": arrival.recipient,
            "sender": arrival.sender,
            "payload": arrival.payload,
            "status": PENDING,
            "received_at": now,
            "due_at": now,
        }
        for arrival in arrivals
    ]
    await connection.execute(new_rows(connection.dialect.name, inbox, "key"), rows)
    return tuple(dict.fromkeys(arrival.conversation for arrival in arrivals))


async def pending(connection: AsyncConnection) -> dict[str, float]:
    """Each conversation with something to do, and the earliest that one of its inputs is due."""
    query = (
        sa.select(inbox.c.conversation, sa.func.min(inbox.c.due_at).label("due_at"))
        .where(inbox.c.status == PENDING)
        .group_by(inbox.c.conversation)
    )
    return {row.conversation: row.due_at for row in await connection.execute(query)}


async def head(connection: AsyncConnection, conversation: str) -> Input | None:
    """The next input of a conversation, due or not: a late event comes before the one that it precedes."""
    row = (await connection.execute(FIRST, {"conversation": conversation})).first()
    return Input(*row) if row else None


_DONE = once(
    sa.update(inbox)
    .where(inbox.c.id == sa.bindparam("row"), inbox.c.status == PENDING)
    .values(status=DONE, error="", unsure=sa.bindparam("doubt"))
)

_DONE_FORGOTTEN = once(_DONE.values(payload=b""))


async def done(
    connection: AsyncConnection, input_id: int, *, unsure: bool = False, forget: bool = False
) -> bool:
    """Mark an input as decided; ``False`` when someone else already did.

    ``unsure``: nobody knows whether everything before it in its room had come. ``forget`` drops its bytes.
    """
    change = _DONE_FORGOTTEN if forget else _DONE
    return (await connection.execute(change, {"row": input_id, "doubt": unsure})).rowcount == 1


async def retry(connection: AsyncConnection, input_id: int, error: str, due_at: float) -> None:
    """Try an input again later, unless it was settled meanwhile."""
    change = sa.update(inbox).where(inbox.c.id == input_id, inbox.c.status == PENDING)
    await connection.execute(change.values(attempts=inbox.c.attempts + 1, error=error, due_at=due_at))


async def quarantine(connection: AsyncConnection, input_id: int, error: str) -> None:
    """Set an input aside with its bytes; its conversation goes on."""
    change = sa.update(inbox).where(inbox.c.id == input_id, inbox.c.status == PENDING)
    await connection.execute(change.values(status=QUARANTINED, error=error))


async def quarantined(connection: AsyncConnection) -> list[Input]:
    """Everything set aside, oldest first."""
    query = sa.select(*COLUMNS).where(inbox.c.status == QUARANTINED).order_by(inbox.c.id)
    return [Input(*row) for row in await connection.execute(query)]


async def take_back(connection: AsyncConnection, input_id: int, now: float) -> bool:
    """Let an input that was set aside be tried again; ``False`` when it isn't set aside.

    Whoever does so doesn't want it to wait for its turn any more.
    """
    key = sa.select(inbox.c.key).where(inbox.c.id == input_id).scalar_subquery()
    come = sa.update(turns).where(turns.c.key == key, turns.c.due_at > now).values(due_at=now)
    await connection.execute(come)
    change = sa.update(inbox).where(inbox.c.id == input_id, inbox.c.status == QUARANTINED)
    values = change.values(status=PENDING, attempts=0, error="", due_at=now)
    return (await connection.execute(values)).rowcount == 1


async def discard(connection: AsyncConnection, input_id: int) -> bool:
    """Forget an input's bytes, but not that it came; ``False`` when it isn't set aside."""
    change = sa.update(inbox).where(inbox.c.id == input_id, inbox.c.status == QUARANTINED)
    return (await connection.execute(change.values(status=DISCARDED, payload=b""))).rowcount == 1


async def by_key(connection: AsyncConnection, key: str) -> Input | None:
    """The input with this key, whatever its status."""
    row = (await connection.execute(sa.select(*COLUMNS).where(inbox.c.key == key))).first()
    return Input(*row) if row else None
