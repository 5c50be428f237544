"""Goes round the live rooms: at start, after an outage, and slowly all the time.

Each room's timeline is compared (see :mod:`bridge.flow.timelines`), and each question room's state
with what the database says of it. One process of several does it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bridge.domain.effects import Planned, Restore
from bridge.domain.state import Question
from bridge.flow.meter import Meter
from bridge.ports import Clock, PortError, Temporary
from bridge.storage import outbox, questions, registry
from bridge.storage.database import Database
from bridge.storage.sharing import BUSY_S, Sharing

log = structlog.get_logger()

FAST_S, SLOW_S = 0.02, 1.0
"""The pause after each room: after an outage, and at other times."""
ROUND_S = 300.0
"""The shortest time from one slow round to the next."""
QUICK_BACK_S = 30 * 86_400.0
HEARTBEAT_S = 15.0
CALM_S = 300.0
"""How long not to go round again only because the homeserver opened a new connection to us."""
QUEUE = 32
"""So many rooms may wait to be compared before the round waits for them."""


@dataclass(slots=True)
class Repair:
    """The rounds of one process. ``doubt`` has a room compared; ``problems`` looks at a room's state."""

    database: Database
    sharing: Sharing
    clock: Clock
    meter: Meter
    alive: Callable[[], Awaitable[None]]
    pulse: Callable[[], Awaitable[None]]
    doubt: Callable[[str], None]
    doubted: Callable[[], int]
    problems: Callable[[Question], Awaitable[tuple[str, ...]]]
    settled: Callable[[Question], bool]
    wake_outbox: Callable[[Sequence[outbox.Lane]], None]
    reachable: bool = True
    _suspected: asyncio.Event = field(default_factory=asyncio.Event)
    _calm_until: float = 0.0

    def heard(self, status: int, _seconds: float) -> None:
        """The homeserver answered (0: it didn't). After an outage every room is in doubt."""
        reached = status not in (0, 502, 503, 504)
        if reached and not self.reachable:
            log.info("homeserver.back")
            self._suspected.set()
        self.reachable = reached

    def connected(self) -> None:
        """The homeserver opened a new connection for its transactions: it may have been restarted."""
        now = asyncio.get_running_loop().time()
        if now >= self._calm_until:
            self._calm_until = now + CALM_S
            self._suspected.set()

    async def run(self) -> None:
        """Go round until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeat())
            group.create_task(self._rounds())

    async def _heartbeat(self) -> None:
        while True:
            with contextlib.suppress(PortError):
                await self.alive()
            await asyncio.sleep(HEARTBEAT_S)

    async def _rounds(self) -> None:
        fast = True
        while True:
            self._suspected.clear()
            try:
                done = await self.round(FAST_S if fast else SLOW_S, wake_homeserver=fast)
            except Exception as error:
                # Whatever it was, the next round looks again.
                log.error("repair.failed", error=type(error).__name__)
                done = False
            wait_s = ROUND_S if done else HEARTBEAT_S
            fast = await self._is_suspected(wait_s) or (fast and not done)

    async def _is_suspected(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._suspected.wait(), within_s)
        return self._suspected.is_set()

    async def round(self, pause_s: float, *, wake_homeserver: bool) -> bool:
        """Look at the live rooms; ``False`` when it was cut short, or another process is at it.

        A quick round leaves out questions in which nothing happened for long: the slow ones come to them.
        """
        async with self.sharing.claimed("repair", "") as ours:
            if not ours:
                return False
            if wake_homeserver:
                await self.pulse()
            quick = pause_s <= FAST_S
            since = self.clock.now().timestamp() - QUICK_BACK_S if quick else 0.0
            looked, whole = await self._all(pause_s, since)
        log.info("repair.round", rooms=looked, quick=quick)
        return whole

    async def _all(self, pause_s: float, since: float) -> tuple[int, bool]:
        looked = 0
        async with self.database.reading() as connection:
            standing = await registry.standing_rooms(connection)
            standing += await registry.asked_rooms(connection, since)
        for room_id in standing:
            self.doubt(room_id)
            looked += await self._paused(pause_s)
        after = registry.FROM_THE_NEWEST
        while True:
            async with self.database.reading() as connection:
                page = await registry.question_rooms(connection, after, since)
            for _, question_id, room_id in page:
                await self._look(question_id, room_id)
                looked += await self._paused(pause_s)
                if self._suspected.is_set() and pause_s > FAST_S:
                    return looked, False
            if not page:
                return looked, True
            after = page[-1][0]

    async def _paused(self, pause_s: float) -> int:
        await asyncio.sleep(pause_s)
        while self.doubted() > QUEUE:
            await asyncio.sleep(BUSY_S)
        return 1

    async def _look(self, question_id: str, room_id: str) -> None:
        self.doubt(room_id)
        stored = await self._stored(question_id)
        if stored is not None and self.settled(stored.question):
            with contextlib.suppress(Temporary):
                await self._inspect(stored)

    async def _stored(self, question_id: str) -> questions.Stored | None:
        async with self.database.reading() as connection:
            return await questions.load(connection, question_id)

    async def _inspect(self, stored: questions.Stored) -> None:
        """Put back what differs, unless that is only because something is under way."""
        question = stored.question
        if await self._busy(question.id):
            return
        try:
            problems = await self.problems(question)
        except PortError as error:
            if isinstance(error, Temporary):
                raise
            log.error("repair.unreadable", question=question.reference, error=type(error).__name__)
            return
        if not problems or await self._busy(question.id) or await self._stored(question.id) != stored:
            return
        log.warning("repair.drift", question=question.reference, kinds=problems)
        for problem in problems:
            self.meter.drift.labels(problem).inc()
        now = self.clock.now().timestamp()
        # Found again within the hour, it is being tampered with, or can't be put back: no flood.
        key = f"{question.id}:restore:{','.join(problems)}:{int(now // 3600)}"
        async with self.database.transaction() as connection:
            restore = Planned(Restore(key, question.id, question.language), question.id)
            lanes = await outbox.add(connection, [restore], now, self.database.process)
            await self.sharing.tell(connection, "outbox", [outbox.lane_name(lane) for lane in lanes])
        self.wake_outbox(lanes)

    async def _busy(self, question_id: str) -> bool:
        async with self.database.reading() as connection:
            return await outbox.busy(connection, question_id)
