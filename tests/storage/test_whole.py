"""Work that is done in one step: all of it or nothing, and whoever reads sees what is committed."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import inbox
from bridge.storage.database import Database, DatabaseAway


def _arrival(key: str, conversation: str = "c1") -> inbox.Arrival:
    return inbox.Arrival(key, "matrix", conversation, b"{}")


async def _known(database: Database, key: str) -> bool:
    return await database.read(lambda connection: inbox.by_key(connection, key)) is not None


async def test_it_is_committed_and_its_result_handed_back(database: Database) -> None:
    async def work(connection: AsyncConnection) -> tuple[str, ...]:
        await inbox.put(connection, [_arrival("a")], 1.0)
        return await inbox.put(connection, [_arrival("b", "c2")], 1.0)

    assert await database.write(work) == ("c2",)
    assert await _known(database, "a")


async def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await inbox.put(connection, [_arrival("a")], 1.0)
        raise KeyError("half way")

    with pytest.raises(KeyError):
        await database.write(work)
    assert not await _known(database, "a")
    await database.write(lambda connection: inbox.put(connection, [_arrival("b")], 1.0))
    assert await _known(database, "b")


async def test_reading_leaves_no_transaction_open_behind_it(database: Database) -> None:
    assert not await _known(database, "a")
    await database.write(lambda connection: inbox.put(connection, [_arrival("a")], 1.0))
    for _ in range(8):
        assert await _known(database, "a")


async def test_work_waits_for_a_transaction_under_way(database: Database) -> None:
    async with database.transaction() as connection:
        await inbox.put(connection, [_arrival("first")], 1.0)
        coming = asyncio.create_task(
            database.write(lambda connection: inbox.put(connection, [_arrival("second")], 1.0))
        )
        await asyncio.sleep(0)
        assert not coming.done()
    await coming
    assert await _known(database, "second")


async def test_whoever_is_cancelled_while_it_is_done_leaves_the_connection_usable(database: Database) -> None:
    tasks = [
        asyncio.create_task(
            database.write(lambda connection, n=n: inbox.put(connection, [_arrival(f"k{n}")], 1.0))  # type: ignore[misc]
        )
        for n in range(20)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await database.write(lambda connection: inbox.put(connection, [_arrival("after")], 1.0))
    for number in range(1, 20, 2):
        assert await _known(database, f"k{number}")
    assert await _known(database, "after")


async def test_on_one_process_the_door_says_what_is_next_where_nothing_else_waits(database: Database) -> None:
    first = await database.take([_arrival("a").row], 1.0)
    behind = await database.take([_arrival("b").row], 2.0)
    several = await database.take([_arrival("c", "c2").row, _arrival("d", "c2").row], 3.0)
    assert (behind, several) == (None, None)
    if not database.sqlite:
        assert first is None
        return
    assert first is not None
    assert first == await database.read(lambda connection: inbox.head(connection, "c1"))
    assert first.key == "a"


async def test_what_came_before_is_not_next_once_it_is_decided(database: Database) -> None:
    await database.take([_arrival("a").row], 1.0)
    item = await database.read(lambda connection: inbox.head(connection, "c1"))
    assert item is not None
    assert await database.take([_arrival("a").row], 2.0) == (item if database.sqlite else None)
    await database.write(lambda connection: inbox.done(connection, item.id))
    assert await database.take([_arrival("a").row], 3.0) is None


async def _seen(database: Database, key: str) -> bool:
    return await database.look(lambda connection: inbox.by_key(connection, key)) is not None


async def test_a_look_sees_what_was_just_committed_and_stands_in_nobodys_way(database: Database) -> None:
    for number in range(3):
        assert not await _seen(database, f"k{number}")
        await database.write(lambda connection, n=number: inbox.put(connection, [_arrival(f"k{n}")], 1.0))  # type: ignore[misc]
        assert await _seen(database, f"k{number}")
    assert await database.forget(thoroughly=True)
    assert await _seen(database, "k0")


async def test_a_look_that_fails_tells_why_and_the_next_one_works(database: Database) -> None:
    async def wrong(connection: AsyncConnection) -> None:
        await connection.execute(sa.text("SELECT nothing FROM nowhere"))

    async def broken(connection: AsyncConnection) -> None:
        await inbox.by_key(connection, "a")
        raise KeyError("half way")

    with pytest.raises((sa.exc.DBAPIError, DatabaseAway)):
        await database.look(wrong)
    with pytest.raises(KeyError):
        await database.look(broken)
    await database.write(lambda connection: inbox.put(connection, [_arrival("a")], 1.0))
    assert await _seen(database, "a")


async def test_a_locked_file_holds_up_the_look_but_not_the_event_loop(tmp_path: Path) -> None:
    file = tmp_path / "colloque.db"
    database = Database(f"sqlite:///{file}")
    await database.migrate()
    await database.write(lambda connection: inbox.put(connection, [_arrival("a")], 1.0))
    await database.close()
    database = Database(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    looking = asyncio.create_task(_seen(database, "a"))
    async with asyncio.timeout(8):  # SQLite waits for 10 s
        await asyncio.sleep(0.2)
    assert not looking.done()
    other.close()
    assert await looking
    await database.close()
