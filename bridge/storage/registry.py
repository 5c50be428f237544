"""Names of things outside: rooms by key, cards by event, reply tokens by hash, files by hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.direct import once
from bridge.storage.schema import anchors, blob_uses, blobs, listings, mentions, questions, rooms, tokens


async def insert_new(connection: AsyncConnection, table: sa.Table, **values: object) -> None:
    """Insert a row unless its key is there."""
    await insert_new_rows(connection, table, [values])


async def insert_new_rows(
    connection: AsyncConnection, table: sa.Table, rows: list[dict[str, object]]
) -> None:
    """Insert rows unless their keys are there."""
    await connection.execute(new_rows(connection.dialect.name, table), rows)


@cache
def new_rows(dialect: str, table: sa.Table, *unique: str) -> Executable:
    """The statement that inserts rows except those whose key, or whose ``unique`` columns, are there."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return once(insert(table).on_conflict_do_nothing(index_elements=unique or None))


# Making a statement takes longer than a database of this size takes to answer it: those that every message
# needs are made once.
_ROOM_ID = once(sa.select(rooms.c.room_id).where(rooms.c.key == sa.bindparam("key")))
_ROOM_KEY = once(sa.select(rooms.c.key).where(rooms.c.room_id == sa.bindparam("room")))
_OF_TOKEN = once(sa.select(tokens.c.question_id).where(tokens.c.hash == sa.bindparam("hash")))


async def room_id(connection: AsyncConnection, key: str) -> str | None:
    """The Matrix room ID of one of our rooms."""
    return (await connection.execute(_ROOM_ID, {"key": key})).scalar()


async def room_key(connection: AsyncConnection, room: str) -> str | None:
    """Which of our rooms has this room ID."""
    return (await connection.execute(_ROOM_KEY, {"room": room})).scalar()


async def rooms_of(connection: AsyncConnection, kind: str) -> dict[str, str]:
    """All our rooms of one kind (how their keys begin), room IDs by key."""
    query = sa.select(rooms.c.key, rooms.c.room_id).where(rooms.c.key.between(f"{kind}:", f"{kind};"))
    return {row.key: row.room_id for row in await connection.execute(query)}


async def remember_room(connection: AsyncConnection, key: str, room: str) -> None:
    """Note the room ID of one of our rooms, in place of an earlier one."""
    await connection.execute(sa.delete(rooms).where(rooms.c.key == key, rooms.c.room_id != room))
    await insert_new(connection, rooms, key=key, room_id=room)


async def anchor(connection: AsyncConnection, event_id: str, question_id: str) -> None:
    """Note that this event (a card) stands for this question."""
    await insert_new(connection, anchors, event_id=event_id, question_id=question_id)


async def mention(connection: AsyncConnection, key: str, question_ids: Sequence[str]) -> None:
    """Note that what this effect said is of these questions."""
    if question_ids:
        rows: list[dict[str, object]] = [{"question_id": known, "key": key} for known in question_ids]
        await insert_new_rows(connection, mentions, rows)


async def anchored(connection: AsyncConnection, event_id: str) -> str | None:
    """The question that this event stands for."""
    query = sa.select(anchors.c.question_id).where(anchors.c.event_id == event_id)
    return (await connection.execute(query)).scalar()


def token_hash(token: str) -> str:
    """How a reply token is stored for look-up; case does not matter (RFC 5321 leaves it to us, 2.4)."""
    return hashlib.sha256(token.lower().encode()).hexdigest()


async def add_token(connection: AsyncConnection, token: str, question_id: str) -> None:
    """Note that mail to this token belongs to this question."""
    await insert_new(connection, tokens, hash=token_hash(token), question_id=question_id)


async def question_of_token(connection: AsyncConnection, token: str) -> str | None:
    """The question whose reply address carries this token."""
    return (await connection.execute(_OF_TOKEN, {"hash": token_hash(token)})).scalar()


async def keep_blob(connection: AsyncConnection, content: bytes, question_id: str = "") -> str:
    """Keep these bytes, for a question, and return their SHA-256 in hex, by which they are found again."""
    digest = hashlib.sha256(content).hexdigest()
    await insert_new(connection, blobs, hash=digest, content=content)
    if question_id:
        await insert_new(connection, blob_uses, question_id=question_id, hash=digest)
    return digest


async def blob(connection: AsyncConnection, digest: str) -> bytes | None:
    """The bytes with this SHA-256."""
    return (await connection.execute(sa.select(blobs.c.content).where(blobs.c.hash == digest))).scalar()


async def listing_generation(connection: AsyncConnection, group: str, question_id: str, limit: int) -> int:
    """The listing that names this question, at most ``limit`` to each; chosen once, kept for ever."""
    mine = sa.select(listings.c.generation).where(
        listings.c.group_key == group, listings.c.question_id == question_id
    )
    if (found := (await connection.execute(mine)).scalar()) is not None:
        return int(found)
    newest = sa.select(sa.func.max(listings.c.generation)).where(listings.c.group_key == group)
    generation = int((await connection.execute(newest)).scalar() or 1)
    used = sa.select(sa.func.count()).where(
        listings.c.group_key == group, listings.c.generation == generation
    )
    if int((await connection.execute(used)).scalar_one()) >= limit:
        generation += 1
    await insert_new(connection, listings, group_key=group, question_id=question_id, generation=generation)
    return generation


LIVE_AT_ONCE = 500
Cursor = tuple[float, str]
"""Where a page of question rooms ended: when the last one was active, and its ID."""
FROM_THE_NEWEST: Cursor = (float("inf"), "")


async def standing_rooms(connection: AsyncConnection) -> list[str]:
    """The rooms, besides those of questions, in which people do something: waiting rooms and bot chats."""
    wanted = sa.or_(rooms.c.key.between("bot:", "bot;"), rooms.c.key.between("waiting:", "waiting;"))
    return list((await connection.execute(sa.select(rooms.c.room_id).where(wanted))).scalars())


async def asked_rooms(connection: AsyncConnection, since: float) -> list[str]:
    """Rooms of requesters on Matrix in whose questions something happened since then, latest first."""
    query = (
        sa.select(rooms.c.room_id)
        .join(questions, rooms.c.key == sa.literal("asked:").concat(questions.c.id))
        .where(rooms.c.key.between("asked:", "asked;"), questions.c.active_at > since)
        .order_by(questions.c.active_at.desc())
        .limit(LIVE_AT_ONCE)
    )
    return list((await connection.execute(query)).scalars())


async def question_rooms(
    connection: AsyncConnection, after: Cursor, since: float
) -> list[tuple[Cursor, str, str]]:
    """A page of questions active after ``since``, latest first: where it ends, ID and room ID of each."""
    active, question_id = questions.c.active_at, questions.c.id
    moment, last = after
    beyond = sa.or_(active < moment, sa.and_(active == moment, question_id < last))
    query = (
        sa.select(active, question_id, rooms.c.room_id)
        .join(rooms, rooms.c.key == sa.literal("question:").concat(question_id))
        .where(active <= moment, beyond, active > since)
        .order_by(active.desc(), question_id.desc())
        .limit(LIVE_AT_ONCE)
    )
    return [((row[0], row[1]), row[1], row[2]) for row in await connection.execute(query)]
