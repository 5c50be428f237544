"""Acting as practitioners by a second registration: only what it is for, and nothing is lost without it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person
from bridge.domain import house
from bridge.domain.house import Section
from bridge.domain.organisation import Organisation, Practitioner
from bridge.matrix import acting as module
from bridge.matrix.acting import ActingClient
from bridge.matrix.client import MatrixClient
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.perform import MatrixPerformer
from tests.matrix.conftest import ACTING_TOKEN, DOMAIN
from tests.matrix.test_seal import Job
from tests.support.memory import MemoryNames

OUTSIDE = "x"
"""What the names of those begin with whom the second registration doesn't name."""


@dataclass
class Ward:
    """The bot, someone who may be acted as, and someone who may not."""

    client: MatrixClient
    acting: ActingClient
    doctor: Person
    outside: Person


@pytest.fixture
async def ward(client: MatrixClient, synapse: LocalSynapse) -> AsyncIterator[Ward]:
    acting = ActingClient(url=synapse.url, as_token=ACTING_TOKEN, bot=f"@t0_acting:{DOMAIN}")
    await acting.start()
    people = []
    for letter in ("p", OUTSIDE):
        name = f"{letter}{uuid.uuid4().hex[:10]}"
        person = Person(synapse.url, f"@{name}:{DOMAIN}")
        person.token = await synapse.register_user(name, "secret")
        people.append(person)
    yield Ward(client, acting, *people)
    await acting.close()
    for person in people:
        await person.close()


async def _joined(person: Person) -> list[str]:
    return list((await person.call("GET", "/v3/joined_rooms"))["joined_rooms"])


async def test_it_joins_those_it_is_for_where_they_are_invited_and_nobody_else(ward: Ward) -> None:
    room = await ward.client.create_room({"invite": [ward.doctor.user_id, ward.outside.user_id]})
    assert await ward.acting.join(room, ward.doctor.user_id)
    assert not await ward.acting.join(room, ward.outside.user_id)
    assert await _joined(ward.doctor) == [room]
    assert await _joined(ward.outside) == []


async def test_it_opens_no_door_that_is_closed_to_them(ward: Ward) -> None:
    room = await ward.client.create_room({"preset": "private_chat"})
    assert not await ward.acting.join(room, ward.doctor.user_id)


async def test_who_is_removed_after_it_read_for_them_has_no_unread_message(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_WITHIN_S", 60.0)  # a busy homeserver needs more than is waited for
    room = await ward.client.create_room({"invite": [ward.doctor.user_id]})
    await ward.doctor.join(room)
    since = (await ward.doctor.call("GET", "/v3/sync", timeout="0"))["next_batch"]
    await ward.client.send(room, "m.room.message", {"msgtype": "m.text", "body": "Une réponse"}, txn_id="a")
    synced = await ward.doctor.call("GET", "/v3/sync", since=since, timeout="2000")
    assert synced["rooms"]["join"][room]["unread_notifications"]["notification_count"] == 1
    await ward.acting.read(room, [ward.doctor.user_id, ward.outside.user_id])
    synced = await ward.doctor.call("GET", "/v3/sync", since=synced["next_batch"], timeout="2000")
    assert synced["rooms"]["join"][room]["unread_notifications"]["notification_count"] == 0


@pytest.mark.parametrize("may_act", [True, False])
async def test_a_personal_space_needs_no_click_with_it_and_an_invitation_without(
    ward: Ward, namespace: str, may_act: bool
) -> None:
    person = ward.doctor if may_act else ward.outside
    place = Place(ward.client.bot_id, DOMAIN, namespace, "12")
    names = MemoryNames({"question:1": await ward.client.create_room({})})
    organisation = Organisation("H", "fr", (Practitioner(person.user_id, "Dr X", "fr"),), ())
    outlet = Outlet(ward.client, names, place)
    performer = MatrixPerformer(outlet, organisation, grant_at_once_up_to=10, acting=ward.acting)
    await performer.perform(Job(house.ShowInSpace("1", person.user_id, Section.QUESTIONS, "question:1")))
    spaces = {names.rooms[house.space_key(person.user_id)]}
    spaces |= {names.rooms[house.section_key(person.user_id, Section.QUESTIONS)]}
    assert set(await _joined(person)) == (spaces if may_act else set())
    assert (f"bot:{person.user_id}" in names.rooms) is not may_act  # told to accept, or nothing to tell
    if not may_act:
        assert set(await person.invites()) >= spaces
