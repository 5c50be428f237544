"""Discussion groups in the plan: a room each, members in step, and who may write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain.organisation import DiscussionGroup, Organisation, Practitioner
from bridge.domain.plan import (
    Actual,
    AddChild,
    CreateRoom,
    Invite,
    Remove,
    Rights,
    RoomKind,
    SetName,
    SetRights,
    Snapshot,
    Step,
    Wanted,
    Writing,
    plan,
    wanted_rooms,
)

BOT = "@colloque:h.example"
CLAIRE, PAUL = "@claire:h.example", "@paul:h.example"
STAFF = "discussion:staff"
GROUP = DiscussionGroup("staff", "Staff", (CLAIRE, PAUL), (CLAIRE,))


def _wanted(group: DiscussionGroup | None = GROUP) -> tuple[Wanted, ...]:
    people = tuple(Practitioner(user, user, "fr") for user in (CLAIRE, PAUL))
    organisation = Organisation("Hôpital", "fr", people, (), discussions=(group,) if group else ())
    return wanted_rooms(
        organisation,
        namespace="colloque_",
        waiting_names={"fr": "En attente", "en": "En attente"},
        bot_chat_names={"fr": "Colloque"},
        archived_name="{name} (archives)",
    )


def _as_wanted(rooms: tuple[Wanted, ...]) -> Snapshot:
    actual = {
        room.key: Actual(
            f"!{room.key}", room.name, dict.fromkeys((BOT, *room.members), "join"), rights=room.rights
        )
        for room in rooms
    }
    listed = frozenset(f"!{room.key}" for room in rooms if room.parent)
    actual["organisation"] = replace(actual["organisation"], children=listed)
    return Snapshot(actual)


def _steps(after: DiscussionGroup | None) -> tuple[Step, ...]:
    """From the group as it is above to this one."""
    return plan(_wanted(after), _as_wanted(_wanted()), bot=BOT)


def test_a_discussion_group_is_a_room_in_the_organisation_space() -> None:
    (room,) = (room for room in _wanted() if room.key == STAFF)
    assert (room.kind, room.alias, room.parent) == (RoomKind.DISCUSSION, "colloque_d_staff", "organisation")
    steps = plan(_wanted(), Snapshot(), bot=BOT)
    of_the_room = [s for s in steps if STAFF in (getattr(s, "key", ""), getattr(s, "child", ""))]
    assert CreateRoom(room, ()) in steps
    assert of_the_room == [Invite(STAFF, CLAIRE), Invite(STAFF, PAUL), AddChild("organisation", STAFF)]


def test_what_is_as_wanted_takes_no_step() -> None:
    assert _steps(GROUP) == ()


@pytest.mark.parametrize(
    ("change", "rights"),
    [
        ({"announce_only": True}, Rights(frozenset({CLAIRE}), Writing.MODERATORS)),
        ({"moderators": ()}, Rights(frozenset(), Writing.MEMBERS)),
        ({"moderators": (PAUL,)}, Rights(frozenset({PAUL}), Writing.MEMBERS)),
    ],
)
def test_who_may_write_and_moderate_follows_the_yaml_in_one_step(
    change: dict[str, object], rights: Rights
) -> None:
    assert _steps(replace(GROUP, **change)) == (SetRights(STAFF, rights),)  # type: ignore[arg-type]


def test_an_archived_group_keeps_its_readers_and_nobody_writes() -> None:
    assert _steps(replace(GROUP, archived=True, announce_only=True)) == (
        SetName(STAFF, "Staff (archives)"),
        SetRights(STAFF, Rights(frozenset({CLAIRE}), Writing.NOBODY)),
    )


def test_levels_that_somebody_changed_are_put_back() -> None:
    rooms = _wanted()
    right = _as_wanted(rooms)
    changed = replace(right.rooms[STAFF], rights=None)
    snapshot = replace(right, rooms=right.rooms | {STAFF: changed})
    assert plan(rooms, snapshot, bot=BOT) == (SetRights(STAFF, Rights(frozenset({CLAIRE}))),)


def test_a_moderator_who_leaves_the_group_loses_the_right_and_the_room() -> None:
    assert _steps(replace(GROUP, members=(PAUL,), moderators=())) == (
        SetRights(STAFF, Rights()),
        Remove(STAFF, CLAIRE),
    )


def test_a_group_that_the_yaml_no_longer_names_is_emptied() -> None:
    assert _steps(None) == (Remove(STAFF, CLAIRE), Remove(STAFF, PAUL))
