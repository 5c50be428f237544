"""Personal spaces and private rooms on a real homeserver: made when needed, exact, and the same twice."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person, Refused
from bridge.domain import house
from bridge.domain.effects import Effect
from bridge.domain.house import Section
from bridge.domain.organisation import Organisation, Practitioner
from bridge.matrix.client import MatrixClient
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.perform import MatrixPerformer
from tests.matrix.conftest import DOMAIN
from tests.matrix.test_seal import Job
from tests.support.memory import MemoryNames


class Limited(MemoryNames):
    """Names whose sub-spaces hold two rooms each."""

    async def listing(self, group: str, question_id: str) -> int:
        listed = self.listed.setdefault(group, [])
        if question_id not in listed:
            listed.append(question_id)
        return listed.index(question_id) // 2 + 1

    def __init__(self) -> None:
        super().__init__()
        self.listed: dict[str, list[str]] = {}


@dataclass
class Home:
    """A performer with three practitioners."""

    client: MatrixClient
    names: Limited
    place: Place
    people: list[Person]

    def performer(self) -> MatrixPerformer:
        three = tuple(Practitioner(p.user_id, f"Dr {n}", "fr") for n, p in enumerate(self.people))
        outlet = Outlet(self.client, self.names, self.place)
        return MatrixPerformer(outlet, Organisation("H", "fr", three, ()), grant_at_once_up_to=10)

    async def do(self, effect: Effect, *, started: bool = False) -> None:
        outcome = await self.performer().perform(Job(effect, started))
        self.names.rooms |= outcome.rooms

    async def room(self, key: str) -> str:
        """Some room that may be listed."""
        self.names.rooms[key] = await self.client.create_room({"room_version": self.place.room_version})
        return self.names.rooms[key]

    async def children(self, key: str) -> set[str]:
        state = await self.client.state(self.names.rooms[key])
        return {e["state_key"] for e in state if e["type"] == "m.space.child" and e["content"].get("via")}

    async def said(self, person: Person) -> list[str]:
        room = self.names.rooms.get(f"bot:{person.user_id}")
        if room is None:
            return []
        events, _ = await self.client.messages(room)
        return [e["content"]["body"] for e in events if e["type"] == "m.room.message" and e["content"]]


@pytest.fixture(params=["11", "12"])
async def home(
    request: pytest.FixtureRequest, client: MatrixClient, synapse: LocalSynapse, namespace: str
) -> AsyncIterator[Home]:
    people = []
    for _ in range(3):
        name = f"p{uuid.uuid4().hex[:10]}"
        person = Person(synapse.url, f"@{name}:{DOMAIN}")
        person.token = await synapse.register_user(name, "secret")
        people.append(person)
    yield Home(client, Limited(), Place(client.bot_id, DOMAIN, namespace, request.param), people)
    for person in people:
        await person.close()


async def test_a_space_is_made_with_what_it_first_shows_and_once(home: Home) -> None:
    person = home.people[0]
    shown = house.ShowInSpace("k", person.user_id, Section.QUESTIONS, "question:1")
    room = await home.room("question:1")
    for started in (False, True):
        await home.do(shown, started=started)
    space, questions = house.space_key(person.user_id), house.section_key(person.user_id, Section.QUESTIONS)
    assert await home.children(space) == {home.names.rooms[questions]}
    assert await home.children(questions) == {room}
    assert set(await person.invites()) >= {home.names.rooms[space], home.names.rooms[questions]}
    assert len([line for line in await home.said(person) if "espace personnel" in line]) == 1
    assert house.section_key(person.user_id, Section.ARCHIVES) not in home.names.rooms


async def test_a_crash_in_the_middle_leaves_one_space_after_the_retry(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = home.people[0]
    room = await home.room("question:1")
    remember = home.names.remember

    async def crash(_key: str, _room_id: str) -> None:
        raise ConnectionResetError

    for _ in range(3):
        monkeypatch.setattr(home.names, "remember", crash)
        with pytest.raises(ConnectionResetError):
            await home.do(house.ShowInSpace("k", person.user_id, Section.QUESTIONS, "question:1"))
        monkeypatch.setattr(home.names, "remember", remember)
    await home.do(house.ShowInSpace("k", person.user_id, Section.QUESTIONS, "question:1"), started=True)
    questions = house.section_key(person.user_id, Section.QUESTIONS)
    assert await home.children(questions) == {room}
    await person.accept_invites()
    joined = (await person.call("GET", "/v3/joined_rooms"))["joined_rooms"]
    names = [await person.call("GET", f"/v3/rooms/{room}/state/m.room.name/") for room in joined]
    assert sorted(name["name"] for name in names) == ["Colloque", "Mes questions", "Mon espace"]


async def test_what_moves_is_in_one_place_only(home: Home) -> None:
    user = home.people[0].user_id
    room = await home.room("question:1")
    await home.do(house.ShowInSpace("1", user, Section.QUESTIONS, "question:1"))
    await home.do(house.TakeFromSpace("2", user, Section.QUESTIONS, "question:1"))
    await home.do(house.ShowInSpace("3", user, Section.ARCHIVES, "question:1"))
    assert await home.children(house.section_key(user, Section.QUESTIONS)) == set()
    assert await home.children(house.section_key(user, Section.ARCHIVES)) == {room}


async def test_a_sub_space_that_is_full_is_followed_by_another(home: Home) -> None:
    user = home.people[0].user_id
    for number in range(5):
        await home.room(f"question:{number}")
        await home.do(house.ShowInSpace(f"{number}", user, Section.QUESTIONS, f"question:{number}"))
    counts = [
        len(await home.children(house.section_key(user, Section.QUESTIONS, generation)))
        for generation in (1, 2, 3)
    ]
    assert counts == [2, 2, 1]
    assert len(await home.children(house.space_key(user))) == 3
    await home.do(house.TakeFromSpace("gone", user, Section.QUESTIONS, "question:2"))
    assert len(await home.children(house.section_key(user, Section.QUESTIONS, 2))) == 1


async def test_nobody_but_its_practitioner_is_let_into_a_personal_space(home: Home) -> None:
    person, other, _ = home.people
    await home.room("question:1")
    await home.do(house.ShowInSpace("1", person.user_id, Section.QUESTIONS, "question:1"))
    for key in (house.space_key(person.user_id), house.section_key(person.user_id, Section.QUESTIONS)):
        with pytest.raises(Refused):
            await other.join(home.names.rooms[key])


# --- private messages ---


def _open(author: Person, other: Person, number: int = 1, about: str = "") -> house.OpenPrivate:
    return house.OpenPrivate(f"private:${number}", author.user_id, "fr", f"{other.user_id} {about}")


async def test_a_private_room_is_opened_once_whoever_of_the_two_asks(home: Home) -> None:
    one, other, third = home.people
    await home.do(_open(one, other, 1, "Congés"))
    key = house.private_key(one.user_id, other.user_id)
    room = home.names.rooms[key]
    await home.do(_open(other, one, 2))
    await home.do(_open(one, other, 1, "Congés"), started=True)
    assert home.names.rooms[key] == room
    for person in (one, other):
        assert await home.children(house.section_key(person.user_id, Section.PRIVATE)) == {room}
        await person.join(room)
        assert any(
            line.startswith("Votre salon privé avec Dr ") and "matrix.to" in line
            for line in await home.said(person)
        )
    await one.say(room, "Bonjour")
    assert await other.wait_for(room, lambda e: e.get("content", {}).get("body") == "Bonjour")
    notices = [e for e in await other.messages(room) if e.get("content", {}).get("msgtype") == "m.notice"]
    assert [e["content"]["body"] for e in notices] == ["Dr 0, au sujet de\N{NO-BREAK SPACE}: Congés"]
    for path in (f"/v3/join/{room}", f"/v3/rooms/{room}/messages"):
        with pytest.raises(Refused):
            await third.call("POST" if "join" in path else "GET", path, {} if "join" in path else None)
    with pytest.raises(Refused):
        await one.call("POST", f"/v3/rooms/{room}/invite", {"user_id": third.user_id})


async def test_who_left_a_private_room_is_asked_in_again_by_the_next_message(home: Home) -> None:
    one, other, _ = home.people
    await home.do(_open(one, other, 1))
    room = home.names.rooms[house.private_key(one.user_id, other.user_id)]
    await other.join(room)
    await other.call("POST", f"/v3/rooms/{room}/leave", {})
    await home.do(_open(one, other, 2))
    await other.join(room)


@pytest.mark.parametrize(
    ("named", "answer"),
    [("", "À qui"), ("@nobody", "Aucun"), ("Dr 1", "salon privé"), ("Dr 0", "vous-même")],
)
async def test_every_way_to_name_someone_is_answered(home: Home, named: str, answer: str) -> None:
    person = home.people[0]
    await home.do(house.OpenPrivate("private:$1", person.user_id, "fr", named))
    assert any(answer in line for line in await home.said(person))


async def test_someone_outside_the_organisation_opens_nothing(home: Home, synapse: LocalSynapse) -> None:
    name = f"p{uuid.uuid4().hex[:10]}"
    stranger = Person(synapse.url, f"@{name}:{DOMAIN}")
    stranger.token = await synapse.register_user(name, "secret")
    await home.do(_open(stranger, home.people[0]))
    assert not any(key.startswith("private:") for key in home.names.rooms)
    assert any("réservés" in line for line in await home.said(stranger))
    await stranger.close()


# --- rooms that people make in their client ---


async def _made(home: Home, inviting: Person, people: list[str], encrypted: bool = False) -> str:
    """A room as a client makes it for a direct chat, the bot among those invited."""
    encryption = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    body = {
        "preset": "trusted_private_chat",
        "is_direct": True,
        "room_version": home.place.room_version,
        "invite": [home.client.bot_id, *people],
        "initial_state": [encryption] if encrypted else [],
    }
    room = str((await inviting.call("POST", "/v3/createRoom", body))["room_id"])
    for started in (False, True):
        await home.do(house.Welcome(f"welcome:{room}", inviting.user_id, "fr", room), started=started)
    return room


async def _bots(home: Home, person: Person, room: str) -> tuple[str, list[str]]:
    """Whether the bot is in, and what it said."""
    path = f"/v3/rooms/{room}/state/m.room.member/{home.client.bot_id}"
    events = await person.messages(room)
    said = [e["content"]["body"] for e in events if e["content"].get("msgtype") == "m.notice"]
    return str((await person.call("GET", path))["membership"]), said


async def test_a_direct_chat_of_two_colleagues_stands_in_both_spaces_and_stays_theirs(home: Home) -> None:
    one, other, _ = home.people
    room = await _made(home, one, [other.user_id])
    for person in (one, other):
        assert await home.children(house.section_key(person.user_id, Section.PRIVATE)) == {room}
    membership, said = await _bots(home, one, room)
    assert membership == "join"
    assert ["espaces personnels" in line for line in said] == [True]
    await home.do(_open(other, one, 2))
    assert house.private_key(one.user_id, other.user_id) not in home.names.rooms
    second = await _made(home, other, [one.user_id])
    assert (await _bots(home, other, second))[0] == "leave"


async def test_where_the_bot_can_not_read_or_is_of_no_use_it_says_so_and_leaves(home: Home) -> None:
    one, other, third = home.people
    for people, encrypted, words in (
        ([other.user_id], True, "chiffré"),
        ([], True, "chiffré"),
        ([], False, "existe déjà"),
        ([other.user_id, third.user_id], False, "ne sers pas"),
    ):
        room = await _made(home, one, people, encrypted)
        membership, said = await _bots(home, one, room)
        assert membership == "leave"
        assert [words in line for line in said] == [True]
    assert not any(key.startswith(("direct:", "private:")) for key in home.names.rooms)
