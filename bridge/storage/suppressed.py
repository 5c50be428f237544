"""Addresses that gave mails back, or whose patients want none: nothing is sent there until that is lifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.delivery import STOPPED
from bridge.storage.codec import decode_question
from bridge.storage.direct import once
from bridge.storage.registry import insert_new
from bridge.storage.schema import questions
from bridge.storage.schema_people import suppressed


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One address, the status it gave a mail back with (RFC 3463) or ``stopped``, and when."""

    address: str
    status: str
    at: float


async def add(connection: AsyncConnection, address: str, question_id: str, status: str, at: float) -> None:
    """Send nothing more to this address; the first reason stays."""
    await insert_new(
        connection, suppressed, address=address.lower(), question_id=question_id, status=status, at=at
    )


async def stop(connection: AsyncConnection, address: str, question_id: str, at: float) -> None:
    """Send nothing more to this address, since its patient wants no e-mails, whatever was before."""
    await connection.execute(sa.delete(suppressed).where(suppressed.c.address == address.lower()))
    await add(connection, address, question_id, STOPPED, at)


async def lift(connection: AsyncConnection, address: str, *, stopped: bool = True) -> bool:
    """Send there again; ``False`` when it was not suppressed, or is by its patient's wish (``stopped``)."""
    change = sa.delete(suppressed).where(suppressed.c.address == address.strip().lower())
    if not stopped:
        change = change.where(suppressed.c.status != STOPPED)
    return (await connection.execute(change)).rowcount > 0


async def outlive(connection: AsyncConnection, question_id: str) -> None:
    """Before this question is erased: what was noted with it goes on with another one of the same patient."""
    noted = sa.select(suppressed.c.address).where(suppressed.c.question_id == question_id)
    for address in list((await connection.execute(noted)).scalars()):
        named = sa.func.lower(questions.c.state).contains(f'"{address}"', autoescape=True)
        query = sa.select(questions.c.id, questions.c.state).where(questions.c.id != question_id, named)
        found = (await connection.execute(query)).all()
        theirs = [row.id for row in found if decode_question(row.state).address.lower() == address]
        if theirs:
            goes_on = sa.update(suppressed).where(suppressed.c.address == address)
            await connection.execute(goes_on.values(question_id=theirs[0]))


_STATUS = once(sa.select(suppressed.c.status).where(suppressed.c.address == sa.bindparam("address")))


async def status(connection: AsyncConnection, address: str) -> str:
    """Why nothing is sent to this address; empty when mails are."""
    return (await connection.execute(_STATUS, {"address": address.lower()})).scalar() or ""


async def listed(connection: AsyncConnection) -> Sequence[Suppressed]:
    """All of them, the latest first."""
    query = sa.select(suppressed.c.address, suppressed.c.status, suppressed.c.at).order_by(
        suppressed.c.at.desc()
    )
    return [Suppressed(*row) for row in await connection.execute(query)]
