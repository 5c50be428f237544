"""How a question room differs from what the database says of its question: pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.state import Question, Status
from bridge.matrix import rooms
from bridge.matrix.outlet import Place
from bridge.ports import Json

INSIDE = ("join", "invite", "knock")


def wanted_state(question: Question, place: Place, *, room_version: str, group_space: str) -> dict[str, Json]:
    """The state events, by type, that decide who may read and speak."""
    taken = question.status is Status.TAKEN
    return {
        "m.room.power_levels": rooms.power_levels(
            bot=place.bot,
            ghost=place.ghost(question.ghost),
            room_version=room_version,
            owner=question.owner if taken else None,
            locked=taken,
        ),
        "m.room.join_rules": {"join_rule": "invite"} if taken else rooms.restricted_to(group_space),
        "m.room.history_visibility": {"history_visibility": "joined" if taken else "shared"},
    }


def differences(state: Sequence[Json], wanted: dict[str, Json]) -> tuple[str, ...]:
    """The types of state events that say something else; what they say beyond ours doesn't matter."""
    actual = {event["type"]: event["content"] for event in state if event.get("state_key") == ""}
    return tuple(
        kind
        for kind, content in wanted.items()
        if any(actual.get(kind, {}).get(key) != value for key, value in content.items())
    )


def intruders(state: Sequence[Json], question: Question, place: Place) -> tuple[str, ...]:
    """Who is in a taken question's room, or asked into it, without belonging there."""
    if question.status is not Status.TAKEN:
        return ()
    kept = (question.owner, place.ghost(question.ghost), place.bot)
    return tuple(
        str(event["state_key"])
        for event in state
        if event.get("type") == "m.room.member"
        and event.get("content", {}).get("membership") in INSIDE
        and event["state_key"] not in kept
    )
