"""The organisation in force: the last one that Matrix was brought to. Every process goes by it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.change import OpenQuestions
from bridge.domain.organisation import Organisation
from bridge.domain.state import Status
from bridge.storage.codec import decode_organisation, encode
from bridge.storage.questions import waits_in
from bridge.storage.registry import insert_new
from bridge.storage.schema import identity, questions, rooms

NAME = "organisation.in_force"


async def text(connection: AsyncConnection) -> str:
    """The organisation in force as it is stored; empty before the first."""
    query = sa.select(identity.c.value).where(identity.c.name == NAME)
    return str((await connection.execute(query)).scalar() or "")


def read(stored: str) -> Organisation:
    """What :func:`text` says."""
    return decode_organisation(stored)


async def load(connection: AsyncConnection) -> Organisation | None:
    """The organisation in force; ``None`` before the first."""
    stored = await text(connection)
    return read(stored) if stored else None


async def save(connection: AsyncConnection, organisation: Organisation) -> None:
    """From now on this one is in force."""
    stored = encode(organisation)
    await insert_new(connection, identity, name=NAME, value=stored)
    await connection.execute(sa.update(identity).where(identity.c.name == NAME).values(value=stored))


async def open_questions(connection: AsyncConnection) -> tuple[OpenQuestions, ...]:
    """How many questions wait in each group, and how many each owner has in each."""
    group, owner = questions.c.group_key, questions.c.owner
    query = (
        sa.select(group, owner, sa.func.count())
        .where(questions.c.status.in_([Status.WAITING.value, Status.TAKEN.value]))
        .group_by(group, owner)
        .order_by(group, owner)
    )
    return tuple(OpenQuestions(row[0], row[1], row[2]) for row in await connection.execute(query))


async def waiting_rooms(connection: AsyncConnection, group: str) -> list[str]:
    """The rooms of the questions that wait for a group."""
    query = (
        sa.select(rooms.c.room_id)
        .join(questions, rooms.c.key == sa.literal("question:").concat(questions.c.id))
        .where(waits_in([group]))
    )
    return list((await connection.execute(query)).scalars())
