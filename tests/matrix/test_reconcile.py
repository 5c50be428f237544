"""The homeserver follows the YAML: everything once, nothing twice, and what fails stops nothing else."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, replace

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person
from bridge.domain import plan
from bridge.domain.house import Section, private_key, section_key, space_key
from bridge.domain.organisation import ExpertGroup, Notify, Organisation, Practitioner
from bridge.flow.reconcile import Report, perform
from bridge.matrix.client import MatrixClient
from bridge.matrix.managed import ManagedRooms
from bridge.matrix.outlet import Place
from tests.matrix.conftest import DOMAIN
from tests.support.memory import MemoryNames

WRITES = ("PUT", "POST", "DELETE")


@dataclass
class Desk:
    """Brings the homeserver to an organisation and counts what that took."""

    client: MatrixClient
    place: Place
    names: MemoryNames

    async def apply(
        self, organisation: Organisation, belonged: Organisation | None = None
    ) -> tuple[Report, int]:
        calls: list[str] = []
        self.client.on_call = lambda method, _path: calls.append(method)
        wanted = self._wanted(organisation)
        managed = ManagedRooms(self.client, self.client, self.names, self.place)
        before = {room.key: room.members for room in self._wanted(belonged)} if belonged else {}
        snapshot = await managed.snapshot(wanted, before)
        report = await perform(plan.plan(wanted, snapshot, bot=self.place.bot), managed)
        return report, sum(method in WRITES for method in calls)

    def _wanted(self, organisation: Organisation) -> tuple[plan.Wanted, ...]:
        return plan.wanted_rooms(
            organisation,
            namespace=self.place.namespace,
            waiting_names={"fr": "En attente", "en": "En attente"},
            bot_chat_names={"fr": "Colloque", "en": "Colloque"},
        )

    async def members(self, key: str) -> dict[str, str]:
        members = await self.client.members(self.names.rooms[key])
        return {m.user_id: m.membership for m in members if m.user_id != self.place.bot}


@pytest.fixture(params=["11", "12"])
def desk(request: pytest.FixtureRequest, client: MatrixClient, namespace: str) -> Desk:
    return Desk(client, Place(client.bot_id, DOMAIN, namespace, request.param), MemoryNames())


@pytest.fixture
async def people(synapse: LocalSynapse) -> list[str]:
    found = []
    for _ in range(3):
        name = f"p{uuid.uuid4().hex[:10]}"
        await synapse.register_user(name, "secret")
        found.append(f"@{name}:{DOMAIN}")
    return found


def _organisation(people: list[str]) -> Organisation:
    practitioners = tuple(Practitioner(user, f"Dr {n}", "fr") for n, user in enumerate(people))
    group = ExpertGroup("derm", "Dermatologie", "derm@h.example", tuple(people[:2]), Notify.ANNOUNCE, "fr")
    return Organisation("Hôpital", "fr", practitioners, (group,))


async def test_a_cold_start_makes_everything_and_a_warm_start_writes_nothing(
    desk: Desk, people: list[str]
) -> None:
    report, _ = await desk.apply(_organisation(people))
    assert report.failed == ()
    assert set(desk.names.rooms) == {
        "organisation",
        "group:derm",
        "waiting:derm",
        *(f"bot:{p}" for p in people),
    }
    assert await desk.members("organisation") == dict.fromkeys(people, "invite")
    assert await desk.members("waiting:derm") == dict.fromkeys(people[:2], "invite")
    report, writes = await desk.apply(_organisation(people))
    assert (report.done, report.failed, writes) == ((), (), 0)


async def test_a_database_that_was_lost_finds_the_rooms_again(desk: Desk, people: list[str]) -> None:
    await desk.apply(_organisation(people))
    known = dict(desk.names.rooms)
    desk.names.rooms.clear()
    _, writes = await desk.apply(_organisation(people))
    assert (desk.names.rooms, writes) == (known, 0)


async def test_a_member_who_comes_or_goes_costs_only_that_members_calls(
    desk: Desk, people: list[str]
) -> None:
    organisation = _organisation(people)
    await desk.apply(organisation)
    more = replace(organisation.groups[0], members=tuple(people))
    _, writes = await desk.apply(replace(organisation, groups=(more,)))
    assert writes == 2
    assert (await desk.members("group:derm"))[people[2]] == "invite"
    fewer = replace(organisation.groups[0], members=(people[0],))
    _, writes = await desk.apply(replace(organisation, groups=(fewer,)))
    assert writes == 4
    assert (await desk.members("waiting:derm"))[people[2]] == "leave"


async def test_a_group_renamed_in_the_yaml_is_renamed_with_its_waiting_room(
    desk: Desk, people: list[str]
) -> None:
    organisation = _organisation(people)
    await desk.apply(organisation)
    space = desk.names.rooms["group:derm"]
    await desk.client.put_state(space, "m.room.name", "", {"name": "Dermatologie (3)"})
    _, writes = await desk.apply(organisation)
    assert writes == 0
    renamed = replace(organisation.groups[0], name="Peau")
    _, writes = await desk.apply(replace(organisation, groups=(renamed,)))
    assert writes == 2
    assert await desk.client.state_event(space, "m.room.name") == {"name": "Peau"}


async def test_a_wrong_matrix_id_is_reported_and_everyone_else_is_served(
    desk: Desk, people: list[str]
) -> None:
    nobody = f"@nobody-{uuid.uuid4().hex[:6]}:{DOMAIN}"
    report, _ = await desk.apply(_organisation([nobody, *people]))
    assert [failure.step for failure in report.failed] == [plan.NoAccount(nobody)]
    assert nobody in report.failed[0].reason
    assert await desk.members("group:derm") == {people[0]: "invite"}


async def test_a_matrix_id_of_a_domain_that_cannot_be_asked_is_reported_and_everyone_else_is_served(
    desk: Desk, people: list[str]
) -> None:
    wrong = "@dr:hopitall.example"
    report, _ = await desk.apply(_organisation([wrong, *people]))
    assert [failure.step for failure in report.failed] == [plan.NoAccount(wrong)]
    assert await desk.members("waiting:derm") == {people[0]: "invite"}


async def test_an_invite_that_is_refused_costs_nobody_else_the_room(
    desk: Desk, people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "@dr:hopitall.example"

    async def anyone(_user_id: str) -> bool:
        return True

    monkeypatch.setattr(desk.client, "account_exists", anyone)
    report, _ = await desk.apply(_organisation([wrong, *people]))
    assert {type(failure.step) for failure in report.failed} == {plan.Invite, plan.CreateRoom}
    assert {failure.step.key for failure in report.failed if isinstance(failure.step, plan.Invite)} == {
        "organisation",
        "group:derm",
        "waiting:derm",
    }
    assert await desk.members("group:derm") == {people[0]: "invite"}
    assert await desk.members("organisation") == dict.fromkeys(people, "invite")


async def test_a_room_that_is_gone_is_made_anew(desk: Desk, people: list[str]) -> None:
    organisation = _organisation(people)
    await desk.apply(organisation)
    gone = desk.names.rooms["waiting:derm"]
    await desk.client.leave(gone)
    report, _ = await desk.apply(organisation)
    assert report.failed == ()
    assert desk.names.rooms["waiting:derm"] != gone
    assert await desk.members("waiting:derm") == dict.fromkeys(people[:2], "invite")
    _, writes = await desk.apply(organisation)
    assert writes == 0


async def test_a_group_that_the_yaml_no_longer_names_is_emptied_and_stays_so(
    desk: Desk, people: list[str]
) -> None:
    organisation = _organisation(people)
    await desk.apply(organisation)
    without = replace(organisation, groups=())
    _, writes = await desk.apply(without)
    assert writes == 4
    for key in ("group:derm", "waiting:derm"):
        assert await desk.members(key) == dict.fromkeys(people[:2], "leave")
    assert await desk.members("organisation") == dict.fromkeys(people, "invite")
    _, writes = await desk.apply(without)
    assert writes == 0


async def test_a_room_that_somebody_took_off_the_list_is_emptied_all_the_same(
    desk: Desk, people: list[str]
) -> None:
    organisation = _organisation(people)
    await desk.apply(organisation)
    space = desk.names.rooms["organisation"]
    await desk.client.put_state(space, "m.space.child", desk.names.rooms["group:derm"], {})
    await desk.apply(replace(organisation, groups=()))
    for key in ("group:derm", "waiting:derm"):
        assert await desk.members(key) == dict.fromkeys(people[:2], "leave")


async def test_someone_who_left_the_organisation_by_hand_before_loses_the_rest_with_the_yaml(
    desk: Desk, people: list[str]
) -> None:
    organisation = _organisation(people)
    await desk.apply(organisation)
    goes, own = people[2], space_key(people[2])
    desk.names.rooms[own] = await desk.client.create_room({"invite": [goes]})
    await desk.client.kick(desk.names.rooms["organisation"], goes)
    report, _ = await desk.apply(_organisation(people[:2]), belonged=organisation)
    assert report.failed == ()
    for key in (own, f"bot:{goes}"):
        assert await desk.members(key) == {goes: "leave"}


@dataclass
class WithQuestion(MemoryNames):
    """One question waits for every group."""

    waits: str = ""

    async def waiting_rooms(self, group: str) -> list[str]:
        return [self.waits]


async def test_who_left_a_group_by_hand_leaves_its_waiting_questions_when_the_yaml_drops_them(
    desk: Desk, people: list[str]
) -> None:
    desk.names = WithQuestion(waits=await desk.client.create_room({"invite": people[:2]}))
    organisation = _organisation(people)
    await desk.apply(organisation)
    await desk.client.kick(desk.names.rooms["group:derm"], people[1])
    fewer = replace(organisation, groups=(replace(organisation.groups[0], members=(people[0],)),))
    report, _ = await desk.apply(fewer, belonged=organisation)
    assert report.failed == ()
    inside = {m.user_id: m.membership for m in await desk.client.members(desk.names.waits)}
    assert (inside[people[0]], inside[people[1]]) == ("invite", "leave")


async def test_someone_who_leaves_the_organisation_leaves_the_bot_chat_too(
    desk: Desk, people: list[str]
) -> None:
    await desk.apply(_organisation(people))
    await desk.apply(_organisation(people[:2]))
    assert await desk.members(f"bot:{people[2]}") == {people[2]: "leave"}
    assert (await desk.members("organisation"))[people[2]] == "leave"
    _, writes = await desk.apply(_organisation(people[:2]))
    assert writes == 0


async def test_someone_who_goes_loses_their_own_rooms_and_finds_them_again_on_coming_back(
    desk: Desk, people: list[str]
) -> None:
    await desk.apply(_organisation(people))
    goes, stays, _ = people
    own, shared = space_key(goes), private_key(goes, stays)
    further = section_key(goes, Section.QUESTIONS, 2)
    for key, invited in ((own, [goes]), (further, [goes]), (shared, people[:2])):
        desk.names.rooms[key] = await desk.client.create_room({"invite": invited})
    await desk.apply(_organisation(people[1:]))
    assert await desk.members(own) == {goes: "leave"}
    assert await desk.members(further) == {goes: "leave"}
    assert await desk.members(shared) == {goes: "leave", stays: "invite"}
    _, writes = await desk.apply(_organisation(people[1:]))
    assert writes == 0
    await desk.apply(_organisation(people))
    assert await desk.members(own) == {goes: "invite"}
    assert await desk.members(shared) == {goes: "leave", stays: "invite"}


async def test_a_room_that_the_homeserver_refuses_is_reported_and_the_rest_happens(
    desk: Desk, people: list[str]
) -> None:
    organisation = _organisation(people)
    bad = replace(organisation.groups[0], key="bad", name="x" * 70_000, address="bad@h.example")
    report, _ = await desk.apply(replace(organisation, groups=(bad, *organisation.groups)))
    assert {type(failure.step) for failure in report.failed} >= {plan.CreateRoom}
    assert "waiting:derm" in desk.names.rooms


async def test_after_random_changes_nothing_is_left_to_plan(desk: Desk, people: list[str]) -> None:
    chance = random.Random(4711)
    for _ in range(4):
        inside = chance.sample(people, chance.randint(1, 3))
        groups = tuple(
            ExpertGroup(
                key,
                chance.choice([key, "Peau"]),
                f"{key}@h.example",
                tuple(chance.sample(inside, chance.randint(0, len(inside)))),
                Notify.ANNOUNCE,
                "fr",
            )
            for key in chance.sample(["derm", "cardio", "orl"], chance.randint(0, 2))
        )
        organisation = replace(_organisation(inside), groups=groups)
        report, _ = await desk.apply(organisation)
        assert report.failed == ()
        report, writes = await desk.apply(organisation)
        assert (report.done, writes) == ((), 0)


async def test_a_member_can_join_and_only_raise_a_hand_in_the_waiting_room(
    desk: Desk, synapse: LocalSynapse
) -> None:
    name = f"p{uuid.uuid4().hex[:10]}"
    token = await synapse.register_user(name, "secret")
    person = Person(synapse.url, f"@{name}:{DOMAIN}")
    person.token = token
    await desk.apply(_organisation([person.user_id]))
    await person.accept_invites()
    room = desk.names.rooms["waiting:derm"]
    card = await desk.client.send(room, "m.room.message", {"msgtype": "m.text", "body": "x"}, txn_id="c")
    await person.react(room, card, "🙋")
    with pytest.raises(Exception, match="M_FORBIDDEN"):
        await person.say(room, "non")
    await person.close()
