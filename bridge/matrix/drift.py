"""How a question room differs from what the database says of its question: pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.state import Question, Status
from bridge.matrix import rooms
from bridge.matrix.outlet import Place
from bridge.ports import Json

INSIDE = ("join", "invite", "knock")


OPEN_TO_GROUP = (Status.WAITING, Status.WITHDRAWN)
"""Where the group's members may be in the room."""
OVER = (Status.CLOSED, Status.ARCHIVED, Status.WITHDRAWN)
"""Where nobody writes, which is what ``SetSpeaking`` brought into the room."""


def open_to_group(question: Question) -> bool:
    """Whether the group's members may be in the room; not where an opinion was taken back."""
    recalled = question.link is not None and question.link.recalled
    return question.status in OPEN_TO_GROUP and not recalled


def wanted_state(
    question: Question, place: Place, *, room_version: str, spaces: Sequence[str]
) -> dict[str, Json]:
    """The state events, by type, that decide who may read and speak. ``spaces``: whose members may join."""
    taken = not open_to_group(question)
    closed = taken or question.by_invitation
    return {
        "m.room.power_levels": rooms.power_levels(
            bot=place.bot,
            ghost=place.ghost(question.ghost),
            room_version=room_version,
            owner=(question.owner or None) if taken else None,
            locked=question.status is not Status.WAITING,
            closed=question.status in OVER,
        ),
        "m.room.join_rules": {"join_rule": "invite"} if closed else rooms.restricted_to(*spaces),
        "m.room.history_visibility": {"history_visibility": "joined" if taken else "shared"},
    }


def differences(state: Sequence[Json], wanted: dict[str, Json]) -> tuple[str, ...]:
    """The types of state events that say something else; what they say beyond ours doesn't matter."""
    actual = {event["type"]: event["content"] for event in state if event.get("state_key") == ""}
    return tuple(
        kind
        for kind, content in wanted.items()
        if any(not _same(actual.get(kind, {}).get(key), value) for key, value in content.items())
    )


def _same(actual: object, wanted: object) -> bool:
    """An owner who was asked in reads from then on, who was inside from when they came: both are right."""
    return actual == wanted or (wanted == "joined" and actual == "invited")


def intruders(state: Sequence[Json], question: Question, place: Place) -> tuple[str, ...]:
    """Who is in a question's room, or asked into it, without belonging there."""
    inside = (
        str(event["state_key"])
        for event in state
        if event.get("type") == "m.room.member" and event.get("content", {}).get("membership") in INSIDE
    )
    if open_to_group(question):
        return tuple(user_id for user_id in inside if user_id == question.about)
    kept = (question.owner, place.ghost(question.ghost), place.bot)
    return tuple(user_id for user_id in inside if user_id not in kept)
