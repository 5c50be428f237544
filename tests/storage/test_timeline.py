"""Events that come late or not at all still enter in the order of their room's timeline."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import inbox, timeline
from bridge.storage.arrivals import matrix_arrivals
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival


def _timeline(count: int) -> list[Arrival]:
    return matrix_arrivals([{"event_id": f"${n}", "room_id": "!r"} for n in range(count)])


async def _drained(connection: AsyncConnection) -> list[int]:
    seen = []
    while (item := await inbox.head(connection, "!r")) is not None:
        seen.append(int(item.key.removeprefix("matrix:$")))
        await inbox.done(connection, item.id)
    return seen


async def _take(connection: AsyncConnection, events: Sequence[Arrival], numbers: Sequence[int]) -> None:
    for number in numbers:
        await inbox.put(connection, [events[number]], 1.0)


async def test_a_missing_event_is_decided_before_the_one_that_it_precedes(database: Database) -> None:
    events = _timeline(4)
    async with database.transaction() as connection:
        await _take(connection, events, [0, 3])
        found = await timeline.close(connection, events, 2.0)
        assert [arrival.key for arrival in found.missing] == ["matrix:$1", "matrix:$2"]
        assert not await timeline.gaps(connection, events)
        assert await _drained(connection) == [0, 1, 2, 3]


async def test_what_is_decided_stays_decided_and_late_events_follow(database: Database) -> None:
    events = _timeline(3)
    async with database.transaction() as connection:
        await _take(connection, events, [2])
        assert await _drained(connection) == [2]
        await timeline.close(connection, events, 2.0)
        assert await _drained(connection) == [0, 1]


@pytest.mark.parametrize("seed", range(15))
async def test_whatever_was_lost_or_came_out_of_order_the_timeline_decides(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    events = _timeline(12)
    decided: list[int] = []
    async with database.transaction() as connection:
        for _ in range(4):
            numbers = [n for n in range(12) if chance.random() < 0.3]
            chance.shuffle(numbers)
            await _take(connection, events, numbers)
            first = chance.randrange(6)
            newest = max(numbers, default=0)
            # A comparison reaches back to where everything is known to have come.
            await timeline.close(connection, events[first if not decided else 0 : newest + 1], 2.0)
        await timeline.close(connection, events, 2.0)
        assert not await timeline.gaps(connection, events)
        assert await _drained(connection) == list(range(12))


async def test_a_comparison_ends_at_an_event_that_was_decided_in_its_order(database: Database) -> None:
    events = _timeline(2)
    async with database.transaction() as connection:
        await _take(connection, events, [0, 1])
        assert not await timeline.any_decided(connection, ["$0", "$1"])
        first = await inbox.head(connection, "!r")
        assert first is not None
        await inbox.done(connection, first.id, unsure=True)
        assert not await timeline.any_decided(connection, ["$0", "$1"])
        second = await inbox.head(connection, "!r")
        assert second is not None
        await inbox.done(connection, second.id)
        assert await timeline.any_decided(connection, ["$0", "$1"])


async def test_how_far_a_room_was_compared_is_kept(database: Database) -> None:
    async with database.transaction() as connection:
        assert await timeline.compared_up_to(connection, "!r") is None
        for event_id in ("$1", "$2"):
            await timeline.note_compared(connection, "!r", event_id)
            assert await timeline.compared_up_to(connection, "!r") == event_id


async def test_a_discarded_input_is_gone_but_can_not_come_again(database: Database) -> None:
    async with database.transaction() as connection:
        await _take(connection, _timeline(1), [0])
        item = await inbox.head(connection, "!r")
        assert item is not None
        assert not await inbox.discard(connection, item.id)
        await inbox.quarantine(connection, item.id, "ValueError")
        assert await inbox.discard(connection, item.id)
        await _take(connection, _timeline(1), [0])
        assert await inbox.head(connection, "!r") is None
        known = await inbox.by_key(connection, "matrix:$0")
        assert known is not None
        assert known.payload == b""


async def test_an_input_that_is_taken_back_comes_before_newer_ones(database: Database) -> None:
    async with database.transaction() as connection:
        await _take(connection, _timeline(2), [0, 1])
        item = await inbox.head(connection, "!r")
        assert item is not None
        await inbox.quarantine(connection, item.id, "ValueError")
        assert await inbox.take_back(connection, item.id, 5.0)
        assert not await inbox.take_back(connection, item.id, 5.0)
        again = await inbox.head(connection, "!r")
        assert again is not None
        assert (again.key, again.attempts, again.error) == ("matrix:$0", 0, "")
