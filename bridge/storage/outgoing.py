"""What left a question for whoever asked it, as it left: whatever became of the lines in the room since."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.content import Sent
from bridge.domain.drafting import Relay
from bridge.domain.effects import Answer
from bridge.storage.codec import decode_effect
from bridge.storage.outbox import of_question
from bridge.storage.schema import FAILED, SENT, outbox

KINDS = (Answer.__name__, Relay.__name__)


async def sent(connection: AsyncConnection, question_id: str) -> dict[str, list[Sent]]:
    """The lines of its owners, in order, by the event they came from; what failed only if nothing arrived."""
    query = (
        sa.select(outbox)
        .where(of_question(question_id), outbox.c.kind.in_(KINDS), outbox.c.status.in_((SENT, FAILED)))
        .order_by(outbox.c.id)
    )
    found: defaultdict[str, list[Sent]] = defaultdict(list)
    for row in await connection.execute(query):
        effect = decode_effect(row.kind, row.payload)
        assert isinstance(effect, Answer | Relay)
        at = row.finished_at or row.created_at
        for line in effect.lines:
            left = Sent(
                line, effect.owner, effect.owner_name, at, effect.correction, failed=row.status == FAILED
            )
            found[line.event_id].append(left)
    return {event_id: _arrived(lines) for event_id, lines in found.items()}


def _arrived(lines: list[Sent]) -> list[Sent]:
    return [line for line in lines if not line.failed] or lines[-1:]
