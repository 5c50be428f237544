"""A question that was withdrawn: its room is as it should be, and can be put right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain.closing import speaking, withdrawn_by_patient
from bridge.domain.moves import Speaking
from bridge.domain.opinions import Link
from bridge.domain.state import Question
from bridge.matrix.client import MatrixClient
from bridge.matrix.drift import differences, wanted_state
from bridge.matrix.moving import Moving
from bridge.matrix.outlet import Outlet, Place
from tests.domain.given import NOW, waiting
from tests.matrix.conftest import DOMAIN
from tests.support.memory import MemoryNames, Try


def _withdrawn(recalled: bool) -> Question:
    question = withdrawn_by_patient(waiting(), NOW).question
    assert question is not None
    link = Link("q0", "@claire:h.example", recalled=True)
    return replace(question, ghost="t_ghost", link=link if recalled else None)


@pytest.mark.parametrize("recalled", [False, True])
@pytest.mark.parametrize("version", ["11", "12"])
async def test_who_may_speak_is_no_drift_and_is_put_back(
    client: MatrixClient, version: str, recalled: bool
) -> None:
    question = _withdrawn(recalled)
    room = await client.create_room({"room_version": version})
    place = Place(client.bot_id, DOMAIN, "t_", version)
    names = MemoryNames({"question:q1": room}, {f"{question.stem}:create": {"room_version": version}})
    effect = speaking(question, Speaking.NOBODY)
    await Moving(Outlet(client, names, place)).set_speaking(Try(effect), effect)

    wanted = wanted_state(question, place, room_version=version, spaces=())
    assert "m.room.power_levels" not in differences(await client.state(room), wanted)

    tampered = {**wanted["m.room.power_levels"], "events_default": 0}
    await client.put_state(room, "m.room.power_levels", "", tampered)
    assert "m.room.power_levels" in differences(await client.state(room), wanted)
    await client.put_state(room, "m.room.power_levels", "", wanted["m.room.power_levels"])
