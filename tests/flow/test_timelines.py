"""When a person's words may be decided: what came before them, and how long they wait to know it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.flow.timelines import PATIENCE_S, SHOWN_S, Completeness, Timelines
from bridge.ports import Json, TransportDown
from bridge.storage import inbox
from bridge.storage.arrivals import matrix_arrivals
from bridge.storage.database import Database
from bridge.storage.inbox import Input
from tests.support.memory import MemoryNames

ROOM = "!r:x"


@dataclass
class Room:
    """A homeserver with one room, and the time."""

    timelines: Timelines
    away: bool = True
    time: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    shown: list[Json] = field(default_factory=list)
    """What it shows in the room, oldest first."""
    looks: int = 0

    def now(self) -> datetime:
        return self.time

    async def messages(self, *_where: object, **_how: object) -> tuple[list[Json], str | None]:
        if self.away:
            raise TransportDown("away")
        self.looks += 1
        return self.shown[::-1], None

    newest = messages

    def shows(self, *event_ids: str) -> None:
        self.away = False
        self.shown = [_event(event_id) for event_id in event_ids]

    def came(self, event_id: str) -> Input:
        """An event that comes in now."""
        event, at = _event(event_id), self.time.timestamp()
        return Input(
            1, f"matrix:{event_id}", "matrix", ROOM, json.dumps(event).encode(), "", "", "", 0, "", at, at
        )

    async def takes(self, *event_ids: str) -> None:
        """These come by the homeserver's next transaction, and are kept."""
        streams = self.timelines.streams
        streams.began("its connection", str(streams.now + 1), direct=True)
        streams.came(event_ids)
        arrivals = matrix_arrivals([_event(event_id) for event_id in event_ids])
        at = self.time.timestamp()
        await self.timelines.database.write(lambda connection: inbox.put(connection, arrivals, at))

    async def asked(self, item: Input, after_s: float) -> Completeness:
        self.time += timedelta(seconds=after_s)
        return await self.timelines.complete(item)


def _event(event_id: str) -> Json:
    return {"event_id": event_id, "room_id": ROOM, "sender": "@dr:x", "type": "m.room.message"}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    names, nothing = MemoryNames(rooms={"question:q": ROOM}), Any
    timelines = Timelines(database, nothing, names, nothing, "@bot:x", ("@ghost_", ":x"))  # type: ignore[arg-type]
    room = Room(timelines)
    timelines.homeserver, timelines.clock = room, room  # type: ignore[assignment]
    yield room
    await database.close()


async def test_it_waits_a_minute_for_the_homeserver(room: Room) -> None:
    item = room.came("$1")
    for after_s in (0, 10, 49):
        assert await room.asked(item, after_s) is Completeness.UNKNOWN
    assert await room.asked(item, 1) is Completeness.UNSURE


async def test_what_waited_for_its_turn_has_not_waited_for_the_homeserver(room: Room) -> None:
    item = room.came("$1")
    assert await room.asked(item, 10 * PATIENCE_S) is Completeness.UNKNOWN
    assert await room.asked(item, PATIENCE_S - 1) is Completeness.UNKNOWN
    assert await room.asked(item, 1) is Completeness.UNSURE


async def test_what_comes_during_an_outage_waits_its_own_minute(room: Room) -> None:
    first = room.came("$1")
    for after_s in (0, 30):
        assert await room.asked(first, after_s) is Completeness.UNKNOWN
    second = room.came("$2")
    assert await room.asked(first, 30) is Completeness.UNSURE
    assert await room.asked(second, 0) is Completeness.UNKNOWN
    assert await room.asked(second, 30) is Completeness.UNSURE


async def test_an_answer_ends_the_wait(room: Room) -> None:
    first, second = room.came("$1"), room.came("$2")
    assert await room.asked(first, 0) is Completeness.UNKNOWN
    await room.takes("$1")
    room.shows("$1")
    assert await room.asked(first, 20) is Completeness.COMPLETE
    room.away = True
    assert await room.asked(second, 20) is Completeness.UNKNOWN
    assert await room.asked(second, 25) is Completeness.UNKNOWN


async def test_an_earlier_outage_does_not_count(room: Room) -> None:
    assert await room.asked(room.came("$1"), 0) is Completeness.UNKNOWN
    item = room.came("$2")
    assert await room.asked(item, 10 * PATIENCE_S) is Completeness.UNKNOWN


async def test_what_is_not_shown_in_its_room_yet_waits_until_it_is(room: Room) -> None:
    room.shows("$0")
    await room.takes("$0", "$2")
    item = room.came("$2")
    assert await room.asked(item, 0) is Completeness.UNKNOWN
    room.shows("$0", "$1", "$2")
    assert await room.asked(item, 1) is Completeness.CHANGED
    assert await room.asked(item, 0) is Completeness.COMPLETE


async def test_what_is_never_shown_does_not_wait_for_ever(room: Room) -> None:
    room.shows("$0")
    await room.takes("$0", "$1")
    item = room.came("$1")
    assert await room.asked(item, SHOWN_S - 1) is Completeness.UNKNOWN
    assert await room.asked(item, 1) is Completeness.UNSURE


async def test_after_one_look_what_comes_without_a_gap_takes_no_other(room: Room) -> None:
    room.shows("$1")
    await room.takes("$1")
    assert await room.asked(room.came("$1"), 0) is Completeness.COMPLETE
    await room.takes("$2")
    assert await room.asked(room.came("$2"), 0) is Completeness.COMPLETE
    assert room.looks == 1


async def test_a_comparison_that_no_event_vouches_for_leaves_the_look_to_the_next_event(room: Room) -> None:
    room.shows("$1")
    await room.takes("$1")
    await room.timelines.compare(ROOM)
    await room.takes("$3")
    room.shows("$1", "$2", "$3")
    assert await room.asked(room.came("$3"), 0) is Completeness.CHANGED
