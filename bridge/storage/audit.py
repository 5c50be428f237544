"""The audit: who did or saw what, for the organisation's own control. Append-only, and without patients.

Every entry carries a hash over itself and the one before, so that a change of what was written, or a
gap in it, is found by :func:`broken`. Questions appear by their reference, never patients by address.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.schema import audit

ONE_AT_A_TIME = 0x636F6C6175646974
"""The number of PostgreSQL's lock that gives each entry exactly one before it."""
PAGE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """``actor`` is a Matrix ID, ``cli:<account>``, or ``service``; ``action`` a dotted word, as in
    ``patient.erase``; ``subject`` what it was done to (a reference, group or file). ``at`` is epoch seconds.
    """

    actor: str
    action: str
    subject: str = ""
    detail: dict[str, str] = field(default_factory=dict)
    at: float = 0.0
    id: int = 0


def _text(entry: Entry) -> str:
    return json.dumps(entry.detail, ensure_ascii=False, sort_keys=True)


def _chained(before: str, entry: Entry) -> str:
    parts = [before, repr(entry.at), entry.actor, entry.action, entry.subject, _text(entry)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


async def note(connection: AsyncConnection, entry: Entry) -> None:
    """Write down what happens in this very transaction: both are kept, or neither."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    newest = sa.select(audit.c.chain).order_by(audit.c.id.desc()).limit(1)
    before = str((await connection.execute(newest)).scalar() or "")
    await connection.execute(
        sa.insert(audit).values(
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=_text(entry),
            chain=_chained(before, entry),
        )
    )


async def entries(
    connection: AsyncConnection, *, since: float = 0.0, action: str = "", limit: int = 1000
) -> list[Entry]:
    """The latest entries, oldest first; ``action`` is the beginning of a dotted word."""
    query = sa.select(audit).where(audit.c.at >= since)
    if action:
        query = query.where(audit.c.action.startswith(action, autoescape=True))
    rows = await connection.execute(query.order_by(audit.c.id.desc()).limit(limit))
    return [_entry(row) for row in rows][::-1]


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    values = row._mapping
    return Entry(
        values["actor"],
        values["action"],
        values["subject"],
        json.loads(values["detail"]),
        values["at"],
        values["id"],
    )


async def broken(connection: AsyncConnection) -> int | None:
    """The first entry that isn't what was written, or that misses the one before; ``None``: all is well."""
    before, last = "", 0
    while True:
        query = sa.select(audit).where(audit.c.id > last).order_by(audit.c.id).limit(PAGE)
        rows = (await connection.execute(query)).all()
        for row in rows:
            last = int(row.id)
            if row.chain != _chained(before, _entry(row)):
                return last
            before = row.chain
        if len(rows) < PAGE:
            return None
