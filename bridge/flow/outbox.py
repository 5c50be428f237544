"""The outbox worker: performs effects in the order of their lane and records what came of them.

An effect that this process didn't decide on, or tried before, may have been seen by the peer already: its
performer is told, and looks first. What later decisions need of a result goes back into the inbox.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.effects import NEVER_GIVEN_UP
from bridge.domain.sealing import UNBROKEN
from bridge.flow.lanes import Lanes
from bridge.flow.meter import Meter
from bridge.flow.retry import Backoff
from bridge.flow.transport import Transport
from bridge.ports import Clock, Json, Outcome, Permanent, Task, Temporary, TransportDown
from bridge.storage import inbox, outbox, people, registry
from bridge.storage.codec import encode
from bridge.storage.database import Database
from bridge.storage.sharing import BUSY_S, Sharing

log = structlog.get_logger()

BESIDES_S = 0.02
"""When to begin with what else follows from a decision."""

_Recording = asyncio.Task["outbox.Row | None"] | None
"""The record of an effect that is still being written; it brings the lane's next one."""


class Performer(Protocol):
    """Performs the effects of one kind of lane."""

    backoff: Backoff

    async def perform(self, task: Task) -> Outcome:
        """Do it, once; if ``task.started``, first find out whether it was done. Raises port errors."""

    async def failed(self, task: Task, error: str) -> Outcome:
        """It is given up: what has to be decided on because of that."""


class Insisted(Temporary):
    """The homeserver refused a step that everything after relies on; it is tried until it is done."""


@dataclass(slots=True)
class Outbox:
    """The worker over all lanes; ``performers`` is by the lane's first word."""

    database: Database
    sharing: Sharing
    clock: Clock
    performers: dict[str, Performer]
    wake_inbox: Callable[[Sequence[str]], None]
    at_once: int = 16
    meter: Meter = field(default_factory=Meter)
    brought: Callable[[str, Json], None] = lambda _key, _result: None
    """Told what each effect brought, by its key, once that is recorded."""
    lanes: Lanes[outbox.Lane, outbox.Row] = field(init=False)
    _transports: defaultdict[str, Transport] = field(init=False)
    _tried: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lanes = Lanes("outbox", self._drain, at_once=self.at_once)
        self._transports = defaultdict(Transport)

    def wake(self, lanes: Sequence[outbox.Lane], heads: outbox.Heads = outbox.NO_HEADS, /) -> None:
        """These lanes have something to do; ``heads``: what was just committed as the first in some.

        A decision names first what somebody waits for; the rest would only take its time on the processor.
        Not where there are other processes: they would be first, and have to find out what has been tried.
        """
        besides = BESIDES_S if self.database.sqlite else 0.0
        for lane in lanes[:1]:
            self.lanes.nudge(lane, first=heads.get(lane))
        for lane in lanes[1:]:
            self.lanes.nudge(lane, besides)

    async def scan(self) -> None:
        """Find everything that waits, longest due first: at start, and in case a nudge was lost."""
        now = self.clock.now().timestamp()
        async with self.database.reading() as connection:
            waiting = await outbox.pending(connection)
        for lane, due_at in sorted(waiting.items(), key=itemgetter(1)):
            self.lanes.nudge(lane, max(0.0, due_at - now))

    async def _drain(self, lane: outbox.Lane, first: outbox.Row | None) -> float | None:
        async with self.sharing.claimed("outbox", outbox.lane_name(lane)) as ours:
            return await self._drain_ours(lane, first) if ours else BUSY_S

    async def _drain_ours(self, lane: outbox.Lane, first: outbox.Row | None = None) -> float | None:
        transport = self._transports[_kind(lane)]
        row = first or await self._head(lane)
        recording: _Recording = None
        over = self.lanes.turn()
        try:
            while row is not None and not self.lanes.stopping:
                if over() and not isinstance(row.effect, UNBROKEN):
                    return 0.0
                wait_s = row.due_at - self.clock.now().timestamp()
                wait_s = max(wait_s, transport.rest())
                if wait_s > 0:
                    return wait_s
                row, recording = await self._step(row, transport, recording)
        finally:
            if recording is not None:
                await recording
        return None

    async def _step(
        self, row: outbox.Row, transport: Transport, recording: _Recording
    ) -> tuple[outbox.Row | None, _Recording]:
        """Try an effect; returns the lane's next one, and this one's record while that is being written."""
        outcome = await self._perform(row, transport)
        if recording is not None:
            row = await recording or row
        if outcome is None:
            return await self._head((row.conversation, row.lane)), None
        if row.following is None:
            return await self._finish(row, outcome), None
        return row.following, asyncio.create_task(self._finish(row, outcome), name="outbox record")

    async def _head(self, lane: outbox.Lane) -> outbox.Row | None:
        return await self.database.read(lambda connection: outbox.head(connection, lane))

    async def _perform(self, row: outbox.Row, transport: Transport) -> Outcome | None:
        """Try an effect; returns what came of it, or ``None`` when that is settled otherwise."""
        performer = self.performers[_kind((row.conversation, row.lane))]
        row = await self._doubting(row)
        try:
            with transport.trying(performer.backoff.outage):
                outcome = await performer.perform(row)
        except TransportDown as error:
            await self._wait_for_transport(row, performer, transport, error)
        except Permanent as error:
            if isinstance(row.effect, NEVER_GIVEN_UP):
                await self._retry(row, performer, Insisted(str(error)))
            else:
                await self._give_up(row, performer, error.code or str(error))
        except Temporary as error:
            await self._retry(row, performer, error)
        except Exception as error:
            log.exception("outbox.crashed", effect=type(row.effect).__name__, row=row.id)
            await self._retry(row, performer, Temporary(type(error).__name__))
        else:
            return outcome
        return None

    async def _doubting(self, row: outbox.Row) -> outbox.Row:
        """Note a try. The first one of the process that decided on the effect needs no doubt.

        Another one that tries before it leaves word: if it dies, the one that decided would know nothing.
        """
        ours = row.process == self.database.process
        doubtful = row.started or not ours or row.id in self._tried
        self._tried.add(row.id)
        if not ours and not row.started and not self.database.sqlite:
            now = self.clock.now().timestamp()
            await self.database.write(lambda connection: outbox.start(connection, row.id, now))
        return replace(row, started=doubtful)

    async def _finish(self, row: outbox.Row, outcome: Outcome, error: str | None = None) -> outbox.Row | None:
        now = self.clock.now().timestamp()
        arrivals = [
            inbox.Arrival(
                key=f"result:{row.key}:{number}",
                kind="result",
                conversation=outcome.question_id,
                payload=encode(event).encode(),
                recipient=outcome.question_id,
                sender=type(event).__name__,
            )
            for number, event in enumerate(outcome.events)
        ]

        async def work(connection: AsyncConnection) -> tuple[bool, tuple[str, ...], outbox.Row | None]:
            performed = False
            if error is None:
                performed = await outbox.finish(connection, row.id, outcome.result, now)
            else:
                await outbox.fail(connection, row.id, error, now)
            await _note(connection, row, outcome)
            gained = await inbox.put(connection, arrivals, now)
            await self.sharing.tell(connection, "inbox", gained)
            return performed, gained, await outbox.head(connection, (row.conversation, row.lane))

        performed, gained, following = await self.database.write(work)
        if performed:
            self.brought(row.key, outcome.result)
        self._tried.discard(row.id)
        self._count(row, "done" if error is None else "failed")
        log.debug("outbox.done", effect=type(row.effect).__name__, row=row.id, failed=error is not None)
        self.wake_inbox(gained)
        return following

    async def _retry(self, row: outbox.Row, performer: Performer, error: Temporary) -> None:
        now = self.clock.now().timestamp()
        wait_s = performer.backoff.next_wait(row.attempts, now - row.created_at, error.retry_after)
        if wait_s is None and not isinstance(row.effect, NEVER_GIVEN_UP):
            await self._give_up(row, performer, "expired")
            return
        wait_s = performer.backoff.later if wait_s is None else wait_s
        self._count(row, "retried")
        log.warning("outbox.retry", effect=type(row.effect).__name__, row=row.id, wait=round(wait_s, 1))
        async with self.database.transaction() as connection:
            await outbox.retry(connection, row.id, type(error).__name__, now + wait_s)

    async def _wait_for_transport(
        self, row: outbox.Row, performer: Performer, transport: Transport, error: TransportDown
    ) -> None:
        """It isn't this effect's fault: its tries aren't counted, only its age."""
        now = self.clock.now().timestamp()
        expired = performer.backoff.next_wait(0, now - row.created_at) is None
        if expired and not isinstance(row.effect, NEVER_GIVEN_UP):
            await self._give_up(row, performer, "expired")
            return
        self._count(row, "postponed")
        async with self.database.transaction() as connection:
            await outbox.postpone(connection, row.id, type(error).__name__, now + transport.rest())

    def _count(self, row: outbox.Row, outcome: str) -> None:
        self.meter.effects.labels(_kind((row.conversation, row.lane)), outcome).inc()

    async def _give_up(self, row: outbox.Row, performer: Performer, error: str) -> None:
        log.error("outbox.given_up", effect=type(row.effect).__name__, row=row.id, code=error[:60])
        await self._finish(row, await performer.failed(row, error), error)


async def _note(connection: AsyncConnection, row: outbox.Row, outcome: Outcome) -> None:
    """Keep the names that came of an effect."""
    for key, room_id in outcome.rooms.items():
        await registry.remember_room(connection, key, room_id)
    for event_id, question_id in outcome.anchors.items():
        await registry.anchor(connection, event_id, question_id)
    await registry.mention(connection, row.key, outcome.mentions)
    for room_key, card in outcome.cards.items():
        await people.keep_card(connection, room_key, card)


def _kind(lane: outbox.Lane) -> str:
    """Which transport a lane goes by."""
    return lane[1].split(":")[0]
