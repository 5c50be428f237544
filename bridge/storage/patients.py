"""What is stored of one person: by address, over everything. Rare, and read from end to end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.state import Question
from bridge.storage import questions as questions_stored
from bridge.storage.codec import decode_question
from bridge.storage.inbox import Input
from bridge.storage.schema import inbox, metadata, outbox, questions
from bridge.storage.schema_people import dialogues  # noqa: F401  its tables belong to the same metadata

AT_ONCE = 200
HEAD_BYTES = 65536
"""So much of a mail is searched for its From."""
FROM = re.compile(rb"^from:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)


async def _pages(
    connection: AsyncConnection, query: sa.Select[Any], column: sa.Column[Any]
) -> AsyncIterator[Any]:
    """Every row of a query, a page at a time by a column that it selects."""
    last: Any = None
    while True:
        page = query if last is None else query.where(column > last)
        rows = (await connection.execute(page.order_by(column).limit(AT_ONCE))).all()
        for row in rows:
            yield row
        if len(rows) < AT_ONCE:
            return
        last = rows[-1]._mapping[column]


async def questions_of(connection: AsyncConnection, address: str) -> list[Question]:
    """Everything that this person ever asked, oldest first, with what experts were asked about it; the case
    of an address doesn't matter, and an address that an owner took as a further one is theirs, too.
    """
    wanted = address.casefold()
    named = sa.func.lower(questions.c.state).contains(wanted, autoescape=True)
    query = sa.select(questions.c.id, questions.c.state).where(named)
    found = [decode_question(row.state) async for row in _pages(connection, query, questions.c.id)]
    mine = [one for one in found if wanted in map(str.casefold, (one.address, *one.also_from))]
    asked = [linked for one in mine for linked in await questions_stored.linked(connection, one)]
    known = {question.id: question for question in (*mine, *asked)}
    return sorted(known.values(), key=lambda question: question.asked_at)


async def by_reference(connection: AsyncConnection, reference: str) -> Question | None:
    """The question with this reference, as people read it to each other."""
    query = sa.select(questions.c.state).where(questions.c.reference == reference.strip().upper())
    state = (await connection.execute(query)).scalar()
    return decode_question(state) if state else None


async def mails_from(connection: AsyncConnection, address: str) -> list[Input]:
    """Every mail of this person that is kept, whatever became of it: their From, or the envelope's."""
    columns = [inbox.c[name] for name in Input.__dataclass_fields__]
    query = sa.select(*columns).where(inbox.c.kind == "mail", inbox.c.payload != b"")
    wanted = address.casefold()
    found = []
    async for row in _pages(connection, query, inbox.c.id):
        mail = Input(*row)
        if mail.sender.casefold() == wanted or _is_from(mail.payload, wanted):
            found.append(mail)
    return found


def _is_from(raw: bytes, address: str) -> bool:
    head = raw[:HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    said = b" ".join(FROM.findall(head)).decode(errors="replace").casefold()
    return re.search(rf"(?<![\w.+-]){re.escape(address)}(?![\w.-])", said) is not None


Told = tuple[int, str, str, str | None]
"""An effect: row, kind, payload and result."""


async def told(connection: AsyncConnection, words: Sequence[str]) -> list[Told]:
    """Effects that belong to no question but name one of these (an address, a reference)."""
    query = sa.select(outbox.c.id, outbox.c.kind, outbox.c.payload, outbox.c.result).where(
        outbox.c.about == ""
    )
    wanted = [word.casefold() for word in words]
    return [
        (row.id, row.kind, row.payload, row.result)
        async for row in _pages(connection, query, outbox.c.id)
        if any(word in row.payload.casefold() for word in wanted)
    ]


async def still_named(connection: AsyncConnection, address: str) -> dict[str, int]:
    """In how many rows of which ``table.column`` this address still stands, readable as it is."""
    found: dict[str, int] = {}
    for table in metadata.sorted_tables:
        for column in table.c:
            if (named := _names(connection, column, address)) is not None:
                count = (await connection.execute(sa.select(sa.func.count()).where(named))).scalar_one()
                found |= {f"{table.name}.{column.name}": int(count)} if count else {}
    return found


def _names(
    connection: AsyncConnection, column: sa.Column[Any], address: str
) -> sa.ColumnElement[bool] | None:
    if isinstance(column.type, sa.Text):
        return sa.func.lower(column).contains(address.casefold(), autoescape=True)
    if not isinstance(column.type, sa.LargeBinary):
        return None
    find = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.pg_catalog.position
    return find(column, sa.literal(address.encode(), sa.LargeBinary)) > 0


async def forget_told(connection: AsyncConnection, row_ids: Sequence[int]) -> None:
    """Delete such effects, those that still wait included."""
    for start in range(0, len(row_ids), AT_ONCE):
        await connection.execute(sa.delete(outbox).where(outbox.c.id.in_(row_ids[start : start + AT_ONCE])))
