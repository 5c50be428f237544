"""What people say in rooms of their own is neither read nor kept; who comes and goes is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.domain.organisation import Organisation
from bridge.matrix.outlet import Place
from bridge.matrix.own import OwnRooms
from bridge.matrix.read import MatrixReader
from bridge.storage.inbox import Input
from tests.support.memory import MemoryNames

STAFF, TALK, WAITING = "!staff:h.example", "!talk:h.example", "!waiting:h.example"
NAMES = MemoryNames({"discussion:staff": STAFF, "private:@a:h|@b:h": TALK, "waiting:derm": WAITING})


def _event(room_id: str, kind: str = "m.room.message") -> dict[str, Any]:
    content = {"msgtype": "m.text", "body": "!aide entre collègues"}
    return {"type": kind, "event_id": "$1", "room_id": room_id, "sender": "@a:h", "content": content}


def _reader(rooms: OwnRooms) -> MatrixReader:
    place = Place("@colloque:h.example", "h.example", "colloque_", "12")
    return MatrixReader(NAMES, Organisation("H", "fr", (), ()), place, rooms)


def _input(event: dict[str, Any]) -> Input:
    payload = json.dumps(event).encode()
    return Input(1, "k", "matrix", event["room_id"], payload, "", "", "pending", 0, "", 0.0, 0.0)


@pytest.mark.parametrize("room_id", [STAFF, TALK])
async def test_the_first_event_of_such_a_room_is_forgotten_and_the_next_ones_do_not_come_in(
    room_id: str,
) -> None:
    rooms = OwnRooms()
    said = _event(room_id)
    assert rooms.sift([said]) == [said]
    reading = await _reader(rooms)(_input(said))
    assert (reading.events, reading.forget) == ((), True)
    joined = _event(room_id, "m.room.member")
    elsewhere = _event(WAITING)
    assert rooms.sift([said, joined, elsewhere]) == [joined, elsewhere]


async def test_rooms_that_are_ours_are_not_taken_for_peoples_own() -> None:
    rooms = OwnRooms()
    for room_id in (WAITING, "!unknown:h.example"):
        reading = await _reader(rooms)(_input(_event(room_id)))
        assert not reading.forget
        assert rooms.sift([_event(room_id)]) == [_event(room_id)]


@pytest.mark.parametrize("odd", [{}, {"room_id": 3}, {"room_id": STAFF}, "no event", None, [STAFF]])
def test_odd_events_come_in_unless_they_are_said_in_such_a_room(odd: Any) -> None:
    rooms = OwnRooms()
    rooms.learn(STAFF)
    assert rooms.sift([odd]) == ([] if odd == {"room_id": STAFF} else [odd])
