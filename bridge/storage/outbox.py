"""The outbox: every effect, stored with the decision that caused it, until it is performed or given up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import effects as fx
from bridge.domain.effects import Effect, Planned
from bridge.domain.sealing import OVERLAPPING
from bridge.storage import suppressed
from bridge.storage.codec import decode_effect, encode
from bridge.storage.direct import once
from bridge.storage.registry import new_rows
from bridge.storage.schema import FAILED, PENDING, SENT, outbox, rooms

Lane = tuple[str, str]
"""A conversation and a lane: the unit within which effects are performed in order."""


def lane_name(lane: Lane) -> str:
    """A lane as one word, for other processes."""
    return f"{lane[1]} {lane[0]}"


def lane_named(name: str) -> Lane:
    """The lane with this name."""
    lane, _, conversation = name.partition(" ")
    return (conversation, lane)


@dataclass(frozen=True, slots=True)
class Row:
    """A stored effect. ``started`` says that an earlier try may have reached the peer.

    ``handing_over`` says of a mail that the last try ended without the server's reply to its body.

    ``body`` holds the final bytes of a mail, kept for identical retries. Times are epoch seconds.
    ``room`` is the room of the question that it is about, if there was one when it became the next.
    ``suppressed``: why nothing is sent to its address, if it is a mail and nothing is.
    ``following`` is the lane's next effect if that one may overlap with this one's record.
    """

    id: int
    key: str
    conversation: str
    lane: str
    effect: Effect
    body: bytes | None
    attempts: int
    created_at: float
    due_at: float
    process: str
    started: bool
    handing_over: bool
    room: str = ""
    suppressed: str = ""
    following: Row | None = None


Heads = Mapping[Lane, Row | None]
"""What was just committed as the first in some lanes."""
NO_HEADS: Heads = MappingProxyType({})


class Wake(Protocol):
    """Told which lanes have something to do, and what is first in some of them, if that is known."""

    def __call__(self, lanes: Sequence[Lane], heads: Heads = ..., /) -> None:
        """They have something to do."""


async def add(
    connection: AsyncConnection, planned: Sequence[Planned], now: float, process: str = ""
) -> tuple[Lane, ...]:
    """Store effects in their order, except those whose key is known; returns their lanes.

    Another process than ``process``, or this one after a restart, can't know whether they were tried.
    """
    if not planned:
        return ()
    rows = [
        {
            "key": plan.effect.key,
            "conversation": plan.conversation,
            "lane": str(plan.lane),
            "kind": type(plan.effect).__name__,
            "payload": encode(plan.effect),
            "status": PENDING,
            "created_at": now,
            "due_at": now + plan.delay_s,
            "process": process,
            "about": _about(plan.effect),
        }
        for plan in planned
    ]
    await connection.execute(new_rows(connection.dialect.name, outbox, "key"), rows)
    return tuple(dict.fromkeys((plan.conversation, str(plan.lane)) for plan in planned))


QUESTION_ID = re.compile(r"[a-z2-7]{16}(?=:)")


def _about(effect: Effect) -> str:
    """The question that an effect belongs to: it says so, or its key begins with it."""
    named: str = getattr(effect, "question_id", "")
    found = QUESTION_ID.match(effect.key)
    return named or (found[0] if found else "")


async def pending(connection: AsyncConnection) -> dict[Lane, float]:
    """Each lane with something to do, and when its first effect is due."""
    first = (
        sa.select(sa.func.min(outbox.c.id).label("id"))
        .where(outbox.c.status == PENDING)
        .group_by(outbox.c.conversation, outbox.c.lane)
        .subquery()
    )
    query = sa.select(outbox.c.conversation, outbox.c.lane, outbox.c.due_at).join(
        first, first.c.id == outbox.c.id
    )
    return {(row.conversation, row.lane): row.due_at for row in await connection.execute(query)}


_ITS_ROOM = rooms.c.key == sa.literal("question:").concat(outbox.c.about)
_HEAD = once(
    sa.select(outbox, rooms.c.room_id.label("room"))
    .select_from(outbox.outerjoin(rooms, _ITS_ROOM))
    .where(
        outbox.c.status == PENDING,
        outbox.c.conversation == sa.bindparam("conversation"),
        outbox.c.lane == sa.bindparam("lane"),
    )
    .order_by(outbox.c.id)
    .limit(2)
)


async def head(connection: AsyncConnection, lane: Lane) -> Row | None:
    """The next effect of a lane, due or not. Raises ``pydantic.ValidationError`` on an unreadable one."""
    found = (await connection.execute(_HEAD, {"conversation": lane[0], "lane": lane[1]})).all()
    if not found:
        return None
    overlaps = len(found) > 1 and found[1].kind in _OVERLAPPING
    row = _row(found[0], _row(found[1]) if overlaps else None)
    address = getattr(row.effect, "address", "") if row.lane == fx.Lane.MAIL else ""
    if address and (status := await suppressed.status(connection, address)):
        row = replace(row, suppressed=status)
    return row


_OVERLAPPING = frozenset(kind.__name__ for kind in OVERLAPPING)


def _row(found: sa.Row[Any], following: Row | None = None) -> Row:
    return Row(
        id=found.id,
        key=found.key,
        conversation=found.conversation,
        lane=found.lane,
        effect=decode_effect(found.kind, found.payload),
        body=found.body,
        attempts=found.attempts,
        created_at=found.created_at,
        due_at=found.due_at,
        process=found.process,
        started=found.started_at is not None,
        handing_over=found.handing_over,
        room=found.room or "",
        following=following,
    )


async def effect(connection: AsyncConnection, key: str) -> Effect | None:
    """The effect with this key, performed or not; ``None`` when there is none (any more)."""
    query = sa.select(outbox.c.kind, outbox.c.payload).where(outbox.c.key == key)
    found = (await connection.execute(query)).first()
    return decode_effect(found.kind, found.payload) if found else None


async def awaits(connection: AsyncConnection, conversation: str, kind: str) -> bool:
    """Whether an effect of this kind isn't recorded as performed yet."""
    query = sa.select(outbox.c.id).where(
        outbox.c.status == PENDING, outbox.c.conversation == conversation, outbox.c.kind == kind
    )
    return (await connection.execute(query.limit(1))).first() is not None


_PLANNED = once(sa.select(outbox.c.id).where(outbox.c.key == sa.bindparam("key"), outbox.c.status == PENDING))


async def planned(connection: AsyncConnection, key: str) -> bool:
    """Whether an effect is stored and not yet performed nor given up."""
    return (await connection.execute(_PLANNED, {"key": key})).first() is not None


async def followed(connection: AsyncConnection, row_id: int) -> bool:
    """Whether another effect waits after this one in its lane."""
    this = sa.select(outbox.c.conversation, outbox.c.lane).where(outbox.c.id == row_id).subquery()
    query = sa.select(outbox.c.id).where(
        outbox.c.status == PENDING,
        outbox.c.conversation == this.c.conversation,
        outbox.c.lane == this.c.lane,
        outbox.c.id > row_id,
    )
    return (await connection.execute(query.limit(1))).first() is not None


async def _change(connection: AsyncConnection, row_id: int, **values: Any) -> None:
    # Only while it waits: a process that lost its claim must not undo what another recorded.
    change = sa.update(outbox).where(outbox.c.id == row_id, outbox.c.status == PENDING)
    await connection.execute(change.values(**values))


_FINISH = once(
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("row"), outbox.c.status == PENDING)
    .values(status=SENT, result=sa.bindparam("brought"), finished_at=sa.bindparam("now"), error="")
)


async def finish(connection: AsyncConnection, row_id: int, result: dict[str, Any], now: float) -> bool:
    """The peer accepted it; ``result`` is what later effects may refer to by key.

    ``False``: that another process has recorded already.
    """
    values = {"row": row_id, "brought": json.dumps(result), "now": now}
    return (await connection.execute(_FINISH, values)).rowcount == 1


_AGAIN = sa.case((outbox.c.handing_over, outbox.c.handed_over_again + 1), else_=outbox.c.handed_over_again)
_HAND_OVER = once(
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("row"), outbox.c.status == PENDING)
    .values(body=sa.bindparam("final"), handing_over=True, handed_over_again=_AGAIN)
)


async def hand_over(connection: AsyncConnection, row_id: int, body: bytes) -> None:
    """A mail's body is about to be offered, and stays as it is for every later try.

    One that already was offered without an answer may arrive twice, and is counted.
    """
    await connection.execute(_HAND_OVER, {"row": row_id, "final": body})


async def not_taken(connection: AsyncConnection, row_id: int) -> None:
    """The mail server refused the body it was offered: it doesn't have the mail."""
    await _change(connection, row_id, handing_over=False)


async def start(connection: AsyncConnection, row_id: int, now: float) -> None:
    """Another process than the one that decided on it is about to try: from now on every try is in doubt."""
    await _change(connection, row_id, started_at=now)


async def retry(connection: AsyncConnection, row_id: int, error: str, due_at: float) -> None:
    """Try again at ``due_at``; the lane waits."""
    await _change(connection, row_id, attempts=outbox.c.attempts + 1, error=error, due_at=due_at)


async def postpone(connection: AsyncConnection, row_id: int, error: str, due_at: float) -> None:
    """Wait for the transport until ``due_at``; not counted as a try."""
    await _change(connection, row_id, error=error, due_at=due_at)


async def fail(connection: AsyncConnection, row_id: int, error: str, now: float) -> None:
    """Give up; the lane goes on."""
    await _change(connection, row_id, status=FAILED, error=error, finished_at=now)


_RESULT = once(sa.select(outbox.c.result).where(outbox.c.key == sa.bindparam("key"), outbox.c.status == SENT))


async def result(connection: AsyncConnection, key: str) -> dict[str, Any] | None:
    """What the effect with this key brought, or ``None`` while it hasn't been performed."""
    text = (await connection.execute(_RESULT, {"key": key})).scalar()
    return None if text is None else dict(json.loads(text))


def of_question(question_id: str) -> sa.ColumnElement[bool]:
    """Effects that belong to this question."""
    # The index is of those that belong to one; it is used where a query says so, literally.
    return sa.and_(outbox.c.about == question_id, outbox.c.about != sa.literal_column("''"))


def event_ids(result: str | None) -> Iterator[str]:
    """The events that a stored result names, wherever in it."""
    values: list[Any] = [json.loads(result)] if result else []
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list):
            values += value
        elif isinstance(value, str) and value.startswith("$"):
            yield value


async def busy(connection: AsyncConnection, conversation: str) -> bool:
    """Whether something of this conversation still has to be done."""
    query = sa.select(outbox.c.id).where(outbox.c.status == PENDING, outbox.c.conversation == conversation)
    return (await connection.execute(query.limit(1))).first() is not None
