"""Whether an effect may have been seen already: its performer must know, and only then has to look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.domain.effects import Planned, Wake
from bridge.flow.outbox import Outbox
from bridge.flow.retry import Backoff
from bridge.ports import Outcome, Task, Temporary, TransportDown
from bridge.storage import outbox
from bridge.storage.database import Database
from bridge.storage.sharing import Alone
from bridge.utc import SystemClock

LANE = ("q1", "timer:e1")
AT_ONCE = Backoff(first=(0.0,) * 9, later=0.0, give_up_after=3600, outage=(0.0,))


class Performer:
    backoff = AT_ONCE

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.doubts: list[bool] = []

    async def perform(self, task: Task) -> Outcome:
        self.doubts.append(task.started)
        if self.errors:
            raise self.errors.pop(0)
        return Outcome()

    async def failed(self, task: Task, error: str) -> Outcome:
        return Outcome()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/colloque.db")
    await opened.migrate()
    yield opened
    await opened.close()


def _worker(database: Database, performer: Performer) -> Outbox:
    return Outbox(database, Alone(None), SystemClock(), {"timer": performer}, lambda _names: None)


async def _add(database: Database, process: str) -> None:
    async with database.transaction() as connection:
        await outbox.add(connection, [Planned(Wake("e1", "q1", 1), "q1")], time.time(), process)


async def _drained(worker: Outbox) -> None:
    for _ in range(5):
        await worker._drain_ours(LANE)


async def test_the_first_try_by_the_process_that_decided_needs_no_doubt(database: Database) -> None:
    performer = Performer()
    await _add(database, database.process)
    await _drained(_worker(database, performer))
    assert performer.doubts == [False]


@pytest.mark.parametrize("error", [Temporary("5xx"), TransportDown("reset"), RuntimeError("bug")])
async def test_every_later_try_is_in_doubt_whatever_ended_the_first(
    database: Database, error: Exception
) -> None:
    performer = Performer(error)
    await _add(database, database.process)
    await _drained(_worker(database, performer))
    assert performer.doubts == [False, True]


async def test_what_another_process_decided_is_in_doubt(database: Database) -> None:
    performer = Performer()
    await _add(database, "another")
    await _drained(_worker(database, performer))
    assert performer.doubts == [True]


async def test_a_try_that_was_cancelled_leaves_doubt(database: Database) -> None:
    performer = Performer(asyncio.CancelledError())
    await _add(database, database.process)
    worker = _worker(database, performer)
    with pytest.raises(asyncio.CancelledError):
        await worker._drain_ours(LANE)
    await _drained(worker)
    assert performer.doubts == [False, True]
