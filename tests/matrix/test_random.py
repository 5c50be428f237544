"""Random organisations, random changes, people who do as they like: what was applied leaves nothing to do."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bridge.config import load
from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person
from bridge.desk.desk import Applied, Desk
from bridge.domain.organisation import DiscussionGroup, ExpertGroup, Notify, Organisation, Practitioner
from bridge.domain.plan import PRESENT
from bridge.matrix.client import MatrixClient
from bridge.storage.database import Database
from tests.matrix.conftest import DOMAIN, TOKEN
from tests.support.memory import MemoryNames

pytestmark = pytest.mark.timeout(300)
SEEDS = (3, 17, 29, 41, 58)
ROUNDS = 3
WRITES = ("PUT", "POST", "DELETE")


@dataclass
class World:
    """A homeserver with people on it, and the desk that keeps it in order."""

    desk: Desk
    client: MatrixClient
    names: MemoryNames
    people: list[Person]
    chance: random.Random
    writes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        def note(method: str, path: str) -> None:
            if method in WRITES:
                self.writes.append(path)

        self.client.on_call = note

    async def apply(self, organisation: Organisation) -> tuple[Applied, list[str]]:
        """What was done, and what it wrote."""
        self.writes.clear()
        place = await self.desk.place()
        found = await self.desk.look(organisation, place)
        applied = await self.desk.apply(organisation, place, found, by="test", at=1.0)
        return applied, list(self.writes)

    # --- what the YAML says ---

    def _some(self, of: list[str], least: int = 0) -> tuple[str, ...]:
        return tuple(self.chance.sample(of, self.chance.randint(min(least, len(of)), len(of))))

    def organisation(self) -> Organisation:
        """Any organisation of these people."""
        inside = list(self._some([person.user_id for person in self.people], 1))
        people = tuple(
            Practitioner(user, f"Dr {user[1:5]}", self.chance.choice(["fr", "en"])) for user in inside
        )
        return Organisation(
            self.chance.choice(["Hôpital", "Clinique"]),
            "fr",
            people,
            tuple(self._group(key, inside) for key in self._some(["derm", "cardio"])),
            discussions=tuple(self._talk(key, inside) for key in self._some(["staff", "garde"])),
        )

    def _group(self, key: str, inside: list[str]) -> ExpertGroup:
        name = self.chance.choice([key, "Peau (2)", "Cœur"])
        members, suspended = self._some(inside), self.chance.random() < 0.2
        return ExpertGroup(key, name, f"{key}@h.example", members, Notify.ANNOUNCE, "fr", suspended=suspended)

    def _talk(self, key: str, inside: list[str]) -> DiscussionGroup:
        members = self._some(inside)
        moderators = self._some(list(members))
        quiet, over = self.chance.random() < 0.4, self.chance.random() < 0.3
        return DiscussionGroup(
            key, self.chance.choice([key, "Café"]), members, moderators, announce_only=quiet, archived=over
        )

    # --- what happens meanwhile ---

    async def life(self) -> None:
        """People accept and leave; what nobody should do by hand is done by hand."""
        for person in self.people:
            if self.chance.random() < 0.6:
                await person.accept_invites()
        for _ in range(4):
            key = self.chance.choice(sorted(self.names.rooms))
            await self._mishap(key, self.names.rooms[key])

    async def _mishap(self, key: str, room_id: str) -> None:
        person = self.chance.choice(self.people)
        members = {member.user_id: member.membership for member in await self.client.members(room_id)}
        there = members.get(person.user_id)
        match self.chance.choice(["leave", "remove", "stranger", "name", "unlist", "levels"]):
            case "leave" if there in PRESENT:
                await person.call("POST", f"/v3/rooms/{room_id}/leave", {})
            case "remove" if there in PRESENT:
                await self.client.kick(room_id, person.user_id)
            case "stranger" if there not in PRESENT:
                await self.client.invite(room_id, person.user_id)
            case "name":
                await self.client.put_state(room_id, "m.room.name", "", {"name": "Autre"})
            case "unlist" if key != "organisation" and not key.startswith("bot:"):
                above = self.names.rooms["organisation"]
                await self.client.put_state(above, "m.space.child", room_id, {})
            case "levels" if key.startswith("discussion:"):
                levels = await self.client.state_event(room_id, "m.room.power_levels") or {}
                levels["users"] = levels.get("users", {}) | {person.user_id: 50}
                await self.client.put_state(room_id, "m.room.power_levels", "", levels)


@pytest.fixture
async def world(
    request: pytest.FixtureRequest,
    synapse: LocalSynapse,
    client: MatrixClient,
    namespace: str,
    tmp_path: Path,
) -> AsyncIterator[World]:
    config = {
        "homeserver": {
            "url": synapse.url,
            "domain": DOMAIN,
            "as_token": TOKEN,
            "hs_token": "hs",
            "bot": client.bot_id[1:].partition(":")[0],
            "namespace": namespace,
        },
        "mail": {"domain": "h.example", "smtp": {"tls": "none"}},
    }
    with (tmp_path / "config.yaml").open("w") as out:
        YAML().dump(config, out)
    (tmp_path / "organisation.yaml").write_text("organisation: {name: H}\npractitioners: []\ngroups: []\n")
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    people = []
    for _ in range(4):
        name = f"p{uuid.uuid4().hex[:10]}"
        person = Person(synapse.url, f"@{name}:{DOMAIN}")
        person.token = await synapse.register_user(name, "secret")
        people.append(person)
    names = MemoryNames()
    desk = Desk(load(tmp_path / "config.yaml").config, database, client, names)
    yield World(desk, client, names, people, random.Random(request.param))
    for person in people:
        await person.close()
    await database.close()


@pytest.mark.parametrize("world", SEEDS, indirect=True)
async def test_whatever_was_applied_the_next_plan_is_empty_and_everyone_is_where_they_belong(
    world: World,
) -> None:
    for _ in range(ROUNDS):
        organisation = world.organisation()
        applied, _ = await world.apply(organisation)
        assert applied.report.failed == ()
        again, writes = await world.apply(organisation)
        assert (again.report.done, writes) == ((), [])
        await _everyone_belongs(world, organisation)
        await world.life()
        applied, _ = await world.apply(organisation)
        assert applied.report.failed == ()
        again, writes = await world.apply(organisation)
        assert (again.report.done, writes) == ((), [])
        await _everyone_belongs(world, organisation)


async def _everyone_belongs(world: World, organisation: Organisation) -> None:
    """Nobody is in a room that isn't theirs, and who is missing where they belong went by themselves."""
    wanted = {room.key: set(room.members) for room in world.desk.wanted(organisation)}
    for key, room_id in world.names.rooms.items():
        state = [event for event in await world.client.state(room_id) if event["type"] == "m.room.member"]
        present = {event["state_key"] for event in state if event["content"]["membership"] in PRESENT}
        went = {event["state_key"] for event in state if event["sender"] == event["state_key"]}
        assert present - {world.client.bot_id} <= wanted.get(key, set())
        assert wanted.get(key, set()) - present <= went
