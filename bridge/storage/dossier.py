"""Everything that is kept of one question, for the person who asked it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.state import Question
from bridge.storage import acts
from bridge.storage.acts import Recorded
from bridge.storage.erasure import traces
from bridge.storage.outbox import of_question
from bridge.storage.schema import SENT, blob_uses, blobs, inbox, outbox


@dataclass(frozen=True, slots=True)
class Dossier:
    """``received`` and ``sent`` are whole mails, ``events`` what happened in its rooms (JSON), in order;
    ``files`` the patient's cleaned files by name.
    """

    question: Question
    received: tuple[bytes, ...]
    sent: tuple[bytes, ...]
    events: tuple[bytes, ...]
    files: dict[str, bytes]
    acts: tuple[Recorded, ...]


async def dossier(connection: AsyncConnection, question: Question) -> Dossier:
    """What is kept of this question."""
    found = await traces(connection, question)
    body = sa.select(outbox.c.body).where(
        of_question(question.id), outbox.c.status == SENT, outbox.c.body.is_not(None)
    )
    return Dossier(
        question,
        await _inputs(connection, "mail", (question.id,)),
        tuple((await connection.execute(body.order_by(outbox.c.id))).scalars()),
        await _inputs(connection, "matrix", found.room_ids),
        await _files(connection, question.id),
        tuple(await acts.of_question(connection, question.id)),
    )


async def _inputs(
    connection: AsyncConnection, kind: str, conversations: tuple[str, ...]
) -> tuple[bytes, ...]:
    query = (
        sa.select(inbox.c.payload)
        .where(inbox.c.conversation.in_(conversations), inbox.c.kind == kind)
        .order_by(inbox.c.id)
    )
    return tuple(payload for payload in (await connection.execute(query)).scalars() if payload)


async def _files(connection: AsyncConnection, question_id: str) -> dict[str, bytes]:
    names = sa.select(outbox.c.payload).where(of_question(question_id), outbox.c.kind == "PostFile")
    named: dict[str, str] = {}
    for payload in (await connection.execute(names)).scalars():
        attachment: dict[str, Any] = json.loads(payload)["attachment"]
        named[attachment["blob"]] = attachment["name"]
    query = (
        sa.select(blobs.c.hash, blobs.c.content)
        .join(blob_uses, blob_uses.c.hash == blobs.c.hash)
        .where(blob_uses.c.question_id == question_id)
    )
    rows = await connection.execute(query)
    return {f"{row.hash[:8]}-{named.get(row.hash, 'file')}": row.content for row in rows}
