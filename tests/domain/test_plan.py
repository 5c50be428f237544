"""The plan: every difference between YAML and homeserver has its step, and nothing else has one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.organisation import ExpertGroup, Notify, Organisation, Practitioner
from bridge.domain.plan import (
    Actual,
    AddChild,
    CreateRoom,
    Invite,
    NoAccount,
    Remove,
    RoomKind,
    SetName,
    Snapshot,
    Step,
    Wanted,
    bot_chat_alias,
    plan,
    wanted_rooms,
)

BOT = "@colloque:h.example"
CLAIRE, PAUL, NURSE = "@claire:h.example", "@paul:h.example", "@nurse:h.example"
EVE = "@eve:elsewhere.example"
GROUP, WAITING = "group:derm", "waiting:derm"


def _organisation(people: tuple[str, ...], members: tuple[str, ...]) -> Organisation:
    practitioners = tuple(Practitioner(user, user, "fr") for user in people)
    group = ExpertGroup("derm", "Dermatologie", "derm@h.example", members, Notify.ANNOUNCE, "fr")
    return Organisation("Hôpital", "fr", practitioners, (group,))


def _wanted(
    people: tuple[str, ...] = (CLAIRE, PAUL, NURSE), members: tuple[str, ...] = (CLAIRE, PAUL)
) -> tuple[Wanted, ...]:
    return wanted_rooms(
        _organisation(people, members),
        namespace="colloque_",
        waiting_names={"fr": "En attente", "en": "En attente"},
        bot_chat_names={"fr": "Colloque"},
    )


def _as_wanted(rooms: tuple[Wanted, ...]) -> Snapshot:
    """A homeserver that has it all; everyone has joined."""
    actual = {
        room.key: Actual(f"!{room.key}", room.name, dict.fromkeys((BOT, *room.members), "join"))
        for room in rooms
    }
    for room in rooms:
        if room.parent:
            above = actual[room.parent]
            actual[room.parent] = replace(above, children=above.children | {f"!{room.key}"})
    return Snapshot(actual)


def _changed(snapshot: Snapshot, key: str, **changes: object) -> Snapshot:
    room = replace(snapshot.rooms[key], **changes)  # type: ignore[arg-type]
    return replace(snapshot, rooms=snapshot.rooms | {key: room})


def _with_member(snapshot: Snapshot, key: str, user_id: str, membership: str) -> Snapshot:
    return _changed(snapshot, key, members=snapshot.rooms[key].members | {user_id: membership})


def _without(snapshot: Snapshot, key: str) -> Snapshot:
    return replace(snapshot, rooms={k: room for k, room in snapshot.rooms.items() if k != key})


def test_what_is_as_wanted_takes_no_step() -> None:
    rooms = _wanted()
    assert plan(rooms, _as_wanted(rooms), bot=BOT) == ()


def test_a_cold_start_makes_every_room_before_it_is_listed_or_filled() -> None:
    steps = plan(_wanted(), Snapshot(), bot=BOT)
    made: list[str] = []
    for step in steps:
        match step:
            case CreateRoom(wanted):
                made.append(wanted.key)
            case AddChild(key, child):
                assert key in made
                assert child in made
            case Invite(key, _):
                assert key in made
    assert made == ["organisation", GROUP, WAITING, f"bot:{CLAIRE}", f"bot:{PAUL}", f"bot:{NURSE}"]
    assert [s for s in steps if isinstance(s, AddChild)] == [
        AddChild("organisation", GROUP),
        AddChild(GROUP, WAITING),
    ]


def test_only_a_bot_chat_invites_with_its_creation_so_that_one_refusal_costs_one_person() -> None:
    steps = plan(_wanted(), Snapshot(), bot=BOT)
    for step in steps:
        if isinstance(step, CreateRoom):
            direct = step.wanted.kind is RoomKind.BOT_CHAT
            assert step.invite == (step.wanted.members if direct else ())
    assert [s.user_id for s in steps if isinstance(s, Invite) and s.key == GROUP] == [CLAIRE, PAUL]


@pytest.mark.parametrize("name", ["Dermatologie", "Dermatologie (3)", "Dermatologie (120)"])
def test_a_group_space_may_show_how_many_wait(name: str) -> None:
    rooms = _wanted()
    assert plan(rooms, _changed(_as_wanted(rooms), GROUP, name=name), bot=BOT) == ()


@pytest.mark.parametrize("name", ["", "Dermatologie ()", "Dermatologie (x)", "Peau", "Dermatologie (3) "])
def test_any_other_name_of_a_group_space_is_put_right(name: str) -> None:
    rooms = _wanted()
    snapshot = _changed(_as_wanted(rooms), GROUP, name=name)
    assert plan(rooms, snapshot, bot=BOT) == (SetName(GROUP, "Dermatologie"),)


def test_only_a_group_space_counts_in_its_name() -> None:
    rooms = _wanted()
    snapshot = _changed(_as_wanted(rooms), "organisation", name="Hôpital (3)")
    assert plan(rooms, snapshot, bot=BOT) == (SetName("organisation", "Hôpital"),)


def test_signs_in_a_group_name_mean_themselves() -> None:
    rooms = tuple(replace(r, name="Derm. (A+)") if r.key == GROUP else r for r in _wanted())
    right = _as_wanted(rooms)
    assert plan(rooms, _changed(right, GROUP, name="Derm. (A+) (2)"), bot=BOT) == ()
    assert plan(rooms, _changed(right, GROUP, name="DermX (A+)"), bot=BOT) == (SetName(GROUP, "Derm. (A+)"),)


@pytest.mark.parametrize(
    ("membership", "steps"),
    [
        ("join", ()),
        ("invite", ()),
        ("leave", (Invite(WAITING, PAUL),)),
        ("ban", (Invite(WAITING, PAUL),)),
        ("knock", (Invite(WAITING, PAUL),)),
    ],
)
def test_a_member_is_there_when_joined_or_invited(membership: str, steps: tuple[Step, ...]) -> None:
    rooms = _wanted()
    assert plan(rooms, _with_member(_as_wanted(rooms), WAITING, PAUL, membership), bot=BOT) == steps


@pytest.mark.parametrize("key", ["organisation", GROUP, WAITING, f"bot:{CLAIRE}"])
@pytest.mark.parametrize(
    ("membership", "removed"),
    [("join", True), ("invite", True), ("knock", True), ("leave", False), ("ban", False)],
)
def test_someone_the_yaml_does_not_name_is_removed_wherever_they_are(
    key: str, membership: str, removed: bool
) -> None:
    rooms = _wanted()
    steps = plan(rooms, _with_member(_as_wanted(rooms), key, EVE, membership), bot=BOT)
    assert steps == ((Remove(key, EVE),) if removed else ())


def test_someone_who_leaves_a_group_leaves_only_the_rooms_of_that_group() -> None:
    before = _as_wanted(_wanted(members=(CLAIRE, PAUL)))
    steps = plan(_wanted(members=(CLAIRE,)), before, bot=BOT)
    assert steps == (Remove(GROUP, PAUL), Remove(WAITING, PAUL))


def test_someone_who_leaves_the_organisation_leaves_everything_the_bot_chat_too() -> None:
    before = _as_wanted(_wanted())
    steps = plan(_wanted(people=(CLAIRE, NURSE), members=(CLAIRE,)), before, bot=BOT)
    rooms = (f"bot:{PAUL}", "organisation", GROUP, WAITING)
    assert steps == tuple(Remove(key, PAUL) for key in rooms)


def test_a_group_that_the_yaml_no_longer_names_is_emptied() -> None:
    rooms = _wanted()
    remaining = tuple(room for room in rooms if room.key not in (GROUP, WAITING))
    steps = plan(remaining, _as_wanted(rooms), bot=BOT)
    assert steps == tuple(Remove(key, user) for key in (GROUP, WAITING) for user in (CLAIRE, PAUL))


def test_question_rooms_in_a_group_space_are_nobodys_business_here() -> None:
    rooms = _wanted()
    right = _as_wanted(rooms)
    more = right.rooms[GROUP].children | {"!question1", "!question2"}
    assert plan(rooms, _changed(right, GROUP, children=more), bot=BOT) == ()


def test_a_room_that_is_not_listed_is_listed() -> None:
    rooms = _wanted()
    snapshot = _changed(_as_wanted(rooms), "organisation", children=frozenset({"!other"}))
    assert plan(rooms, snapshot, bot=BOT) == (AddChild("organisation", GROUP),)


def test_a_room_that_vanished_is_made_anew_and_listed() -> None:
    rooms = _wanted()
    (waiting,) = (room for room in rooms if room.key == WAITING)
    assert plan(rooms, _without(_as_wanted(rooms), WAITING), bot=BOT) == (
        CreateRoom(waiting, ()),
        Invite(WAITING, CLAIRE),
        Invite(WAITING, PAUL),
        AddChild(GROUP, WAITING),
    )


def test_someone_without_account_is_told_once_and_invited_nowhere() -> None:
    steps = plan(_wanted(), Snapshot(without_account=frozenset({PAUL})), bot=BOT)
    assert [step for step in steps if isinstance(step, NoAccount)] == [NoAccount(PAUL)]
    assert all(step.user_id != PAUL for step in steps if isinstance(step, Invite))
    assert all(PAUL not in step.invite for step in steps if isinstance(step, CreateRoom))
    assert f"bot:{PAUL}" not in {step.wanted.key for step in steps if isinstance(step, CreateRoom)}


def test_someone_whose_account_cannot_be_found_is_not_removed_for_that() -> None:
    rooms = _wanted()
    snapshot = replace(_as_wanted(rooms), without_account=frozenset({PAUL}))
    assert plan(rooms, snapshot, bot=BOT) == (NoAccount(PAUL),)


def test_a_stranger_is_removed_from_the_bot_chat_of_someone_whose_account_cannot_be_found() -> None:
    rooms = _wanted()
    snapshot = replace(_as_wanted(rooms), without_account=frozenset({PAUL}))
    steps = plan(rooms, _with_member(snapshot, f"bot:{PAUL}", EVE, "join"), bot=BOT)
    assert steps == (NoAccount(PAUL), Remove(f"bot:{PAUL}", EVE))


def test_aliases_are_fixed_and_reveal_nobody() -> None:
    aliases = {room.key: room.alias for room in _wanted()}
    assert aliases["organisation"] == "colloque_org"
    assert (aliases[GROUP], aliases[WAITING]) == ("colloque_g_derm", "colloque_w_derm")
    chat = aliases[f"bot:{CLAIRE}"]
    assert chat == bot_chat_alias("colloque_", CLAIRE)
    assert "claire" not in chat
    assert len(chat) == len("colloque_b_") + 16
    assert len(set(aliases.values())) == len(aliases)


PEOPLE = (CLAIRE, PAUL, NURSE, EVE)
MEMBERSHIPS = st.sampled_from(["join", "invite", "knock", "leave", "ban"])
ROOMS = st.builds(
    Actual,
    st.just(""),
    st.sampled_from(["", "Hôpital", "Dermatologie", "Dermatologie (2)"]),
    st.dictionaries(st.sampled_from(PEOPLE), MEMBERSHIPS),
    st.frozensets(st.sampled_from([f"!{GROUP}", f"!{WAITING}", "!question"])),
)
KEYS = st.sampled_from(["organisation", GROUP, WAITING, *(f"bot:{p}" for p in PEOPLE), "group:old"])


def _performed(steps: tuple[Step, ...], snapshot: Snapshot) -> Snapshot:
    """What a homeserver that refuses nothing is like afterwards."""
    rooms = dict(snapshot.rooms)
    for step in steps:
        match step:
            case CreateRoom(wanted, invite):
                members = {BOT: "join"} | dict.fromkeys(invite, "invite")
                rooms[wanted.key] = Actual(f"!{wanted.key}", wanted.name, members)
            case SetName(key, name):
                rooms[key] = replace(rooms[key], name=name)
            case Invite(key, user):
                rooms[key] = replace(rooms[key], members=rooms[key].members | {user: "invite"})
            case Remove(key, user):
                rooms[key] = replace(rooms[key], members=rooms[key].members | {user: "leave"})
            case AddChild(key, child):
                listed = rooms[key].children | {rooms[child].room_id}
                rooms[key] = replace(rooms[key], children=listed)
            case NoAccount():
                pass
    return replace(snapshot, rooms=rooms)


@given(
    members=st.lists(st.sampled_from([CLAIRE, PAUL, NURSE]), unique=True),
    found=st.dictionaries(KEYS, ROOMS),
    unknown=st.frozensets(st.sampled_from([CLAIRE, PAUL])),
)
def test_after_a_plan_nothing_is_left_to_do_and_nobody_is_where_they_should_not_be(
    members: list[str], found: dict[str, Actual], unknown: frozenset[str]
) -> None:
    rooms = _wanted(members=tuple(members))
    known = {key: replace(room, room_id=f"!{key}") for key, room in found.items()}
    snapshot = Snapshot(known, unknown)
    after = _performed(plan(rooms, snapshot, bot=BOT), snapshot)
    assert all(isinstance(step, NoAccount) for step in plan(rooms, after, bot=BOT))
    allowed = {room.key: {*room.members, BOT} for room in rooms}
    for key, room in after.rooms.items():
        inside = {user for user, membership in room.members.items() if membership in ("join", "invite")}
        assert inside <= allowed.get(key, {BOT})


def _out(rooms: tuple[Wanted, ...], key: str, *, belonged: bool) -> Snapshot:
    """Paul left this room by himself; he was to be in it already, or is only since now."""
    snapshot = _with_member(_as_wanted(rooms), key, PAUL, "leave")
    before = {room.key: room.members if belonged else () for room in rooms}
    return replace(_changed(snapshot, key, went=frozenset((PAUL,))), belonged=before)


@pytest.mark.parametrize("key", ["organisation", GROUP, WAITING, f"bot:{PAUL}"])
def test_who_left_a_room_by_hand_is_not_asked_in_at_each_start(key: str) -> None:
    rooms = _wanted()
    assert plan(rooms, _out(rooms, key, belonged=True), bot=BOT) == ()


def test_who_had_left_a_group_by_hand_is_still_removed_with_it() -> None:
    snapshot = _out(_wanted(), GROUP, belonged=True)
    steps = plan(_wanted(members=(CLAIRE,)), snapshot, bot=BOT)
    assert steps == (Remove(GROUP, PAUL), Remove(WAITING, PAUL))
    gone = tuple(room for room in _wanted() if room.key not in (GROUP, WAITING))
    assert Remove(GROUP, PAUL) in plan(gone, snapshot, bot=BOT)


def test_who_left_and_belongs_there_anew_is_asked_in() -> None:
    rooms = _wanted()
    assert plan(rooms, _out(rooms, GROUP, belonged=False), bot=BOT) == (Invite(GROUP, PAUL),)
