"""Legal hold: what must not be erased, whoever asks for it, until the hold is lifted."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.state import Question
from bridge.storage import questions
from bridge.storage.schema import holds


@dataclass(frozen=True, slots=True)
class Hold:
    """``subject`` is ``question:<id>`` or ``patient:<address>``; ``at`` epoch seconds."""

    subject: str
    reason: str
    actor: str
    at: float


def of_question(question_id: str) -> str:
    """The subject of a hold on one question."""
    return f"question:{question_id}"


def of_patient(address: str) -> str:
    """The subject of a hold on everything that somebody asks or ever asked."""
    return f"patient:{address.strip().casefold()}"


async def add(connection: AsyncConnection, hold: Hold) -> bool:
    """Put something under hold; ``False`` when it is already."""
    known = sa.select(holds.c.subject).where(holds.c.subject == hold.subject)
    if (await connection.execute(known)).first():
        return False
    values = {"subject": hold.subject, "reason": hold.reason, "actor": hold.actor, "at": hold.at}
    await connection.execute(sa.insert(holds).values(**values))
    return True


async def lift(connection: AsyncConnection, subject: str) -> bool:
    """End a hold; ``False`` when there is none."""
    return (await connection.execute(sa.delete(holds).where(holds.c.subject == subject))).rowcount == 1


async def listed(connection: AsyncConnection) -> list[Hold]:
    """Every hold, oldest first."""
    query = sa.select(holds.c.subject, holds.c.reason, holds.c.actor, holds.c.at).order_by(holds.c.at)
    return [Hold(*row) for row in await connection.execute(query)]


async def held(connection: AsyncConnection, question: Question) -> bool:
    """Whether this question must be kept."""
    addresses = (question.address, *question.also_from)
    subjects = [of_question(question.id), *map(of_patient, addresses)]
    if question.link is not None:  # what a hold keeps, it keeps with what experts said of it
        about = await questions.load(connection, question.link.origin)
        if about is not None and await held(connection, about.question):
            return True
    query = sa.select(holds.c.subject).where(holds.c.subject.in_(subjects))
    return (await connection.execute(query.limit(1))).first() is not None
