"""What a requester's reply on Matrix answers: a yes to something else is no consent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.domain.events import PatientWrote
from bridge.domain.opinions import Opinion, Stage
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.matrix.outlet import Place
from bridge.matrix.read import MatrixReader
from bridge.ports import Json
from bridge.storage.inbox import Input
from tests.domain.given import waiting
from tests.support.memory import MemoryNames

ROOM, MARIE = "!asked:h.example", "@marie:h.example"
REPLY = {"m.in_reply_to": {"event_id": "$consent"}}
OTHER = {"m.in_reply_to": {"event_id": "$fever"}}
KEY = "q1:consent:1"


class Asking(MemoryNames):
    """A question of hers, about which an opinion is wanted."""

    stage = Stage.ASKED

    async def question(self, question_id: str) -> Question | None:
        opinion = Opinion(1, self.stage, "cardio", "Cardiology", "")
        return replace(waiting(), requester=MARIE, opinions=(opinion,))


async def _read(names: MemoryNames, relation: Json | None, **content: object) -> PatientWrote:
    relates = {"m.relates_to": relation} if relation else {}
    event = {
        "type": "m.room.message",
        "event_id": "$yes",
        "room_id": ROOM,
        "sender": MARIE,
        "origin_server_ts": 1_790_000_000_500,
        "content": {"msgtype": "m.text", "body": "Oui", **relates, **content},
    }
    payload = json.dumps(event).encode()
    item = Input(1, "k", "matrix", ROOM, payload, "", "", "pending", 0, "", 0.0, 0.0)
    place = Place("@colloque:h.example", "h.example", "colloque_", "12")
    reading = await MatrixReader(names, Organisation("H", "fr", (), ()), place)(item)
    (wrote,) = reading.events
    assert isinstance(wrote, PatientWrote)
    return wrote


def _names() -> Asking:
    return Asking({"asked:q1": ROOM}, {KEY: {"event_id": "$consent"}})


@pytest.mark.parametrize("stage", [Stage.ASKED, Stage.OPEN])
@pytest.mark.parametrize(
    ("relation", "answers"),
    [
        (None, ""),
        (REPLY, KEY),
        (OTHER, "event:$fever"),
        ({"rel_type": "m.thread", "event_id": "$consent", "is_falling_back": True, **OTHER}, KEY),
        ({"rel_type": "m.thread", "event_id": "$fever", "is_falling_back": True, **OTHER}, "event:$fever"),
    ],
)
async def test_a_reply_answers_what_it_is_a_reply_to(stage: Stage, relation: Json, answers: str) -> None:
    names = _names()
    names.stage = stage
    assert (await _read(names, relation)).answers == answers


@pytest.mark.parametrize("relation", [None, OTHER])
async def test_what_comes_before_our_line_is_there_does_not_answer_it(relation: Json | None) -> None:
    names = _names()
    names.results = {}
    assert (await _read(names, relation)).answers not in ("", KEY)


async def test_it_is_known_when_they_said_it() -> None:
    assert (await _read(_names(), None)).at == 1_790_000_000.5


async def test_an_edit_is_known_as_one() -> None:
    edit = {"rel_type": "m.replace", "event_id": "$before"}
    wrote = await _read(_names(), edit, **{"m.new_content": {"msgtype": "m.text", "body": "Oui"}})
    assert wrote.edited
    assert not (await _read(_names(), None)).edited
