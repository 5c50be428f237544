"""A tap on an offer counts, however soon it comes."""

from __future__ import annotations

import json

import pytest

from bridge.domain.events import Reacted
from bridge.domain.organisation import Organisation, Practitioner
from bridge.matrix.outlet import Place
from bridge.matrix.read import MatrixReader
from bridge.ports import NotYet
from bridge.storage.inbox import Input
from tests.support.memory import MemoryNames

CHAT, CLAIRE = "!chat:h.example", Practitioner("@claire:h.example", "Dr Claire Petit", "fr")


class Offering(MemoryNames):
    """Names while an offer is made: ``recorded`` once it is known which event it became."""

    recorded = False

    async def offering(self, user_id: str) -> bool:
        return not self.recorded and user_id == CLAIRE.user_id

    async def anchored(self, event_id: str) -> str | None:
        return "q1" if self.recorded and event_id == "$offer" else None


def _tap(target: str = "$offer") -> Input:
    relation = {"rel_type": "m.annotation", "event_id": target, "key": "✅"}
    event = {
        "type": "m.reaction",
        "event_id": "$tap",
        "room_id": CHAT,
        "sender": CLAIRE.user_id,
        "content": {"m.relates_to": relation},
    }
    payload = json.dumps(event).encode()
    return Input(1, "k", "matrix", CHAT, payload, "", "", "pending", 0, "", 0.0, 0.0)


def _reader(names: MemoryNames) -> MatrixReader:
    place = Place("@colloque:h.example", "h.example", "colloque_", "12")
    return MatrixReader(names, Organisation("H", "fr", (CLAIRE,), ()), place)


async def test_a_tap_waits_until_it_is_known_which_event_the_offer_became() -> None:
    names = Offering({f"bot:{CLAIRE.user_id}": CHAT})
    with pytest.raises(NotYet):
        await _reader(names)(_tap())
    names.recorded = True
    reading = await _reader(names)(_tap())
    (happened,) = reading.events
    assert reading.question_id == "q1"
    assert isinstance(happened, Reacted)
    assert happened.chat


async def test_a_mark_on_anything_else_is_just_a_mark() -> None:
    names = Offering({f"bot:{CLAIRE.user_id}": CHAT})
    names.recorded = True
    assert not (await _reader(names)(_tap("$help"))).events
