"""Who is in a room, as far as the homeserver's transactions told this process: a guess, not the truth.

It saves a look at the members where one follows in any case, such as before a removal.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.ports import Json

ROOMS = 500
"""Rooms that are remembered; the one that changed longest ago is forgotten first."""


@dataclass(slots=True)
class Present:
    """The latest members of rooms."""

    _joined: OrderedDict[str, set[str]] = field(default_factory=OrderedDict)

    def came(self, events: Sequence[Json]) -> None:
        """These events came, in this order."""
        for event in events:
            if isinstance(event, dict) and event.get("type") == "m.room.member":
                self._moved(event.get("room_id"), event.get("state_key"), event.get("content"))

    def _moved(self, room_id: object, user_id: object, content: object) -> None:
        if not (isinstance(room_id, str) and isinstance(user_id, str) and isinstance(content, dict)):
            return
        joined = self._joined.setdefault(room_id, set())
        self._joined.move_to_end(room_id)
        (joined.add if content.get("membership") == "join" else joined.discard)(user_id)
        if len(self._joined) > ROOMS:
            self._joined.popitem(last=False)

    def of(self, room_id: str) -> list[str]:
        """Who is known to be in a room."""
        return sorted(self._joined.get(room_id, ()))
