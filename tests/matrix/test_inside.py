"""Rooms that the bot made, is in, or was in, on a real homeserver; what is said before one is recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person
from bridge.domain.organisation import Organisation, Practitioner
from bridge.matrix.client import MatrixClient
from bridge.matrix.inside import is_made_by, state_inside
from bridge.matrix.outlet import Place
from bridge.matrix.read import MatrixReader
from bridge.ports import NotYet
from bridge.storage.inbox import Input
from tests.matrix.conftest import DOMAIN
from tests.support.memory import MemoryNames


@pytest.fixture
async def doctor(synapse: LocalSynapse, namespace: str) -> AsyncIterator[Person]:
    name = f"dr{namespace.strip('_')}"
    person = Person(synapse.url, f"@{name}:{DOMAIN}")
    person.token = await synapse.register_user(name, "secret")
    yield person
    await person.close()


def _reader(client: MatrixClient, doctor: Person, names: MemoryNames) -> MatrixReader:
    organisation = Organisation("H", "fr", (Practitioner(doctor.user_id, "Dr Petit", "fr"),), ())
    place = Place(client.bot_id, DOMAIN, "t_", "12")
    return MatrixReader(names, organisation, place, made_by_us=partial(is_made_by, client, bot=client.bot_id))


def _said(room_id: str, doctor: Person, words: str = "Je prends.") -> Input:
    event = {
        "type": "m.room.message",
        "event_id": "$said",
        "room_id": room_id,
        "sender": doctor.user_id,
        "content": {"msgtype": "m.text", "body": words},
    }
    payload = json.dumps(event).encode()
    return Input(1, "k", "matrix", room_id, payload, "", "", "pending", 0, "", 0.0, 0.0)


async def test_what_is_said_before_our_room_is_recorded_waits_for_that(
    client: MatrixClient, doctor: Person
) -> None:
    room_id = await client.create_room({"invite": [doctor.user_id]})
    names = MemoryNames()
    with pytest.raises(NotYet):
        await _reader(client, doctor, names)(_said(room_id, doctor, "!aide"))
    names.rooms[f"bot:{doctor.user_id}"] = room_id
    assert (await _reader(client, doctor, names)(_said(room_id, doctor, "!aide"))).events


async def test_what_is_said_in_somebody_elses_room_is_none_of_our_business(
    client: MatrixClient, doctor: Person
) -> None:
    room_id = (await doctor.call("POST", "/v3/createRoom", {"invite": [client.bot_id]}))["room_id"]
    for _ in range(2):  # invited, and then inside
        assert not (await _reader(client, doctor, MemoryNames())(_said(room_id, doctor))).events
        await client.join(room_id)


async def test_a_room_that_the_bot_was_removed_from_is_none_of_its_own(
    client: MatrixClient, doctor: Person
) -> None:
    levels = {"users": {client.bot_id: 50, doctor.user_id: 100}}
    room_id = await client.create_room({"room_version": "11", "invite": [doctor.user_id]})
    await doctor.join(room_id)
    assert await state_inside(client, room_id, client.bot_id)
    assert await is_made_by(client, room_id, client.bot_id)
    await client.put_state(room_id, "m.room.power_levels", "", levels)
    await doctor.call("POST", f"/v3/rooms/{room_id}/kick", {"user_id": client.bot_id})
    assert await state_inside(client, room_id, client.bot_id) is None
    assert not await is_made_by(client, room_id, client.bot_id)
    assert await state_inside(client, "!nowhere:h.example", client.bot_id) is None
