"""The :class:`bridge.domain.wishes.Wishes` of one database, and the looks for whose digest is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.domain.events import DigestDue
from bridge.domain.organisation import InForce
from bridge.domain.wishes import OFF, next_digest
from bridge.ports import Clock
from bridge.storage import wishes
from bridge.storage.codec import encode
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival

log = structlog.get_logger()
LOOK_S = 5.0
"""How often it is looked whose digest is due, and what language somebody chose in another process."""


@dataclass(frozen=True, slots=True)
class StoredWishes:
    """What people wish, kept; ``take`` puts events into the inbox."""

    database: Database
    clock: Clock
    take: Callable[[Sequence[Arrival]], Awaitable[None]]
    organisation: InForce

    async def set_language(self, user_id: str, language: str) -> None:
        """Speak with them in this language, at once."""
        async with self.database.transaction() as connection:
            await wishes.set_language(connection, user_id, language)
        await self.follow()

    async def set_digest(self, user_id: str, at: int) -> None:
        """Give them a digest at this minute of the day, or none."""
        wanted = at != OFF
        due = self._next(at) if wanted else None
        async with self.database.transaction() as connection:
            await wishes.set_digest(connection, user_id, at if wanted else None, due)

    def _next(self, at: int) -> float:
        return next_digest(self.clock.now(), at, self.organisation.time_zone).timestamp()

    async def follow(self) -> None:
        """Speak with everyone in the language that they chose."""
        async with self.database.reading() as connection:
            self.organisation.speak(await wishes.languages(connection))

    async def look(self) -> int:
        """Take in whose digest is due, each once whoever looks; returns how many."""
        async with self.database.reading() as connection:
            found = await wishes.due(connection, self.clock.now().timestamp())
        await self.take([_arrival(DigestDue(user_id, int(since))) for user_id, _, since in found])
        async with self.database.transaction() as connection:
            for user_id, at, since in found:
                await wishes.given(connection, user_id, since, self._next(at))
        return len(found)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.follow()
                await self.look()
            except Exception as error:
                log.error("wishes.failed", error=type(error).__name__)  # the next look finds the same
            await asyncio.sleep(LOOK_S)


def _arrival(event: DigestDue) -> Arrival:
    return Arrival(
        key=f"digest:{event.user_id}:{event.due}",
        kind="result",
        conversation=f"bot:{event.user_id}",
        payload=encode(event).encode(),
        sender=type(event).__name__,
    )
