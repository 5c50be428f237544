"""What a plan means for people; and plan, apply, plan again comes to rest, for thousands of changes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.change import Change, OpenQuestions, change, keeping, without_removals
from bridge.domain.organisation import ExpertGroup, InForce, Notify, Organisation, Practitioner
from bridge.domain.plan import (
    PRESENT,
    CreateRoom,
    Invite,
    NoAccount,
    Remove,
    SetName,
    Snapshot,
    Wanted,
    plan,
    wanted_rooms,
)
from tests.domain.test_plan import BOT, CLAIRE, NURSE, PAUL, _performed

NOTHING = Snapshot()
PEOPLE = tuple(f"@p{number}:h.example" for number in range(8))


def _group(key: str, members: tuple[str, ...], name: str = "") -> ExpertGroup:
    return ExpertGroup(key, name or key, f"{key}@h.example", members, Notify.ANNOUNCE, "fr")


def _organisation(people: tuple[str, ...], *groups: ExpertGroup, name: str = "Hôpital") -> Organisation:
    return Organisation(name, "fr", tuple(Practitioner(user, user, "fr") for user in people), groups)


def _wanted(organisation: Organisation) -> tuple[Wanted, ...]:
    return wanted_rooms(
        organisation,
        namespace="c_",
        waiting_names={"fr": "En attente", "en": "En attente"},
        bot_chat_names={"fr": "Colloque"},
    )


def _found(organisation: Organisation, snapshot: Snapshot, *questions: OpenQuestions) -> Change:
    steps = plan(_wanted(organisation), snapshot, bot=BOT)
    return change(steps, snapshot, bot=BOT, organisation=organisation, questions=questions)


def _applied(organisation: Organisation, snapshot: Snapshot = NOTHING) -> Snapshot:
    return _performed(plan(_wanted(organisation), snapshot, bot=BOT), snapshot)


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    people = tuple(draw(st.lists(st.sampled_from(PEOPLE), unique=True)))
    keys = draw(st.lists(st.sampled_from(["derm", "cardio", "neuro", "orl"]), unique=True))
    members = st.lists(st.sampled_from(people), unique=True) if people else st.just([])
    names = st.sampled_from(["", "Peau", "Cœur (A+)"])
    groups = [_group(key, tuple(draw(members)), draw(names)) for key in keys]
    return _organisation(people, *groups, name=draw(st.sampled_from(["Hôpital", "Clinique"])))


@given(
    states=st.lists(organisations(), min_size=2, max_size=4), unknown=st.frozensets(st.sampled_from(PEOPLE))
)
@settings(max_examples=800, deadline=None)
def test_plan_apply_plan_again_is_empty_whatever_was_before(
    states: list[Organisation], unknown: frozenset[str]
) -> None:
    snapshot = Snapshot(without_account=unknown)
    for organisation in states:
        snapshot = _applied(organisation, snapshot)
        assert not _found(organisation, snapshot).anything


@given(before=organisations(), after=organisations())
@settings(max_examples=200, deadline=None)
def test_gains_and_losses_are_the_difference_of_who_is_where(
    before: Organisation, after: Organisation
) -> None:
    snapshot = _applied(before)
    found = _found(after, snapshot)
    then = _applied(after, snapshot)

    def inside(rooms: Snapshot) -> set[tuple[str, str]]:
        return {
            (user, key)
            for key, room in rooms.rooms.items()
            for user, membership in room.members.items()
            if membership in PRESENT and user != BOT
        }

    gained = {(access.user_id, key) for access in found.gains for key in access.rooms}
    lost = {(access.user_id, key) for access in found.loses for key in access.rooms}
    assert gained == inside(then) - inside(snapshot)
    assert lost == inside(snapshot) - inside(then)


@given(before=organisations(), after=organisations())
@settings(max_examples=200, deadline=None)
def test_what_is_held_back_takes_nothing_from_anyone(before: Organisation, after: Organisation) -> None:
    snapshot = _applied(before)
    steps, held = without_removals(plan(_wanted(after), snapshot, bot=BOT))
    then = _performed(steps, snapshot)
    for key, room in snapshot.rooms.items():
        for user, membership in room.members.items():
            assert membership not in PRESENT or then.rooms[key].members[user] in PRESENT
    kept = keeping(after, before, held)
    for group in before.groups:
        for user in group.members:
            now = kept.group(group.key)
            assert now is not None
            assert user in now.members
            assert kept.practitioner(user) is not None


def test_a_plan_is_told_by_person() -> None:
    before = _applied(_organisation((CLAIRE, PAUL, NURSE), _group("derm", (CLAIRE, PAUL))))
    found = _found(_organisation((CLAIRE, PAUL, NURSE), _group("derm", (CLAIRE, NURSE))), before)
    assert [(a.user_id, a.rooms) for a in found.gains] == [(NURSE, ("group:derm", "waiting:derm"))]
    assert [(a.user_id, a.rooms) for a in found.loses] == [(PAUL, ("group:derm", "waiting:derm"))]
    assert (found.people, found.created, found.renamed) == (3, (), ())


def test_one_person_may_always_go_but_not_a_fifth_of_many() -> None:
    crowd = _organisation(PEOPLE, _group("derm", PEOPLE))
    snapshot = _applied(crowd)
    assert not _found(_organisation(PEOPLE, _group("derm", PEOPLE[1:])), snapshot).is_large(0.0)
    assert _found(_organisation(PEOPLE, _group("derm", PEOPLE[2:])), snapshot).is_large(0.2)
    assert not _found(_organisation(PEOPLE, _group("derm", PEOPLE[2:])), snapshot).is_large(0.25)


def test_an_account_that_is_missing_is_told_but_is_no_change() -> None:
    organisation = _organisation((CLAIRE, PAUL), _group("derm", (CLAIRE, PAUL)))
    snapshot = _applied(organisation, Snapshot(without_account=frozenset({PAUL})))
    found = _found(organisation, snapshot)
    assert (found.without_account, found.anything) == ((PAUL,), False)


def test_open_questions_without_a_place_are_told() -> None:
    organisation = _organisation((CLAIRE, PAUL), _group("derm", (CLAIRE,)), _group("vide", ()))
    found = _found(
        organisation,
        _applied(organisation),
        OpenQuestions("derm", "", 3),
        OpenQuestions("derm", CLAIRE, 1),
        OpenQuestions("derm", PAUL, 2),
        OpenQuestions("derm", NURSE, 4),
        OpenQuestions("vide", "", 5),
        OpenQuestions("gone", "", 6),
    )
    outcomes = {(c.questions.group, c.questions.owner): c.outcome for c in found.consequences}
    assert outcomes == {
        ("derm", PAUL): "stay",
        ("derm", NURSE): "leaderless",
        ("vide", ""): "unattended",
        ("gone", ""): "unattended",
    }


def test_steps_of_a_plan_are_each_told_once() -> None:
    old = _organisation((CLAIRE, PAUL), _group("derm", (CLAIRE, PAUL)), name="Avant")
    new = _organisation((CLAIRE,), _group("derm", (CLAIRE,)), _group("neuro", (CLAIRE,)))
    found = _found(new, _applied(old))
    told = (
        len(found.created)
        + len(found.renamed)
        + len(found.listed)
        + sum(len(access.rooms) for access in (*found.gains, *found.loses))
    )
    kinds = (CreateRoom, SetName, Invite, Remove, NoAccount)
    assert told == len(found.steps)
    assert sum(isinstance(step, kinds) for step in found.steps) + len(found.listed) == len(found.steps)


def test_the_organisation_in_force_is_exchanged_under_everyone_who_holds_it() -> None:
    first = _organisation((CLAIRE,), _group("derm", (CLAIRE,)))
    second = replace(_organisation((CLAIRE, PAUL), _group("neuro", (PAUL,))), admins=(PAUL,))
    held: Organisation = InForce(first)
    assert held.group("derm") is first.groups[0]
    assert held.practitioner(PAUL) is None
    assert isinstance(held, InForce)
    held.exchange(second)
    assert held.group("derm") is None
    assert held.group_of_address("NEURO@h.example") is second.groups[0]
    assert (held.practitioner(PAUL), held.admins, held.name) == (second.practitioners[1], (PAUL,), "Hôpital")
