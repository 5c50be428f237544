"""Every cell of docs/permissions.md is tried on a real homeserver with the real service."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bridge.demo.person import Person
from bridge.domain.house import hidden, private_key
from tests.support.clinic import DOMAIN, Clinic, _hash
from tests.support.permissions import NO, May, tried, written

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "permissions.md"
Table = dict[str, dict[str, May]]


@pytest.fixture
async def stranger(clinic: Clinic) -> AsyncIterator[Person]:
    """Someone with an account on the homeserver who is not of the organisation."""
    person = Person(clinic.stack.synapse.url, f"@visiteur{os.urandom(3).hex()}:{DOMAIN}")
    person.token = await clinic.stack.synapse.register_user(person.user_id[1:].partition(":")[0], "secret")
    yield person
    await person.close()


async def _room(person: Person, alias: str) -> str:
    path = f"/v3/directory/room/{quote(f'#colloque_{alias}:{DOMAIN}')}"
    return str((await person.call("GET", path))["room_id"])


async def _last(person: Person, room_id: str) -> str:
    """The newest event that this person, who is in the room, can read."""
    return str((await person.messages(room_id, limit=1))[0]["event_id"])


async def _of_the_house(clinic: Clinic, stranger: Person) -> Table:
    """Spaces, waiting rooms, discussion groups and bot chats."""
    member, second = clinic.members("duo")[:2]
    outsider, other = clinic.outsider, stranger.user_id
    roles = {"member": second, "another practitioner": outsider, "stranger": stranger}
    table: Table = {}
    spaces = [await _room(member, "org"), await _room(member, "g_duo")]
    for title, alias in (
        ("Organisation space", "org"),
        ("Group space", "g_duo"),
        ("Waiting room", "w_duo"),
        ("Discussion group", "d_staff"),
        ("Discussion group, announcements only", "d_annonces"),
        ("Discussion group, archived", "d_anciens"),
        ("Bot chat", f"b_{_hash(second.user_id)}"),
    ):
        room = await _room(member, alias)
        await second.join(room)
        if alias in ("d_staff", "d_annonces"):
            await member.join(room)
            await member.say(room, "marque")
        event = await _last(second, room)
        people = dict(roles)
        if alias == "d_annonces":
            people = {"moderator": member, **people}
        rows = {}
        for role, person in people.items():
            rows[role] = await tried(person, room, event, spaces=spaces, other=other)
        table[title] = rows
    return table


async def _waiting(clinic: Clinic, stranger: Person) -> dict[str, May]:
    members = clinic.members("derm")
    rows = {}
    people = {
        "member of the group": members[1],
        "another practitioner": clinic.outsider,
        "stranger": stranger,
    }
    for role, person in people.items():
        asked = await clinic.ask("derm", "Une marque sur la peau.")
        space = await _room(members[0], "g_derm")
        rows[role] = await tried(
            person, asked.room_id, asked.event_id, spaces=[space], other=stranger.user_id
        )
    return rows


async def _taken(clinic: Clinic, stranger: Person) -> dict[str, May]:
    former, owner, never = clinic.members("derm")[:3]
    asked = await clinic.ask("derm")  # the first member joins to read
    await owner.join(asked.alias)
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    event = await owner.say(asked.room_id, "marque")
    space = await _room(former, "g_derm")
    people = {
        "owner": owner,
        "former member": former,
        "member of the group who never joined": never,
        "another practitioner": clinic.outsider,
        "stranger": stranger,
    }
    return {
        role: await tried(person, asked.room_id, event, spaces=[space], other=stranger.user_id)
        for role, person in people.items()
    }


async def _private(clinic: Clinic, stranger: Person) -> Table:
    one, other = clinic.members("duo")[:2]
    chat = await one.join(f"#colloque_b_{_hash(one.user_id)}:{DOMAIN}")
    await one.say(chat, f"!message {other.user_id}")
    await one.wait_for(chat, lambda e: "salon privé avec" in str(e["content"].get("body", "")))
    pair = private_key(one.user_id, other.user_id).removeprefix("private:").split("|")
    room = await _room(one, f"m_{hidden(*pair)}")
    space = await _room(one, f"s_{hidden(one.user_id)}")
    for person in (one, other):
        await person.join(room)
    await one.accept_invites()
    await one.say(room, "marque")
    people = {"one of the two": one, "another practitioner": clinic.outsider, "stranger": stranger}
    rows: Table = {"Private room": {}, "Personal space": {}}
    for title, place in (("Private room", room), ("Personal space", space)):
        event = await _last(one, place)
        for role, person in people.items():
            name = "its practitioner" if title == "Personal space" and person is one else role
            rows[title][name] = await tried(person, place, event, spaces=[], other=stranger.user_id)
    return rows


@pytest.mark.parametrize("clinic", ["12"], indirect=True)
async def test_who_may_do_what_is_as_the_document_says(clinic: Clinic, stranger: Person) -> None:
    table = await _of_the_house(clinic, stranger)
    table["Question, waiting"] = await _waiting(clinic, stranger)
    table["Question, taken"] = await _taken(clinic, stranger)
    table |= await _private(clinic, stranger)
    found = written(table)
    if os.environ.get("WRITE_PERMISSIONS"):
        DOCUMENT.write_text(found)
    assert found == DOCUMENT.read_text()
    for role, may in table["Question, taken"].items():
        if role != "owner":
            assert may == May(NO, NO, NO, NO, NO, NO), role
    assert all(may.invite == NO for rows in table.values() for may in rows.values())
