"""Statements that go straight to SQLite's driver do what they do by SQLAlchemy, in the same transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import direct, inbox, outbox, questions, registry, suppressed, turns
from bridge.storage.database import Database, DatabaseAway
from bridge.storage.schema import outbox as table
from tests.domain.given import waiting

ROW: dict[str, Any] = {
    "key": "k",
    "conversation": "c",
    "lane": "mail",
    "kind": "Suppress",
    "payload": "{}",
    "status": "pending",
    "created_at": 1,
    "due_at": 2.5,
    "body": b"\x00\xff",
    "handing_over": True,
}


@pytest.fixture
async def database(tmp_path: Path) -> Any:
    database = Database(f"sqlite:///{tmp_path / 'colloque.db'}")
    await database.migrate()
    yield database
    await database.close()


async def _by_steps(database: Database, work: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
    """The usual way: nothing is direct there."""
    async with database.transaction() as connection:
        return await work(connection)


async def test_values_have_the_types_of_their_columns(database: Database) -> None:
    await _by_steps(database, lambda connection: connection.execute(sa.insert(table).values(**ROW)))
    query = direct.once(sa.select(table).where(table.c.key == sa.bindparam("key")))

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        row = (await connection.execute(query, {"key": "k"})).one()
        return {name: (type(value), value) for name, value in row._asdict().items()}

    found = await database.read(read)
    assert found == await _by_steps(database, read)
    assert found["handing_over"] == (bool, True)
    assert found["body"] == (bytes, b"\x00\xff")
    assert found["created_at"] == (float, 1.0)


async def test_one_row_several_and_none_come_back_as_asked_for(database: Database) -> None:
    query = direct.once(
        sa.select(table.c.key, table.c.due_at).where(table.c.lane == sa.bindparam("of")).order_by(table.c.id)
    )
    rows = [{**ROW, "key": f"k{number}"} for number in range(3)]
    insert = registry.new_rows("sqlite", table, "key")
    await database.write(lambda connection: connection.execute(insert, rows))
    await database.write(lambda connection: connection.execute(insert, rows))  # they are there

    async def read(connection: AsyncConnection) -> list[Any]:
        async def asked(lane: str) -> Any:
            return await connection.execute(query, {"of": lane})

        return [
            [row.key for row in (await asked("mail")).all()],
            (await asked("mail")).scalar(),
            list((await asked("mail")).scalars()),
            [tuple(row) for row in await asked("mail")],
            (await asked("none")).first(),
            (await asked("none")).scalar(),
        ]

    found = await database.read(read)
    assert found == await _by_steps(database, read)
    assert found[0] == ["k0", "k1", "k2"]
    assert found[4:] == [None, None]


async def test_a_change_tells_how_many_rows_it_met(database: Database) -> None:
    async def work(connection: AsyncConnection) -> list[bool]:
        await inbox.put(connection, [inbox.Arrival("a", "matrix", "c", b"{}")], 1.0)
        first = await inbox.head(connection, "c")
        assert first is not None
        return [await inbox.done(connection, first.id), await inbox.done(connection, first.id)]

    assert await database.write(work) == [True, False]


async def test_whoever_lost_a_race_for_a_question_learns_it(database: Database) -> None:
    question = waiting()
    await database.write(lambda connection: questions.save(connection, question, None, 1.0))
    read = await database.read(lambda connection: questions.load(connection, question.id))
    assert read is not None
    await database.write(lambda connection: questions.save(connection, question, read, 2.0))
    with pytest.raises(questions.Conflict):
        await database.write(lambda connection: questions.save(connection, question, read, 3.0))
    now = await database.read(lambda connection: questions.load(connection, question.id))
    assert now is not None
    assert (now.version, now.columns["active_at"]) == (2, 2.0)


async def test_direct_and_usual_statements_share_one_transaction(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await turns.note(connection, "key", "scope", 1.0)
        await suppressed.add(connection, "a@b.example", "q", "5.1.1", 1.0)
        await connection.execute(sa.delete(table))  # not made once
        raise KeyError("half way")

    with pytest.raises(KeyError):
        await database.write(work)
    assert await database.read(lambda connection: suppressed.status(connection, "a@b.example")) == ""
    assert await database.read(lambda connection: turns.few(connection, "scope", 1, 1.0))


async def test_a_database_that_is_away_is_told_as_such(database: Database, tmp_path: Path) -> None:
    await database.read(lambda connection: outbox.head(connection, ("c", "mail")))
    other = sqlite3.connect(tmp_path / "colloque.db", isolation_level=None)
    other.execute("DROP TABLE tokens")
    other.close()
    with pytest.raises(DatabaseAway):
        await database.read(lambda connection: registry.question_of_token(connection, "x"))


def test_only_what_is_said_to_be_made_once_is_kept() -> None:
    query = sa.select(table.c.key)
    assert not direct.is_made_once(query)
    assert direct.is_made_once(direct.once(query))
