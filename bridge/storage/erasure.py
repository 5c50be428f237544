"""Finds everything that is stored of one question, and erases it.

What stays says nothing of anyone: that an input came (its key, so that a replay changes nothing), that
the question existed, when it was asked, taken and answered, and who did what to it without their words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.drafting import asked_key
from bridge.domain.house import Section, section_key
from bridge.domain.state import Question
from bridge.storage.outbox import event_ids, of_question
from bridge.storage.registry import insert_new
from bridge.storage.schema import (
    DISCARDED,
    DONE,
    PENDING,
    acts,
    blob_uses,
    blobs,
    compared,
    erased,
    inbox,
    listings,
    mentions,
    metadata,
    outbox,
    questions,
    rooms,
    words,
)
from bridge.storage.suppressed import outlive
from bridge.storage.words import forget

AT_ONCE = 500
"""Values to a query: SQLite takes a bounded number of parameters."""
KEPT = (erased, acts, listings, words)
"""Tables with a ``question_id`` from which rows aren't simply deleted: listings hold IDs only, and bound
what a space lists."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Where a question is on the homeserver: its rooms, and single events in other rooms. IDs only.

    ``mentions`` are room ID and event ID of what stands in waiting rooms and bot chats; ``listed_in``
    the keys of the spaces that name its room; ``ghost`` is a localpart.
    """

    question_id: str
    ghost: str
    room_ids: tuple[str, ...]
    mentions: tuple[tuple[str, str], ...]
    listed_in: tuple[str, ...]


async def traces(connection: AsyncConnection, question: Question) -> Traces:
    """Where this question is."""
    room_ids = tuple(await _room_ids(connection, question))
    query = sa.select(outbox.c.kind, outbox.c.payload, outbox.c.result).where(
        _of(question.id), outbox.c.result.is_not(None)
    )
    said = [(row.kind, row.payload, row.result) for row in await connection.execute(query)]
    elsewhere = [place for place in await places(connection, said) if place[0] not in room_ids]
    spaces = await _spaces(connection, question)
    return Traces(question.id, question.ghost, room_ids, tuple(elsewhere), tuple(spaces))


def _of(question_id: str) -> sa.ColumnElement[bool]:
    """Effects that belong to a question, or said something of it."""
    mentioned = sa.select(mentions.c.key).where(mentions.c.question_id == question_id)
    return sa.or_(of_question(question_id), outbox.c.key.in_(mentioned))


async def _spaces(connection: AsyncConnection, question: Question) -> list[str]:
    """Which spaces list its rooms: the group's, and those of everybody who ever had to do with it."""
    query = sa.select(listings.c.generation).where(
        listings.c.group_key == question.group, listings.c.question_id == question.id
    )
    found = [
        f"group:{question.group}" if number <= 1 else f"listing:{question.group}:{number}"
        for number in (await connection.execute(query)).scalars()
    ]
    people = sa.select(acts.c.actor).where(acts.c.question_id == question.id).distinct()
    known = {*(await connection.execute(people)).scalars(), question.owner, question.requester}
    sections = {section_key(who, part): (who, part) for who in known if who[:1] == "@" for part in Section}
    listed = sa.select(listings.c.group_key, listings.c.generation).where(
        listings.c.group_key.in_(sections),
        listings.c.question_id.in_((question.room, asked_key(question.id))),
    )
    return found + [section_key(*sections[row[0]], row[1]) for row in await connection.execute(listed)]


async def _room_ids(connection: AsyncConnection, question: Question) -> list[str]:
    """Its rooms, the first one first: a question that changed hands has more than one."""
    former = [f"former:{question.id}:{number}" for number in range(1, question.generation)]
    keys = [*former, question.room, asked_key(question.id)]
    query = sa.select(rooms.c.key, rooms.c.room_id).where(rooms.c.key.in_(keys))
    found = {row.key: row.room_id for row in await connection.execute(query)}
    return [found[key] for key in keys if key in found]


async def places(
    connection: AsyncConnection, said: Sequence[tuple[str, str, str | None]]
) -> list[tuple[str, str]]:
    """Room ID and event ID of what effects (kind, payload, result) brought into group rooms and chats.

    What somebody said to the bot that an effect answers goes with it.
    """
    named: dict[str, str] = {}
    for kind, payload, result in said:
        effect = json.loads(payload)
        events = (*event_ids(result), *_heard(kind, effect))
        if events and (key := _room_key(kind, effect)):
            named |= dict.fromkeys(events, key)
    known: dict[str, str] = {}
    for part in _parts(list(dict.fromkeys(named.values()))):
        query = sa.select(rooms.c.key, rooms.c.room_id).where(rooms.c.key.in_(part))
        known |= {row.key: row.room_id for row in await connection.execute(query)}
    return [(known[key], event) for event, key in named.items() if key in known]


def _room_key(kind: str, effect: dict[str, Any]) -> str:
    """In which room an effect says something: it names it, or a person, or stands for a card."""
    if kind == "PostCard":
        return f"waiting:{effect['group']}"
    return str(effect.get("room") or (f"bot:{effect['user_id']}" if effect.get("user_id") else ""))


def _heard(kind: str, effect: dict[str, Any]) -> tuple[str, ...]:
    """The event in someone's bot chat that an effect answers."""
    match kind:
        case "Inquire":
            return (str(effect["key"]).removeprefix("inquiry:"),)
        case "OpenAsked":
            return tuple(map(str, effect["heard"]))
        case "PassOn":
            return (str(effect["event_id"]),)
        case _:
            return ()


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]


async def wipe(connection: AsyncConnection, question: Question, *, at: float, why: str) -> Traces:
    """Erase every row of a question, in this transaction; returns what the homeserver is to forget.

    That is kept as well, until :func:`forgotten`. ``why`` is a word for the statistics.
    """
    found = await traces(connection, question)
    await _remember(connection, found, at, why)
    await empty_inputs(connection, [question.id, *found.room_ids])
    await empty_events(connection, [event for _, event in found.mentions])
    await connection.execute(sa.delete(outbox).where(_of(question.id)))
    await _drop_files(connection, question.id)
    await forget(connection, question)
    await outlive(connection, question.id)
    for table in metadata.sorted_tables:
        if table not in KEPT and "question_id" in table.c:
            await connection.execute(sa.delete(table).where(table.c.question_id == question.id))
    await connection.execute(sa.delete(compared).where(compared.c.room_id.in_(found.room_ids)))
    silent = sa.update(acts).where(acts.c.question_id == question.id)
    await connection.execute(silent.values(why="", details="{}"))
    await connection.execute(sa.delete(questions).where(questions.c.id == question.id))
    return found


async def _remember(connection: AsyncConnection, found: Traces, at: float, why: str) -> None:
    query = sa.select(
        questions.c.group_key, questions.c.asked_at, questions.c.taken_at, questions.c.answered_at
    ).where(questions.c.id == found.question_id)
    row = (await connection.execute(query)).one()
    todo = json.dumps(asdict(found))
    values = dict(row._mapping) | {"at": at, "why": why, "todo": todo}
    await insert_new(connection, erased, question_id=found.question_id, **values)


async def unforgotten(connection: AsyncConnection) -> list[Traces]:
    """What the homeserver still has to forget: it was away, or somebody stopped halfway."""
    query = sa.select(erased.c.todo).where(erased.c.todo != "")
    return [_traces(json.loads(todo)) for todo in (await connection.execute(query)).scalars()]


def _traces(stored: dict[str, Any]) -> Traces:
    return Traces(
        stored["question_id"],
        stored["ghost"],
        tuple(stored["room_ids"]),
        tuple((room, event) for room, event in stored["mentions"]),
        tuple(stored["listed_in"]),
    )


async def forgotten(connection: AsyncConnection, found: Traces) -> None:
    """The homeserver has forgotten it; what came from there meanwhile is emptied, too."""
    await empty_inputs(connection, [found.question_id, *found.room_ids])
    done = sa.update(erased).where(erased.c.question_id == found.question_id)
    await connection.execute(done.values(todo=""))


async def empty_inputs(connection: AsyncConnection, conversations: Sequence[str]) -> None:
    """Forget the bytes and senders of these conversations' inputs, but not that they came."""
    for part in _parts(conversations):
        await _empty(connection, sa.and_(inbox.c.conversation.in_(part), inbox.c.status != PENDING))
        await _empty(connection, sa.and_(inbox.c.conversation.in_(part), inbox.c.status == PENDING))


async def empty_events(connection: AsyncConnection, event_ids: Sequence[str]) -> None:
    """Forget what single events said."""
    for part in _parts([f"matrix:{event_id}" for event_id in event_ids]):
        await _empty(connection, inbox.c.key.in_(part))


async def _empty(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> None:
    status = sa.case((inbox.c.status == DONE, DONE), else_=DISCARDED)
    nothing = {"payload": b"", "sender": "", "recipient": "", "error": ""}
    await connection.execute(sa.update(inbox).where(which).values(status=status, **nothing))


async def _drop_files(connection: AsyncConnection, question_id: str) -> None:
    """Files go with the last question that they belong to."""
    mine = sa.select(blob_uses.c.hash).where(blob_uses.c.question_id == question_id)
    other = blob_uses.alias("other")
    shared = sa.exists().where(other.c.hash == blobs.c.hash, other.c.question_id != question_id)
    await connection.execute(sa.delete(blobs).where(blobs.c.hash.in_(mine), ~shared))


_ERASED = sa.select(erased.c.at).where(erased.c.question_id == sa.bindparam("id"))


async def was_erased(connection: AsyncConnection, question_id: str) -> bool:
    """Whether there once was this question."""
    return (await connection.execute(_ERASED, {"id": question_id})).first() is not None


async def empty_input(connection: AsyncConnection, input_id: int) -> None:
    """Forget the bytes of one input: it came late for a question that is erased, or is somebody's mail."""
    await _empty(connection, inbox.c.id == input_id)
