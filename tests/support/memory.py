"""Names kept in memory, and a try of an effect, for tests of what performs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.domain.content import Sent
from bridge.domain.effects import Effect
from bridge.domain.state import Question
from bridge.ports import Json


@dataclass
class Try:
    """A try of one effect: a :class:`bridge.ports.Task`."""

    effect: Effect
    body: bytes | None = None
    id: int = 1
    key: str = "k"
    started: bool = False
    handing_over: bool = False
    room: str = ""
    suppressed: str = ""


@dataclass
class MemoryNames:
    """The :class:`bridge.ports.Names` of a test."""

    rooms: dict[str, str] = field(default_factory=dict)
    results: dict[str, Json] = field(default_factory=dict)
    taken: list[Json] = field(default_factory=list)
    plans: set[str] = field(default_factory=set)

    async def room_id(self, key: str) -> str | None:
        return self.rooms.get(key)

    async def room_key(self, room_id: str) -> str | None:
        return next((key for key, room in self.rooms.items() if room == room_id), None)

    async def in_room(self, room_id: str) -> tuple[str | None, Question | None]:
        return await self.room_key(room_id), None

    async def rooms_of(self, kind: str) -> dict[str, str]:
        return {key: room for key, room in self.rooms.items() if key.startswith(f"{kind}:")}

    async def remember(self, key: str, room_id: str) -> None:
        self.rooms[key] = room_id

    async def anchored(self, event_id: str) -> str | None:
        return None

    async def offering(self, user_id: str) -> bool:
        return False

    async def card(self, room_key: str) -> str | None:
        return None

    async def result(self, key: str) -> Json | None:
        return self.results.get(key)

    async def blob(self, digest: str) -> bytes | None:
        return None

    async def handing_over(self, task_id: int, body: bytes) -> None:
        return None

    async def not_taken(self, task_id: int) -> None:
        return None

    async def sent(self, question_id: str) -> dict[str, list[Sent]]:
        return {}

    async def planned(self, key: str) -> bool:
        return key in self.plans

    async def followed(self, task_id: int) -> bool:
        return False

    async def waiting(self, group: str) -> int:
        return 0

    async def waiting_rooms(self, group: str) -> list[str]:
        return []

    async def listing(self, group: str, question_id: str) -> int:
        return 1

    async def take_events(self, events: Sequence[Json]) -> None:
        self.taken += events

    async def question(self, question_id: str) -> Question | None:
        return None

    async def question_of_token(self, token: str) -> str | None:
        return None
