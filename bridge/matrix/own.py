"""Rooms that are people's own: discussion groups and private messages. What is said there isn't ours to keep.

The homeserver sends us everything of a room that the bot is in. What is said in these is dropped as it comes
in. Of a room that this process doesn't know yet, an event is taken in, and its bytes are dropped then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.ports import Json

KINDS = ("discussion", "private", "direct")
"""The kinds of rooms, as their keys begin."""


@dataclass(slots=True)
class OwnRooms:
    """The rooms that are known to be people's own, of this process."""

    _known: set[str] = field(default_factory=set)

    def learn(self, room_id: str) -> None:
        """This room is people's own."""
        self._known.add(room_id)

    def noted(self, key: str, room_id: str) -> None:
        """A room of ours has this key."""
        if key.partition(":")[0] in KINDS:
            self.learn(room_id)

    def sift(self, events: Sequence[Json]) -> list[Json]:
        """The events that may concern us: of people's own rooms, only who comes and goes."""
        return [event for event in events if not self._is_said_among_them(event)]

    def _is_said_among_them(self, event: Json) -> bool:
        if not isinstance(event, dict) or event.get("type") == "m.room.member":
            return False
        room_id = event.get("room_id")
        return isinstance(room_id, str) and room_id in self._known
