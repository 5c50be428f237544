"""Discussion rooms on a real homeserver: who may write, who comes later, and what an archive is."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person, Refused
from bridge.domain.organisation import DiscussionGroup, Organisation, Practitioner
from bridge.ports import Json
from tests.matrix.conftest import DOMAIN
from tests.matrix.test_reconcile import Desk, desk

__all__ = ["desk"]
STAFF = "discussion:staff"


@pytest.fixture
async def three(synapse: LocalSynapse) -> AsyncIterator[list[Person]]:
    found = []
    for _ in range(3):
        name = f"p{uuid.uuid4().hex[:10]}"
        person = Person(synapse.url, f"@{name}:{DOMAIN}")
        person.token = await synapse.register_user(name, "secret")
        found.append(person)
    yield found
    for person in found:
        await person.close()


def _organisation(three: list[Person], **discussion: object) -> Organisation:
    ids = tuple(person.user_id for person in three)
    people = tuple(Practitioner(user, user, "fr") for user in ids)
    group = DiscussionGroup("staff", "Staff", ids, (ids[0],))
    return Organisation("Hôpital", "fr", people, (), discussions=(replace(group, **discussion),))  # type: ignore[arg-type]


async def _say(person: Person, room: str) -> bool:
    try:
        await person.say(room, "Bonjour à tous")
    except Refused as refused:
        if refused.errcode != "M_FORBIDDEN":
            raise
        return False
    return True


async def _rights(desk: Desk, three: list[Person], organisation: Organisation) -> tuple[int, list[bool]]:
    """The writes that bringing it about took, and which of the people may write then."""
    _, writes = await desk.apply(organisation)
    room = desk.names.rooms[STAFF]
    return writes, [await _say(person, room) for person in three]


async def test_members_write_moderators_announce_and_an_archive_is_only_read(
    desk: Desk, three: list[Person]
) -> None:
    report, _ = await desk.apply(_organisation(three))
    assert report.failed == ()
    for person in three:
        await person.accept_invites()
    assert await _rights(desk, three, _organisation(three)) == (0, [True, True, True])
    announce = _organisation(three, announce_only=True)
    assert await _rights(desk, three, announce) == (1, [True, False, False])
    archived = _organisation(three, archived=True)
    assert await _rights(desk, three, archived) == (1, [False, False, False])
    assert len(await three[2].messages(desk.names.rooms[STAFF])) > 4
    assert await _rights(desk, three, _organisation(three)) == (1, [True, True, True])


async def test_who_joins_later_reads_what_was_said_and_who_leaves_reads_no_more(
    desk: Desk, three: list[Person]
) -> None:
    first, second, third = three
    everyone = tuple(person.user_id for person in three)
    await desk.apply(_organisation(three, members=everyone[:2]))
    await first.accept_invites()
    room = desk.names.rooms[STAFF]
    await first.say(room, "Avant son arrivée")
    _, writes = await desk.apply(_organisation(three))
    assert writes == 1
    await third.accept_invites()
    assert await third.wait_for(room, lambda e: e.get("content", {}).get("body") == "Avant son arrivée")
    _, writes = await desk.apply(_organisation(three, members=everyone[:2]))
    assert writes == 1
    await first.say(room, "Après son départ")
    bodies = [event.get("content", {}).get("body") for event in await _read(third, room)]
    assert "Après son départ" not in bodies
    assert (await desk.members(STAFF))[second.user_id] == "invite"


async def _read(person: Person, room: str) -> list[Json]:
    try:
        return await person.messages(room)
    except Refused:
        return []


async def test_a_moderator_deletes_and_pins_and_others_do_not(desk: Desk, three: list[Person]) -> None:
    await desk.apply(_organisation(three))
    moderator, member, author = three
    for person in three:
        await person.accept_invites()
    room = desk.names.rooms[STAFF]
    said = await author.say(room, "à effacer")
    with pytest.raises(Refused):
        await member.redact(room, said)
    await moderator.redact(room, said)
    pins = f"/v3/rooms/{room}/state/m.room.pinned_events/"
    await moderator.call("PUT", pins, {"pinned": []})
    for path, body in (
        (f"/v3/rooms/{room}/invite", {"user_id": member.user_id}),
        (f"/v3/rooms/{room}/kick", {"user_id": author.user_id}),
    ):
        with pytest.raises(Refused):
            await moderator.call("POST", path, body)
