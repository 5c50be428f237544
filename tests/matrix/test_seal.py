"""The steps of the seal one by one on a real homeserver, each repeatable."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person, Refused
from bridge.domain import effects as fx
from bridge.domain.effects import Effect
from bridge.domain.events import SealCompleted
from bridge.domain.organisation import ExpertGroup, Notify, Organisation
from bridge.matrix.client import MatrixClient
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.perform import MatrixPerformer
from bridge.ports import Outcome
from tests.matrix.conftest import DOMAIN
from tests.support.memory import MemoryNames


@dataclass(frozen=True)
class Job:
    """An effect as the outbox would give it."""

    effect: Effect
    started: bool = False
    id: int = 1
    body: bytes | None = None
    handing_over: bool = False
    room: str = ""
    suppressed: str = ""

    @property
    def key(self) -> str:
        return self.effect.key


@dataclass
class Bench:
    """A performer with what it needs, and a group space."""

    client: MatrixClient
    names: MemoryNames
    place: Place
    grant_at_once_up_to: int = 10
    generation: int = 1
    people: list[Person] = field(default_factory=list)

    async def do(self, effect: Effect, *, started: bool = False) -> Outcome:
        outlet = Outlet(self.client, self.names, self.place)
        members = tuple(person.user_id for person in self.people)
        group = ExpertGroup("derm", "Dermatologie", "d@h.example", members, Notify.ANNOUNCE, "fr")
        organisation = Organisation("H", "fr", (), (group,))
        performer = MatrixPerformer(outlet, organisation, grant_at_once_up_to=self.grant_at_once_up_to)
        outcome = await performer.perform(Job(effect, started))
        self.names.results[effect.key] = outcome.result
        self.names.rooms |= outcome.rooms
        return outcome

    async def question(self) -> str:
        ghost = f"{self.place.namespace}p_{uuid.uuid4().hex[:8]}"
        await self.do(fx.CreateQuestionRoom("q1:create", "q1", "derm", ghost, "Titre", "REF"))
        await self.do(fx.JoinGhost("q1:ghost", "q1", ghost, "Marie"))
        return ghost


@pytest.fixture(params=["11", "12"])
async def bench(
    request: pytest.FixtureRequest, client: MatrixClient, synapse: LocalSynapse, namespace: str
) -> AsyncIterator[Bench]:
    place = Place(client.bot_id, DOMAIN, namespace, request.param)
    opened = Bench(client, MemoryNames(), place)
    space = {"preset": "private_chat", "room_version": request.param, "creation_content": {"type": "m.space"}}
    opened.names.rooms["group:derm"] = await client.create_room(space)
    for _ in range(3):
        name = f"p{uuid.uuid4().hex[:10]}"
        person = Person(synapse.url, f"@{name}:{DOMAIN}")
        person.token = await synapse.register_user(name, "secret")
        await client.invite(opened.names.rooms["group:derm"], person.user_id)
        await person.join(opened.names.rooms["group:derm"])
        opened.people.append(person)
    yield opened
    for person in opened.people:
        await person.close()


async def _level(bench: Bench, person: Person) -> int:
    levels = await bench.client.state_event(bench.names.rooms["question:q1"], "m.room.power_levels")
    assert levels is not None
    return int(levels["users"].get(person.user_id, 0))


async def test_with_many_readers_the_owner_may_write_only_once_they_are_out(bench: Bench) -> None:
    bench.grant_at_once_up_to = 1
    ghost = await bench.question()
    room = bench.names.rooms["question:q1"]
    for person in bench.people:
        await person.join(room)
    owner = bench.people[0]
    await bench.do(fx.Lock("q1:lock", "q1", owner.user_id, ghost))
    for person in bench.people:
        with pytest.raises(Refused):
            await person.say(room, "trop tôt")
    await bench.do(fx.CloseJoin("q1:close", "q1"))
    await bench.do(fx.HideHistory("q1:hide", "q1"))
    await bench.do(fx.RemoveOthers("q1:remove", "q1", owner.user_id, "Dr A", ghost, "fr"))
    await bench.do(fx.GrantOwner("q1:grant", "q1", owner.user_id, ghost, "q1:lock"))
    assert await _level(bench, owner) == 50
    await owner.say(room, "maintenant")
    joined = {m.user_id for m in await bench.client.members(room) if m.membership == "join"}
    assert joined == {owner.user_id, bench.place.ghost(ghost), bench.place.bot}


async def test_with_few_readers_the_owner_never_loses_the_right_to_write(bench: Bench) -> None:
    ghost = await bench.question()
    room = bench.names.rooms["question:q1"]
    owner, other = bench.people[:2]
    for person in (owner, other):
        await person.join(room)
    await bench.do(fx.Lock("q1:lock", "q1", owner.user_id, ghost))
    await owner.say(room, "je continue")
    with pytest.raises(Refused):
        await other.say(room, "moi aussi")


async def test_where_a_second_group_was_asked_too_who_is_there_is_looked_up_not_guessed(bench: Bench) -> None:
    bench.grant_at_once_up_to = len(bench.people)
    ghost = await bench.question()
    room = bench.names.rooms["question:q1"]
    for person in bench.people:
        await person.join(room)
    locked = await bench.do(fx.Lock("q1:lock", "q1", bench.people[0].user_id, ghost, wide=True))
    assert locked.result["readers"] == 2


async def test_every_step_can_be_repeated_and_changes_nothing_more(bench: Bench) -> None:
    ghost = await bench.question()
    room = bench.names.rooms["question:q1"]
    owner, other = bench.people[:2]
    for person in (owner, other):
        await person.join(room)
    said = await owner.say(room, "Première réponse.")
    steps: list[Effect] = [
        fx.CreateQuestionRoom("q1:create", "q1", "derm", ghost, "Titre", "REF"),
        fx.JoinGhost("q1:ghost", "q1", ghost, "Marie"),
        fx.PostText("q1:first:text", "q1", ghost, "Bonjour", True),
        fx.Lock("q1:lock", "q1", owner.user_id, ghost),
        fx.CloseJoin("q1:close", "q1"),
        fx.HideHistory("q1:hide", "q1"),
        fx.RemoveOthers("q1:remove", "q1", owner.user_id, "Dr A", ghost, "fr"),
        fx.CoverExposed("q1:cover", "q1", owner.user_id, "Dr A", ghost, "q1:remove", 0.0),
        fx.Say("q1:taken", "q1", "taken", "fr", {"owner": "Dr A"}),
    ]
    for step in steps:
        first = await bench.do(step)
        again = await bench.do(step, started=True)
        if isinstance(step, fx.CoverExposed):
            assert _exposed(first) == _exposed(again)
            assert [original for original, _ in _exposed(again)] == [said]
    events = [e for e in await owner.messages(room) if e["type"] == "m.room.message" and e["content"]]
    bodies = [e["content"]["body"] for e in events if e["sender"] != owner.user_id]
    assert sorted(body.split("\n")[0][:18] for body in bodies) == sorted(
        ["Bonjour", "Dr A : Première réponse."[:18], "Prise en charge par Dr A"[:18]]
    )
    assert bench.names.taken[0]["event_id"] == said


def _exposed(outcome: Outcome) -> list[tuple[str, str]]:
    (event,) = outcome.events
    assert isinstance(event, SealCompleted)
    return list(event.exposed)


async def test_a_long_text_is_posted_whole_in_several_messages(bench: Bench) -> None:
    ghost = await bench.question()
    text = "\n".join(f"ligne {number} é" for number in range(5000))
    await bench.do(fx.PostText("q1:first:text", "q1", ghost, text, True))
    reader = bench.people[0]
    await reader.join(bench.names.rooms["question:q1"])
    events = await reader.messages(bench.names.rooms["question:q1"], direction="f")
    bodies = [e["content"]["body"] for e in events if e["type"] == "m.room.message"]
    assert len(bodies) > 1
    assert "\n".join(bodies) == text


async def test_a_listing_that_is_full_goes_on_in_a_further_space(bench: Bench) -> None:
    await bench.question()

    async def second(group: str, question_id: str) -> int:
        return 2

    bench.names.listing = second  # type: ignore[method-assign]
    for suggested in (True, False):
        await bench.do(fx.ListInSpace(f"q1:list:{suggested}", "q1", "derm", suggested))
    space, further = bench.names.rooms["group:derm"], bench.names.rooms["listing:derm:2"]
    children = [e for e in await bench.client.state(space) if e["type"] == "m.space.child"]
    assert [event["state_key"] for event in children] == [further]
    listed = await bench.client.state_event(further, "m.space.child", bench.names.rooms["question:q1"])
    assert listed == {"via": [DOMAIN], "suggested": False}


async def test_the_name_of_the_patient_is_in_the_room_only(bench: Bench) -> None:
    ghost = await bench.question()
    reader = bench.people[0]
    profile = await reader.call("GET", f"/v3/profile/{bench.place.ghost(ghost)}")
    assert "Marie" not in str(profile)
    await reader.join(bench.names.rooms["question:q1"])
    path = f"/v3/rooms/{bench.names.rooms['question:q1']}/state/m.room.member/{bench.place.ghost(ghost)}"
    assert (await reader.call("GET", path))["displayname"] == "Marie"
