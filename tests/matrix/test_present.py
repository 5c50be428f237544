"""Who is in a room, by what the homeserver told."""

from __future__ import annotations

from typing import Any

from bridge.matrix.present import ROOMS, Present


def _member(room_id: Any, user_id: Any, membership: str) -> dict[str, Any]:
    content = {"membership": membership}
    return {"type": "m.room.member", "room_id": room_id, "state_key": user_id, "content": content}


def test_whoever_joined_and_did_not_leave_is_there() -> None:
    present = Present()
    present.came(
        [_member("!a", "@b:x", "join"), _member("!a", "@a:x", "join"), _member("!b", "@c:x", "join")]
    )
    present.came([_member("!a", "@d:x", "invite"), _member("!b", "@c:x", "leave")])
    assert (present.of("!a"), present.of("!b"), present.of("!c")) == (["@a:x", "@b:x"], [], [])


def test_what_is_no_membership_changes_nothing() -> None:
    present = Present()
    odd: list[Any] = [
        None,
        {},
        {"type": "m.room.member"},
        _member(3, "@a:x", "join"),
        _member("!a", None, "join"),
    ]
    present.came([*odd, {"type": "m.room.message", "room_id": "!a", "state_key": "@a:x", "content": {}}])
    assert present.of("!a") == []


def test_only_so_many_rooms_are_remembered() -> None:
    present = Present()
    for number in range(ROOMS + 1):
        present.came([_member(f"!{number}", "@a:x", "join")])
    assert present.of("!0") == []
    assert present.of(f"!{ROOMS}") == ["@a:x"]
