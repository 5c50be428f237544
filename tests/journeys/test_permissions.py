"""Every cell of docs/permissions.md is tried on a real homeserver with the real service."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bridge.demo.person import Person, Refused
from bridge.domain.house import hidden, private_key
from tests.support.clinic import DOMAIN, Asked, Clinic, _hash, body, eventually
from tests.support.permissions import NO, YES, May, tried, written

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
        assert await eventually(lambda s=space, a=asked: _lists(members[0], s, a.room_id))  # type: ignore[misc]
        rows[role] = await tried(
            person, asked.room_id, asked.event_id, spaces=[space], other=stranger.user_id
        )
    return rows


async def _lists(person: Person, space: str, room_id: str) -> bool:
    """Whether a space has this room already: that comes after its card."""
    path = f"/v3/rooms/{quote(space)}/state/m.space.child/{quote(room_id)}"
    try:
        return bool((await person.call("GET", path)).get("via"))
    except Refused:
        return False


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


async def _over(clinic: Clinic, stranger: Person) -> Table:
    """A question that is closed, and archived after that; its owner reads, and reopens it to write."""
    former, owner, never = clinic.members("derm")[:3]
    asked = await clinic.ask("derm")
    await owner.join(asked.alias)
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    event = await owner.say(asked.room_id, "marque")
    space, chat = await _room(former, "g_derm"), await clinic.bot_room(owner)
    people = {
        "owner": owner,
        "former member": former,
        "member of the group who never joined": never,
        "another practitioner": clinic.outsider,
        "stranger": stranger,
    }
    table: Table = {}
    await owner.say(asked.room_id, "!clore")
    closed = await owner.wait_for(asked.room_id, lambda e: body(e).startswith("Question close"))
    reference = re.search(r"rouvrir ([0-9A-Z]{6})", body(closed))
    assert reference
    for title, order, answer in (
        ("Question, closed", f"!clore {reference[1]}", "déjà close"),
        ("Question, archived", f"!archiver {reference[1]}", "est archivée"),
    ):
        await owner.say(chat, order)
        await owner.wait_for(chat, lambda e, a=answer: a in body(e) and reference[1] in body(e))
        assert await eventually(lambda: _locked(owner, asked.room_id))
        table[title] = {
            role: await tried(person, asked.room_id, event, spaces=[space], other=stranger.user_id)
            for role, person in people.items()
        }
    return table


async def _locked(owner: Person, room_id: str) -> bool:
    path = f"/v3/rooms/{quote(room_id)}/state/m.room.power_levels/"
    levels = await owner.call("GET", path)
    needed = levels.get("events", {}).get("m.room.message", levels.get("events_default", 0))
    return bool(levels.get("users", {}).get(owner.user_id, levels.get("users_default", 0)) < needed)


async def _finding(clinic: Clinic) -> dict[str, dict[str, str]]:
    """Who finds a question by its title with `!chercher`, while it waits, is taken, closed, and archived."""
    former, owner = clinic.members("derm")[:2]
    people = {"owner": owner, "member of the group": former, "another practitioner": clinic.outsider}
    asked = await clinic.ask("derm")
    found = {"waiting": await _finders(clinic, people, asked.subject)}
    await owner.join(asked.alias)
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    found["taken"] = await _finders(clinic, people, asked.subject)
    await owner.say(asked.room_id, "!clore")
    await owner.wait_for(asked.room_id, lambda e: body(e).startswith("Question close"))
    found["closed"] = await _finders(clinic, people, asked.subject)
    await owner.say(await clinic.bot_room(owner), f"!archiver {await _reference(clinic, owner, asked)}")
    assert await eventually(
        lambda: _told(clinic, owner, f"«\N{NO-BREAK SPACE}{asked.subject}\N{NO-BREAK SPACE}»", "est archivée")
    )
    found["archived"] = await _finders(clinic, people, asked.subject)
    return found


async def _reference(clinic: Clinic, owner: Person, asked: Asked) -> str:
    closed = await owner.wait_for(asked.room_id, lambda e: body(e).startswith("Question close"))
    return body(closed).partition("rouvrir ")[2][:6]


async def _told(clinic: Clinic, person: Person, *words: str) -> bool:
    return any(all(word in said for word in words) for said in await clinic.bot_chat(person))


async def _finders(clinic: Clinic, people: dict[str, Person], subject: str) -> dict[str, str]:
    said = {}
    for role, person in people.items():
        chat = await clinic.bot_room(person)
        asked = await person.say(chat, f"!chercher {subject}")
        events = await _after(person, chat, asked)
        said[role] = NO if "Ni vos questions" in events else YES
    return said


async def _after(person: Person, chat: str, event_id: str) -> str:
    """The bot's next answer in the bot chat."""
    found: list[str] = []

    async def answered() -> bool:
        events = await person.messages(chat, limit=50)
        newer = [e["event_id"] for e in events].index(event_id)
        found[:] = [body(e) for e in events[:newer] if "Pour «" in body(e) or "Ni vos questions" in body(e)]
        return bool(found)

    assert await eventually(answered)
    return found[-1]


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


@pytest.mark.timeout(400)
@pytest.mark.parametrize("clinic", ["12"], indirect=True)
async def test_who_may_do_what_is_as_the_document_says(clinic: Clinic, stranger: Person) -> None:
    table = await _of_the_house(clinic, stranger)
    table["Question, waiting"] = await _waiting(clinic, stranger)
    table["Question, taken"] = await _taken(clinic, stranger)
    table |= await _over(clinic, stranger)
    table |= await _private(clinic, stranger)
    finding = await _finding(clinic)
    found = written(table, finding)
    if os.environ.get("WRITE_PERMISSIONS"):
        DOCUMENT.write_text(found)
    assert found == DOCUMENT.read_text()
    for role, may in table["Question, taken"].items():
        if role != "owner":
            assert may == May(NO, NO, NO, NO, NO, NO), role
    for state in ("closed", "archived"):
        rows = table[f"Question, {state}"]
        assert rows["owner"].write == NO
        assert all(may == May(NO, NO, NO, NO, NO, NO) for role, may in rows.items() if role != "owner")
    assert all(by["another practitioner"] == NO for by in finding.values())
    assert all(by["owner"] == YES for by in finding.values())
    assert all(may.invite == NO for rows in table.values() for may in rows.values())
