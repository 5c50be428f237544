"""What performers and readers may look up, answered from the database."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.content import Sent
from bridge.domain.state import Question
from bridge.ports import Json
from bridge.storage import inbox, inforce, outbox, outgoing, people, questions, registry
from bridge.storage.arrivals import matrix_arrivals
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival

Take = Callable[[Sequence[Arrival]], Awaitable[None]]


OF_QUESTIONS = ("question", "former")
"""Kinds of rooms that questions are asked in, or were until they moved on."""
REMEMBERED = 2000
"""Results that a process remembers: what an effect brought never changes, and the next ones ask for it."""


@dataclass(frozen=True, slots=True)
class StoredNames:
    """The :class:`bridge.ports.Names` of one database."""

    database: Database
    take: Take
    listing_limit: int
    noted: Callable[[str, str], None] = lambda _key, _room_id: None
    """Told of each room that is remembered, by key."""
    _results: OrderedDict[str, Json] = field(default_factory=OrderedDict)

    async def room_id(self, key: str) -> str | None:
        """The Matrix room ID of one of our rooms."""
        return await self.database.look(lambda connection: registry.room_id(connection, key))

    async def room_key(self, room_id: str) -> str | None:
        """Which of our rooms has this room ID."""
        return await self.database.look(lambda connection: registry.room_key(connection, room_id))

    async def in_room(self, room_id: str) -> tuple[str | None, Question | None]:
        """The same, with the question whose room it is or was, as that is now."""

        async def work(connection: AsyncConnection) -> tuple[str | None, Question | None]:
            key = await registry.room_key(connection, room_id)
            kind, _, rest = (key or "").partition(":")
            if kind not in OF_QUESTIONS:
                return key, None
            stored = await questions.load(connection, rest.partition(":")[0])
            return key, stored.question if stored else None

        return await self.database.look(work)

    async def rooms_of(self, kind: str) -> dict[str, str]:
        """All our rooms of one kind, room IDs by key."""
        return await self.database.read(lambda connection: registry.rooms_of(connection, kind))

    async def remember(self, key: str, room_id: str) -> None:
        """Note the room ID of one of our rooms."""
        async with self.database.transaction() as connection:
            await registry.remember_room(connection, key, room_id)
        self.noted(key, room_id)

    async def anchored(self, event_id: str) -> str | None:
        """The question a card stands for."""
        return await self.database.look(lambda connection: registry.anchored(connection, event_id))

    async def offering(self, user_id: str) -> bool:
        """Whether an offer to someone is not yet recorded as made."""
        return await self.database.read(
            lambda connection: outbox.awaits(connection, f"bot:{user_id}", "Offer")
        )

    async def card(self, room_key: str) -> str | None:
        """The message that is kept edited in this room."""
        return await self.database.read(lambda connection: people.card(connection, room_key))

    async def result(self, key: str) -> Json | None:
        """What an effect brought, or ``None`` while it hasn't been performed."""
        if (known := self._results.get(key)) is not None:
            return known
        found = await self.database.look(lambda connection: outbox.result(connection, key))
        if found is not None:
            self._remember(key, found)
        return found

    def brought(self, key: str, result: Json) -> None:
        """An effect was just recorded as performed, with this result."""
        self._remember(key, json.loads(json.dumps(result)))  # as it is read back

    def _remember(self, key: str, result: Json) -> None:
        self._results[key] = result
        if len(self._results) > REMEMBERED:
            self._results.popitem(last=False)

    async def blob(self, digest: str) -> bytes | None:
        """Kept bytes by their SHA-256."""
        return await self.database.read(lambda connection: registry.blob(connection, digest))

    async def handing_over(self, task_id: int, body: bytes) -> None:
        """Note that the mail server is about to get a mail's body: from now on its bytes are fixed."""
        await self.database.write(lambda connection: outbox.hand_over(connection, task_id, body))

    async def not_taken(self, task_id: int) -> None:
        """Note that the mail server refused the body it was offered."""
        await self.database.write(lambda connection: outbox.not_taken(connection, task_id))

    async def sent(self, question_id: str) -> dict[str, list[Sent]]:
        """The lines of a question's owners as they left, in order, by the event they came from."""
        return await self.database.read(lambda connection: outgoing.sent(connection, question_id))

    async def planned(self, key: str) -> bool:
        """Whether an effect is still to be performed."""
        return await self.database.look(lambda connection: outbox.planned(connection, key))

    async def followed(self, task_id: int) -> bool:
        """Whether another effect waits in the lane of this one."""
        return await self.database.read(lambda connection: outbox.followed(connection, task_id))

    async def waiting(self, group: str) -> int:
        """How many questions of a group wait."""
        return await self.database.read(lambda connection: questions.count_waiting(connection, group))

    async def waiting_rooms(self, group: str) -> list[str]:
        """The rooms of a group's questions that nobody has taken."""
        return await self.database.read(lambda connection: inforce.waiting_rooms(connection, group))

    async def listing(self, group: str, question_id: str) -> int:
        """The generation of the group's listing that names this question."""
        async with self.database.transaction() as connection:
            return await registry.listing_generation(connection, group, question_id, self.listing_limit)

    async def take_events(self, events: Sequence[Json]) -> None:
        """Take Matrix events into the inbox, as a transaction would; known ones change nothing."""
        await self.take(matrix_arrivals(events))

    async def heard(self, event_id: str) -> Json | None:
        """An event that somebody sent into one of our rooms, as long as it is kept."""
        async with self.database.reading() as connection:
            found = await inbox.by_key(connection, f"matrix:{event_id}")
        return json.loads(found.payload) if found is not None and found.payload else None

    async def question(self, question_id: str) -> Question | None:
        """A question as it is now."""
        stored = await self.database.look(lambda connection: questions.load(connection, question_id))
        return stored.question if stored else None

    async def question_of_token(self, token: str) -> str | None:
        """The question whose reply address carries this token."""
        return await self.database.look(lambda connection: registry.question_of_token(connection, token))
