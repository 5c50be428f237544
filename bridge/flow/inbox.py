"""The inbox worker: takes the next input of a conversation, decides, and commits all of it at once.

Reading an input (parsing a mail, resolving a room) happens before the transaction, since it may be
slow; the question, its effects and "done" are one commit. An input that keeps failing is set aside
with its bytes, and its conversation goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.events import Event, QuestionAsked
from bridge.domain.question import decide
from bridge.domain.state import Policy
from bridge.flow.lanes import Lanes
from bridge.flow.retry import INPUT, INPUT_TRIES
from bridge.ports import Clock, NotYet, Reader, Reading
from bridge.storage import inbox, outbox, questions, registry
from bridge.storage.database import Database, DatabaseAway
from bridge.storage.sharing import BUSY_S, Sharing

log = structlog.get_logger()


@dataclass(slots=True)
class Inbox:
    """The worker over all conversations."""

    database: Database
    sharing: Sharing
    clock: Clock
    readers: dict[str, Reader]
    policy: Policy
    wake_outbox: Callable[[Sequence[outbox.Lane]], None]
    at_once: int = 16
    lanes: Lanes[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lanes = Lanes("inbox", self._drain, at_once=self.at_once)

    async def take(self, arrivals: Sequence[inbox.Arrival]) -> None:
        """Store inputs durably; when this returns they may be acknowledged."""
        async with self.database.transaction() as connection:
            gained = await inbox.put(connection, arrivals, self.clock.now().timestamp())
            await self.sharing.tell(connection, "inbox", gained)
        self.wake(gained)

    def wake(self, conversations: Sequence[str]) -> None:
        """These conversations have something to do."""
        for conversation in conversations:
            self.lanes.nudge(conversation)

    async def scan(self) -> None:
        """Find everything that waits: at start, and in case a nudge was lost."""
        now = self.clock.now().timestamp()
        async with self.database.reading() as connection:
            waiting = await inbox.pending(connection)
        for conversation, due_at in waiting.items():
            self.lanes.nudge(conversation, max(0.0, due_at - now))

    async def _drain(self, conversation: str) -> float | None:
        async with self.sharing.claimed("inbox", conversation) as ours:
            return await self._drain_ours(conversation) if ours else BUSY_S

    async def _drain_ours(self, conversation: str) -> float | None:
        while not self.lanes.stopping:
            async with self.database.reading() as connection:
                item = await inbox.head(connection, conversation)
            if item is None:
                return None
            wait_s = item.due_at - self.clock.now().timestamp()
            if wait_s > 0:
                return wait_s
            await self._process(item)
        return None

    async def _process(self, item: inbox.Input) -> None:
        try:
            reading = await self.readers[item.kind](item)
            await self._commit(item, reading)
        except questions.Conflict:
            log.info("inbox.decide_again", input=item.id)
        except DatabaseAway:
            raise  # not the input's fault: its tries aren't counted
        except NotYet as error:
            await self._again(item, error)
        except Exception as error:
            # The exception's text may quote the patient: only its type is logged.
            log.error("inbox.failed", input=item.id, kind=item.kind, error=type(error).__name__)
            await self._again(item, error)

    async def _commit(self, item: inbox.Input, reading: Reading) -> None:
        now = self.clock.now()
        lanes: list[outbox.Lane] = []
        async with self.database.transaction() as connection:
            for blob in reading.blobs:
                await registry.keep_blob(connection, blob)
            for event in reading.events:
                lanes += await self._decide(connection, reading.question_id, event)
            if reading.hold:
                await inbox.quarantine(connection, item.id, reading.hold)
            elif not await inbox.done(connection, item.id):
                raise questions.Conflict(item.key)
            await self.sharing.tell(connection, "outbox", [outbox.lane_name(lane) for lane in lanes])
        if reading.hold:
            log.warning("inbox.held", input=item.id, reason=reading.hold)
        latency = now.timestamp() - item.received_at
        log.debug("inbox.done", input=item.id, kind=item.kind, seconds=round(latency, 3))
        self.wake_outbox(lanes)

    async def _decide(
        self, connection: AsyncConnection, question_id: str, event: Event
    ) -> Sequence[outbox.Lane]:
        now = self.clock.now()
        before = await questions.load(connection, question_id) if question_id else None
        decision = decide(before.question if before else None, event, now, self.policy)
        question = decision.question
        if question is not None and (before is None or question != before.question):
            await questions.save(connection, question, before)
        if isinstance(event, QuestionAsked) and question is not None:
            await registry.add_token(connection, question.token, question.id)
        return await outbox.add(connection, decision.effects, now.timestamp())

    async def _again(self, item: inbox.Input, error: Exception) -> None:
        now = self.clock.now().timestamp()
        async with self.database.transaction() as connection:
            if item.attempts + 1 >= INPUT_TRIES:
                await inbox.quarantine(connection, item.id, type(error).__name__)
                log.error("inbox.quarantined", input=item.id, kind=item.kind, error=type(error).__name__)
                return
            wait_s = INPUT.next_wait(item.attempts, 0.0) or 0.0
            await inbox.retry(connection, item.id, type(error).__name__, now + wait_s)
