"""SQLite's way in: at once where that is quick, by a thread where it isn't, and the log stays short."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bridge.storage import door as module
from bridge.storage.database import Database
from bridge.storage.door import AFTER_SLOW, FEW_BYTES, FEW_ROWS, LOG_EVERY, Row, SqliteDoor
from bridge.storage.heads import Input

LOG_PAGES = 1000
"""When SQLite writes its log back into the file."""
PAGE = 4096
NO_TIME, ANY_TIME = 0.0, 3600.0


class Noting(SqliteDoor):
    """Notes which inputs were stored by which thread."""

    def __init__(self, file: Path) -> None:
        super().__init__(make_url(f"sqlite:///{file}"))
        self.here: list[str] = []
        self.there: list[str] = []

    def _put(self, connection: sqlite3.Connection, rows: Sequence[Row], now: float) -> Input | None:
        first = super()._put(connection, rows, now)
        main = threading.current_thread() is threading.main_thread()
        (self.here if main else self.there).append(rows[0][0])
        return first


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    file = tmp_path / "colloque.db"
    opened = Database(f"sqlite:///{file}")
    await opened.migrate()
    await opened.close()
    return file


@pytest.fixture
async def door(file: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Noting]:
    monkeypatch.setattr(module, "QUICK_S", ANY_TIME)
    opened = Noting(file)
    yield opened
    await opened.close()


def _row(key: str, payload: bytes = b"{}") -> Row:
    return (key, "matrix", "c1", "", "", payload)


def _stored(file: Path) -> int:
    reading = sqlite3.connect(file)
    (count,) = reading.execute("SELECT count(*) FROM inbox").fetchone()
    reading.close()
    return int(count)


async def test_a_few_rows_are_stored_at_once_and_much_by_a_thread(door: Noting, file: Path) -> None:
    await door.put([_row("small")], 1.0)
    await door.put([_row("photo", b"x" * (FEW_BYTES + 1))], 1.0)
    await door.put([_row(f"many{number}") for number in range(FEW_ROWS + 1)], 1.0)
    assert (door.here, door.there) == (["small"], ["photo", "many0"])
    assert _stored(file) == 2 + FEW_ROWS + 1


async def test_whoever_else_writes_holds_up_the_input_but_not_the_event_loop(
    door: Noting, file: Path
) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    storing = asyncio.create_task(door.put([_row("a")], 1.0))
    async with asyncio.timeout(8):  # SQLite waits for 10 s
        await asyncio.sleep(0.2)
    assert not storing.done()
    other.execute("ROLLBACK")
    other.close()
    await storing
    await door.put([_row("b")], 1.0)
    assert (door.here, door.there) == (["b"], ["a"])


async def test_a_disk_that_stays_slow_is_waited_for_less_and_less_often(
    door: Noting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUICK_S", NO_TIME)
    for number in range(3 + 3 * AFTER_SLOW):
        await door.put([_row(str(number))], 1.0)
    assert door.here == ["0", str(1 + AFTER_SLOW), str(2 + 3 * AFTER_SLOW)]
    monkeypatch.setattr(module, "QUICK_S", ANY_TIME)
    for number in range(2 + 4 * AFTER_SLOW + 2):
        await door.put([_row(f"then{number}")], 1.0)
    assert door.here[-2:] == [f"then{2 + 4 * AFTER_SLOW}", f"then{3 + 4 * AFTER_SLOW}"]


async def test_the_log_is_written_back_however_long_only_inputs_come(door: Noting, file: Path) -> None:
    for number in range(1500):
        await door.put([_row(f"k{number}")], 1.0)
    assert len(door.there) >= 1500 // (2 * LOG_EVERY)
    assert (file.parent / f"{file.name}-wal").stat().st_size < 2 * LOG_PAGES * PAGE
    assert _stored(file) == 1500
