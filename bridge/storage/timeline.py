"""The order of a room's events in the inbox, and how far that room was compared with the homeserver.

Inputs are taken in the order they came. An event that the homeserver lost, or sent late, is put before
the pending event that it precedes in the room's timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import inbox as intake
from bridge.storage.inbox import Arrival
from bridge.storage.registry import insert_new
from bridge.storage.schema import PENDING, compared, inbox

AT_ONCE = 500
"""Keys to a query: SQLite takes a bounded number of parameters."""


Row = sa.Row[Any]


@dataclass(frozen=True, slots=True)
class Gaps:
    """What it takes to order a room's events: ``moves`` are row ID, ``before`` and ``place``."""

    missing: tuple[Arrival, ...]
    moves: tuple[tuple[int, int, int], ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.moves)


async def gaps(connection: AsyncConnection, arrivals: Sequence[Arrival]) -> Gaps:
    """Compare one room's consecutive events (oldest first) with what came; what is decided stays so."""
    known = await _known(connection, [arrival.key for arrival in arrivals])
    missing = tuple(arrival for arrival in arrivals if arrival.key not in known)
    pending = [known[a.key] for a in arrivals if a.key in known and known[a.key].status == PENDING]
    return Gaps(missing, tuple(_moves(pending, 0)))


async def close(connection: AsyncConnection, arrivals: Sequence[Arrival], now: float) -> Gaps:
    """Take what is missing, and put everything that is pending into the order of these events."""
    found = await gaps(connection, arrivals)
    await intake.put(connection, found.missing, now)
    known = await _known(connection, [arrival.key for arrival in arrivals])
    pending = [known[arrival.key] for arrival in arrivals if known[arrival.key].status == PENDING]
    for row_id, before, place in _moves(pending, await _last_place(connection, pending)):
        change = sa.update(inbox).where(inbox.c.id == row_id)
        await connection.execute(change.values(before=before, place=place))
    return found


def _moves(pending: Sequence[Row], base: int) -> Iterator[tuple[int, int, int]]:
    """From the newest to the oldest: whoever would come after a later one is put before it.

    ``base`` is the last place given to still older events; those that have a place already get a new one.
    """
    later: tuple[int, bool, int, int] | None = None
    for place, row in reversed(list(enumerate(pending, start=base + 1))):
        rank = row.id if row.before is None else row.before
        order = (rank, row.before is None, row.place, row.id)
        if (later is None or order < later) and (row.before is None or not base):
            later = order
            continue
        floor = rank if later is None else min(rank, later[0])
        later = (floor, False, place, row.id)
        yield row.id, floor, place


async def _known(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for start in range(0, len(keys), AT_ONCE):
        query = sa.select(inbox.c.key, inbox.c.id, inbox.c.status, inbox.c.before, inbox.c.place).where(
            inbox.c.key.in_(keys[start : start + AT_ONCE])
        )
        found |= {row.key: row for row in await connection.execute(query)}
    return found


async def _last_place(connection: AsyncConnection, pending: Sequence[Row]) -> int:
    """The last place given so far in the room of these events."""
    if not pending:
        return 0
    room = sa.select(inbox.c.conversation).where(inbox.c.id == pending[0].id).scalar_subquery()
    query = sa.select(sa.func.max(inbox.c.place)).where(
        inbox.c.conversation == room, inbox.c.status == PENDING, inbox.c.before.is_not(None)
    )
    return int((await connection.execute(query)).scalar() or 0)


async def any_decided(connection: AsyncConnection, event_ids: Iterable[str]) -> bool:
    """Whether one of these events was decided when everything before it was known to be there."""
    keys = [f"matrix:{event_id}" for event_id in event_ids]
    for start in range(0, len(keys), AT_ONCE):
        query = sa.select(inbox.c.id).where(
            inbox.c.key.in_(keys[start : start + AT_ONCE]),
            inbox.c.status != PENDING,
            inbox.c.unsure.is_(False),
        )
        if (await connection.execute(query.limit(1))).first():
            return True
    return False


async def compared_up_to(connection: AsyncConnection, room_id: str) -> str | None:
    """The newest event when this room was last compared; everything before it had come."""
    return (
        await connection.execute(sa.select(compared.c.event_id).where(compared.c.room_id == room_id))
    ).scalar()


async def note_compared(connection: AsyncConnection, room_id: str, event_id: str) -> None:
    """Everything up to this event has come."""
    change = sa.update(compared).where(compared.c.room_id == room_id).values(event_id=event_id)
    if not (await connection.execute(change)).rowcount:
        await insert_new(connection, compared, room_id=room_id, event_id=event_id)
