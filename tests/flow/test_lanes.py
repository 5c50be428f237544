"""Order within a lane, and places that are shared: whoever has much to do doesn't keep others out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.flow import lanes
from bridge.flow.lanes import Lanes

WITHIN_S = 30.0


class Work:
    """What is to be done in each lane, and what was."""

    def __init__(self, **todo: int) -> None:
        self.todo = {lane: deque(f"{lane}{n}" for n in range(count)) for lane, count in todo.items()}
        self.done: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.lanes: Lanes[str, str] = Lanes("test", self._drain, at_once=1)

    async def _drain(self, lane: str, _first: str | None) -> float | None:
        over = self.lanes.turn()
        with self._counted():
            while self.todo[lane]:
                if over():
                    return 0.0
                await asyncio.sleep(0)
                self.done.append(self.todo[lane].popleft())
        return None

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        yield
        self.at_once -= 1

    async def all_done(self) -> list[str]:
        self.lanes.open()
        for lane in self.todo:
            self.lanes.nudge(lane)
        async with asyncio.timeout(WITHIN_S):
            while any(self.todo.values()):
                await asyncio.sleep(0.001)
        await self.lanes.stop(WITHIN_S)
        return self.done


async def test_a_lane_is_worked_on_to_its_end_while_no_other_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "TURN_S", 0.0)
    work = Work(a=50)
    turns = 0
    drain = work._drain

    async def counting(lane: str, first: str | None) -> float | None:
        nonlocal turns
        turns += 1
        return await drain(lane, first)

    monkeypatch.setattr(work.lanes, "_drain", counting)
    assert await work.all_done() == [f"a{number}" for number in range(50)]
    assert turns == 1


async def test_lanes_that_wait_are_done_before_a_long_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """One place, its turn over soon: a long lane goes on in its order, after the short ones."""
    monkeypatch.setattr(lanes, "TURN_S", 0.001)
    work = Work(a=5000, b=1, c=1)
    done = await work.all_done()
    assert max(done.index("b0"), done.index("c0")) < done.index("a4999")
    assert [each for each in done if each[0] == "a"] == [f"a{number}" for number in range(5000)]
    assert work.most_at_once == 1


async def test_a_turn_is_not_over_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "TURN_S", 3600.0)
    work = Work(a=20, b=1)
    assert await work.all_done() == [*(f"a{number}" for number in range(20)), "b0"]
