"""A conversation's next input: one query, asked by the workers and by the way in."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from bridge.storage.direct import once
from bridge.storage.schema import PENDING, inbox


@dataclass(frozen=True, slots=True)
class Input:
    """A stored input. Times are seconds since the epoch."""

    id: int
    key: str
    kind: str
    conversation: str
    payload: bytes
    recipient: str
    sender: str
    status: str
    attempts: int
    error: str
    received_at: float
    due_at: float


COLUMNS = [inbox.c[name] for name in Input.__dataclass_fields__]

WAITING = sa.select(*COLUMNS).where(
    inbox.c.status == PENDING, inbox.c.conversation == sa.bindparam("conversation")
)
"""What a conversation still has to decide, in no order."""

FIRST = once(
    WAITING.order_by(
        sa.func.coalesce(inbox.c.before, inbox.c.id),
        inbox.c.before.is_(None),
        inbox.c.place,
        inbox.c.id,
    ).limit(1)
)
"""The next input of a conversation, due or not: a late event comes before the one that it precedes."""
