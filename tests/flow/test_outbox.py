"""Whether an effect may have been seen already: its performer must know, and only then has to look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.domain.effects import (
    CloseJoin,
    CountWaiting,
    CoverExposed,
    HideHistory,
    Planned,
    RemoveOthers,
    Wake,
)
from bridge.flow import lanes
from bridge.flow.outbox import BESIDES_S, Outbox
from bridge.flow.retry import Backoff
from bridge.ports import Json, Outcome, Task, Temporary, TransportDown
from bridge.storage import outbox
from bridge.storage.database import Database, DatabaseAway
from bridge.storage.sharing import Alone
from bridge.utc import SystemClock
from tests.support.postgres import fresh

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


async def test_who_decided_learns_that_another_process_tried_before(postgres_url: str) -> None:
    url = await fresh(postgres_url)
    deciding, another = Database(url), Database(url)
    await deciding.migrate()
    await _add(deciding, deciding.process)
    dies = Performer(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await _worker(another, dies)._drain_ours(LANE)
    performer = Performer()
    await _drained(_worker(deciding, performer))
    assert (dies.doubts, performer.doubts) == ([True], [True])
    for opened in (deciding, another):
        await opened.close()


class Slow:
    """Performs the steps of a seal, and sees what is recorded of the step before."""

    backoff = AT_ONCE

    def __init__(self, database: Database) -> None:
        self.database = database
        self.done: list[str] = []
        self.recorded_too_early: list[str] = []

    async def perform(self, task: Task) -> Outcome:
        results = [await self._result(key) for key in ("a", "b", "c", "d") if key < task.key]
        if isinstance(task.effect, CoverExposed) and None in results:
            self.recorded_too_early.append(task.key)
        self.done.append(task.key)
        return Outcome(result={"of": task.key})

    async def _result(self, key: str) -> Json | None:
        return await self.database.read(lambda connection: outbox.result(connection, key))

    async def failed(self, task: Task, error: str) -> Outcome:
        return Outcome()


async def _seal(database: Database) -> None:
    effects = (
        CloseJoin("a", "q1"),
        HideHistory("b", "q1"),
        RemoveOthers("c", "q1", owner="@o:x", owner_name="O", ghost="g", language="fr", lock="l"),
        CoverExposed("d", "q1", owner="@o:x", owner_name="O", ghost="g", removal="c", claimed_at=0.0),
    )
    planned = [Planned(effect, "q1") for effect in effects]
    await database.write(lambda connection: outbox.add(connection, planned, time.time(), database.process))


async def test_the_steps_of_a_seal_overlap_with_records_but_not_with_each_other(database: Database) -> None:
    await _seal(database)
    performer = Slow(database)
    worker = Outbox(database, Alone(None), SystemClock(), {"matrix": performer}, lambda _names: None)
    await worker._drain_ours(("q1", "matrix"))
    assert performer.done == ["a", "b", "c", "d"]
    assert performer.recorded_too_early == []
    for key in performer.done:
        assert await performer._result(key) == {"of": key}


class Losing(Outbox):
    """Loses the first record of a step."""

    lost = False

    async def _finish(self, row: outbox.Row, outcome: Outcome, error: str | None = None) -> outbox.Row | None:
        if row.key == "a" and not self.lost:
            self.lost = True
            raise DatabaseAway("gone")
        return await super()._finish(row, outcome, error)


async def test_a_step_whose_record_is_lost_is_done_again_in_its_order(database: Database) -> None:
    await _seal(database)
    performer = Slow(database)
    worker = Losing(database, Alone(None), SystemClock(), {"matrix": performer}, lambda _names: None)
    with pytest.raises(DatabaseAway):
        await worker._drain_ours(("q1", "matrix"))
    await worker._drain_ours(("q1", "matrix"))
    assert performer.done == ["a", "b", "a", "b", "c", "d"]
    assert performer.recorded_too_early == []


async def test_what_a_decision_names_first_is_begun_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = _worker(database, Performer())
    begun: list[tuple[outbox.Lane, float]] = []

    def nudge(lane: outbox.Lane, delay_s: float = 0.0, *, first: outbox.Row | None = None) -> None:
        begun.append((lane, delay_s))

    monkeypatch.setattr(worker.lanes, "nudge", nudge)
    worker.wake([LANE, ("q1", "matrix"), ("q2", "matrix")])
    assert begun == [(LANE, 0.0), (("q1", "matrix"), BESIDES_S), (("q2", "matrix"), BESIDES_S)]


class Steady:
    """Performs whatever it gets, taking a moment."""

    backoff = AT_ONCE

    def __init__(self) -> None:
        self.done: list[str] = []

    async def perform(self, task: Task) -> Outcome:
        await asyncio.sleep(0.01)
        self.done.append(task.key)
        return Outcome()

    async def failed(self, task: Task, error: str) -> Outcome:
        return Outcome()


async def test_a_lane_with_much_to_do_holds_up_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "TURN_S", 0.02)
    performer = Steady()
    many = [Planned(CountWaiting(f"busy{number}", "derm"), "busy") for number in range(40)]
    await _performed(database, performer, [*many, Planned(CountWaiting("other", "derm"), "other")])
    assert performer.done.index("other") < performer.done.index("busy39")
    assert [key for key in performer.done if key != "other"] == [each.effect.key for each in many]


async def test_a_seal_that_has_begun_is_not_left_for_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who didn't get the question can read until its end."""
    monkeypatch.setattr(lanes, "TURN_S", 0.0)
    performer = Steady()
    await _seal(database)
    await _performed(database, performer, [Planned(CountWaiting("other", "derm"), "other")], 5)
    assert performer.done == ["a", "b", "c", "d", "other"]


async def _performed(
    database: Database, performer: Steady, planned: list[Planned], count: int | None = None
) -> None:
    """Add these, and wait until ``count`` are performed, or all of them, one lane at a time."""
    await database.write(lambda connection: outbox.add(connection, planned, time.time(), "before"))
    worker = Outbox(
        database, Alone(None), SystemClock(), {"matrix": performer}, lambda _names: None, at_once=1
    )
    worker.lanes.open()
    await worker.scan()
    async with asyncio.timeout(60):
        while len(performer.done) < (count or len(planned)):
            await asyncio.sleep(0.01)
    await worker.lanes.stop(10)
