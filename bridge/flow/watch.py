"""Lets questions know when the net has to look at them, and when their owner has left the organisation.

The time stands with each question; one look finds those whose time has come. What it takes in is keyed by
the question's version, so that several looks, or several processes, are one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.domain.events import AlarmRang, OwnerGone
from bridge.domain.organisation import Organisation
from bridge.domain.state import Status
from bridge.ports import Clock
from bridge.storage import presence
from bridge.storage.codec import encode
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival

log = structlog.get_logger()
LOOK_S = 1.0
"""How often the net looks: one read of an index."""
ROLL_CALL_EVERY = 30
"""So many looks, and it is looked whether the owners still are of the organisation."""
FULL_S = 0.05
"""The pause after a look that found as much as one look may."""


@dataclass(slots=True)
class Watch:
    """The looks of one process."""

    database: Database
    clock: Clock
    take: Callable[[Sequence[Arrival]], Awaitable[None]]
    organisation: Organisation

    async def run(self) -> None:
        """Look until cancelled."""
        looks = 0
        while True:
            found = 0
            try:
                if looks % ROLL_CALL_EVERY == 0:
                    await self.roll_call()
                found = await self.look()
            except Exception as error:
                # Whatever it was, the next look finds the same.
                log.error("watch.failed", error=type(error).__name__)
            looks += 1
            await asyncio.sleep(FULL_S if found >= presence.AT_ONCE else LOOK_S)

    async def look(self) -> int:
        """Take in what is due; returns how many questions that were."""
        now = self.clock.now().timestamp()
        async with self.database.reading() as connection:
            found = await presence.due(connection, now)
        payload = encode(AlarmRang()).encode()
        arrivals = [
            Arrival(f"alarm:{known}:{version}", "result", known, payload, known, AlarmRang.__name__)
            for known, version in found
        ]
        if arrivals:
            await self.take(arrivals)
        return len(arrivals)

    async def roll_call(self) -> None:
        """Let open questions know whose owner has left the organisation."""
        arrivals: list[Arrival] = []
        hour = int(self.clock.now().timestamp() // 3600)
        async with self.database.reading() as connection:
            gone = [o for o in await presence.owners(connection) if not self.organisation.practitioner(o)]
            for owner in gone:
                for known, version in await presence.owned_by(connection, owner, Status.TAKEN):
                    # Once an hour: whoever was back when it was decided may be gone again.
                    arrivals.append(owner_gone(known, owner, "left", f"{version}:{hour}"))
        if arrivals:
            await self.take(arrivals)


def owner_gone(question_id: str, user_id: str, reason: str, cause: str) -> Arrival:
    """What lets a question know that its owner is gone."""
    event = OwnerGone(user_id, reason)
    return Arrival(
        key=f"gone:{question_id}:{cause}",
        kind="result",
        conversation=question_id,
        payload=encode(event).encode(),
        recipient=question_id,
        sender=type(event).__name__,
    )
