"""How long a person's words wait when the homeserver can't be asked what came before them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.flow.timelines import PATIENCE_S, Completeness, Timelines
from bridge.ports import Json, TransportDown
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

    def now(self) -> datetime:
        return self.time

    async def messages(self, *_where: object, **_how: object) -> tuple[list[Json], str | None]:
        if self.away:
            raise TransportDown("away")
        return [], None

    def came(self, event_id: str) -> Input:
        """An event that comes in now."""
        event = {"event_id": event_id, "room_id": ROOM, "sender": "@dr:x", "type": "m.room.message"}
        at = self.time.timestamp()
        return Input(
            1, f"matrix:{event_id}", "matrix", ROOM, json.dumps(event).encode(), "", "", "", 0, "", at, at
        )

    async def asked(self, item: Input, after_s: float) -> Completeness:
        self.time += timedelta(seconds=after_s)
        return await self.timelines.complete(item)


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
    room.away = False
    assert await room.asked(first, 20) is Completeness.COMPLETE
    room.away = True
    assert await room.asked(second, 20) is Completeness.UNKNOWN
    assert await room.asked(second, 25) is Completeness.UNKNOWN


async def test_an_earlier_outage_does_not_count(room: Room) -> None:
    assert await room.asked(room.came("$1"), 0) is Completeness.UNKNOWN
    item = room.came("$2")
    assert await room.asked(item, 10 * PATIENCE_S) is Completeness.UNKNOWN
