"""The mails of a question as they came: found by what was made of them, let in or put away."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.keeping import MANY
from bridge.storage import turns
from bridge.storage.inbox import take_back
from bridge.storage.outbox import of_question
from bridge.storage.schema import DONE, QUARANTINED, inbox, outbox

MAX_FOUND = 20
FIRST = ":first:"
"""In the keys of what a question's first mail became; later ones carry the key of their input."""


async def behind(connection: AsyncConnection, question_id: str, event_id: str) -> str:
    """The input whose mail the message ``event_id`` shows or is about; empty if there is none."""
    query = (
        sa.select(outbox.c.key)
        .where(of_question(question_id), outbox.c.result.contains(f'"{event_id}"', autoescape=True))
        .limit(MAX_FOUND)
    )
    keys = list((await connection.execute(query)).scalars())
    mails = await of(connection, question_id)
    for key in keys:
        named = next((mail for mail in mails if mail in key), "")
        if named or (FIRST in key and mails):
            return named or mails[0]
    return ""


async def latest(connection: AsyncConnection, question_id: str) -> str:
    """The input that is the question's latest mail; empty if there is none."""
    mails = await of(connection, question_id)
    return mails[-1] if mails else ""


async def of(connection: AsyncConnection, question_id: str) -> list[str]:
    """The inputs that are mails of this question, oldest first."""
    query = (
        sa.select(inbox.c.key)
        .where(inbox.c.conversation == question_id, inbox.c.kind == "mail")
        .order_by(inbox.c.id)
    )
    return list((await connection.execute(query)).scalars())


async def raw(connection: AsyncConnection, question_id: str, input_id: str) -> bytes:
    """The mail's bytes; empty if they aren't kept."""
    query = sa.select(inbox.c.payload).where(inbox.c.key == input_id, inbox.c.conversation == question_id)
    return (await connection.execute(query)).scalar() or b""


async def settle(
    connection: AsyncConnection, question_id: str, input_id: str, admitted: bool, now: float
) -> None:
    """Let a held mail be read again, or put it away with its bytes; whatever isn't held stays as it is."""
    held = sa.and_(
        inbox.c.key == input_id, inbox.c.conversation == question_id, inbox.c.status == QUARANTINED
    )
    number = (await connection.execute(sa.select(inbox.c.id).where(held))).scalar()
    if number is None:
        return
    if admitted:
        await take_back(connection, number, now)
        return
    await connection.execute(sa.update(inbox).where(held).values(status=DONE, error="refused"))


async def let_in(connection: AsyncConnection, question_id: str, now: float) -> None:
    """Let every mail of a question be read that is held because there is much; counting begins anew."""
    await turns.forget(connection, turns.scope_of("question", question_id))
    query = sa.select(inbox.c.id).where(
        inbox.c.conversation == question_id, inbox.c.status == QUARANTINED, inbox.c.error == MANY
    )
    for number in list((await connection.execute(query)).scalars()):
        await take_back(connection, number, now)


async def read_again(connection: AsyncConnection, input_id: str, now: float) -> None:
    """It is the turn of a held mail; one that isn't held any more stays as it is."""
    held = sa.select(inbox.c.id).where(inbox.c.key == input_id, inbox.c.status == QUARANTINED)
    number = (await connection.execute(held)).scalar()
    if number is not None:
        await take_back(connection, number, now)
