"""The inbox worker: takes the next input of a conversation, decides, and commits all of it at once.

Reading an input (parsing a mail, resolving a room) happens before the transaction, since it may be
slow; the question, its effects and "done" are one commit. An input that keeps failing is set aside
with its bytes, and its conversation goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import events as ev
from bridge.domain.acts import Act, Did
from bridge.domain.badges import corrected
from bridge.domain.events import Event, MailSetAside, QuestionAsked
from bridge.domain.places import moved
from bridge.domain.question import decide
from bridge.domain.state import Policy, Question
from bridge.flow.lanes import Lanes
from bridge.flow.meter import Meter
from bridge.flow.retry import INPUT, INPUT_TRIES
from bridge.flow.timelines import AWAY_S, Completeness, Timelines
from bridge.ports import Clock, NotYet, Reader, Reading, Temporary
from bridge.storage import (
    acts,
    audit,
    dialogues,
    erasure,
    inbox,
    outbox,
    presence,
    questions,
    registry,
    turns,
)
from bridge.storage.database import Database, DatabaseAway
from bridge.storage.sharing import BUSY_S, Sharing

log = structlog.get_logger()
ASK_WHO_IS_AWAY = (
    ev.QuestionAsked,
    ev.PatientWrote,
    ev.Ordered,
    ev.Instructed,
    ev.Reacted,
    ev.OwnerGone,
    ev.AlarmRang,
    ev.DigestDue,
    ev.BotAsked,
)
"""Events whose decision depends on who is there."""


class Erased(Exception):
    """There was this question once; nothing brings it back."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What one event led to: lanes with something to do, and the question before and after."""

    lanes: Sequence[outbox.Lane]
    before: Question | None
    after: Question | None


@dataclass(slots=True)
class Inbox:
    """The worker over all conversations. ``timelines`` sees to it that no event is decided too early."""

    database: Database
    sharing: Sharing
    clock: Clock
    readers: dict[str, Reader]
    policy: Policy
    wake_outbox: outbox.Wake
    at_once: int = 16
    timelines: Timelines | None = None
    meter: Meter = field(default_factory=Meter)
    lanes: Lanes[str, inbox.Input] = field(init=False)
    _doubted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lanes = Lanes("inbox", self._drain, at_once=self.at_once)

    async def take(self, arrivals: Sequence[inbox.Arrival]) -> None:
        """Store inputs durably; when this returns they may be acknowledged.

        Other processes aren't told: this one does the work, and if it dies, their next scan finds it.
        """
        gained = tuple(dict.fromkeys(arrival.conversation for arrival in arrivals))
        rows = [arrival.row for arrival in arrivals]
        first = await self.database.take(rows, self.clock.now().timestamp())
        if first is not None:
            self.lanes.nudge(first.conversation, first=first)
        else:
            self.wake(gained)

    def wake(self, conversations: Sequence[str]) -> None:
        """These conversations have something to do."""
        for conversation in conversations:
            self.lanes.nudge(conversation)

    async def scan(self) -> None:
        """Find everything that waits, longest due first: at start, and in case a nudge was lost."""
        now = self.clock.now().timestamp()
        async with self.database.reading() as connection:
            waiting = await inbox.pending(connection)
        for conversation, due_at in sorted(waiting.items(), key=itemgetter(1)):
            self.lanes.nudge(conversation, max(0.0, due_at - now))

    async def _drain(self, conversation: str, first: inbox.Input | None) -> float | None:
        async with self.sharing.claimed("inbox", conversation) as ours:
            return await self._drain_ours(conversation, first) if ours else BUSY_S

    def doubt(self, room_id: str) -> None:
        """The homeserver may have lost events of this room: compare it before anything else."""
        self._doubted.add(room_id)
        self.lanes.nudge(room_id)

    @property
    def doubted(self) -> int:
        """How many rooms wait to be compared."""
        return len(self._doubted)

    async def _drain_ours(self, conversation: str, first: inbox.Input | None = None) -> float | None:
        if conversation in self._doubted and self.timelines is not None:
            try:
                await self.timelines.compare(conversation, note=True)
            except Temporary as error:
                return error.retry_after or AWAY_S
            self._doubted.discard(conversation)
            first = None
        item = first or await self._head(conversation)
        over = self.lanes.turn()
        while item is not None and not self.lanes.stopping:
            if over():
                return 0.0
            wait_s = item.due_at - self.clock.now().timestamp()
            if wait_s > 0:
                return wait_s
            completeness = await self._completeness(item)
            if completeness is Completeness.UNKNOWN:
                return AWAY_S
            if completeness is Completeness.CHANGED:
                item = await self._head(conversation)
            else:
                item = await self._process(item, unsure=completeness is Completeness.UNSURE)
        return None

    async def _head(self, conversation: str) -> inbox.Input | None:
        return await self.database.read(lambda connection: inbox.head(connection, conversation))

    async def _completeness(self, item: inbox.Input) -> Completeness:
        if self.timelines is None or item.kind != "matrix":
            return Completeness.COMPLETE
        return await self.timelines.complete(item)

    async def _process(self, item: inbox.Input, *, unsure: bool) -> inbox.Input | None:
        """Decide an input; returns what is its conversation's next one then."""
        try:
            reading = await self.readers[item.kind](item)
            return await self._commit(item, reading, unsure=unsure)
        except questions.Conflict:
            log.info("inbox.decide_again", input=item.id)
        except Erased:
            await self._drop(item)
        except DatabaseAway:
            raise  # not the input's fault: its tries aren't counted
        except NotYet as error:
            await self._again(item, error)
        except Exception as error:
            # The exception's text may quote the patient: only its type is logged.
            log.error("inbox.failed", input=item.id, kind=item.kind, error=type(error).__name__)
            await self._again(item, error)
        return await self._head(item.conversation)

    async def _commit(self, item: inbox.Input, reading: Reading, *, unsure: bool) -> inbox.Input | None:
        now = self.clock.now()
        lanes: list[outbox.Lane] = []
        changes: list[Decided] = []

        heads: dict[outbox.Lane, outbox.Row | None] = {}

        async def work(connection: AsyncConnection) -> inbox.Input | None:
            for blob in reading.blobs:
                await registry.keep_blob(connection, blob, reading.question_id)
            for event in reading.events:
                decided = await self._decide(connection, reading.question_id, event)
                lanes.extend(decided.lanes)
                changes.append(decided)
            if reading.counts:
                await turns.note(connection, item.key, reading.counts, now.timestamp())
            if reading.hold:
                await inbox.quarantine(connection, item.id, reading.hold)
            elif not await inbox.done(connection, item.id, unsure=unsure, forget=reading.forget):
                raise questions.Conflict(item.key)
            await self.sharing.tell(connection, "outbox", [outbox.lane_name(lane) for lane in lanes])
            if self.database.sqlite:  # nobody else can have performed it before we do
                heads.update([(lane, await outbox.head(connection, lane)) for lane in lanes[:1]])
            return await inbox.head(connection, item.conversation)

        following = await self.database.write(work)
        if reading.hold:
            log.warning("inbox.held", input=item.id, reason=reading.hold)
        self.meter.inputs.labels(item.kind, "held" if reading.hold else "decided").inc()
        for change in changes:
            self.meter.changed(change.before, change.after)
        self.meter.decided_after.observe(max(0.0, now.timestamp() - item.received_at))
        self.wake_outbox(lanes, heads)
        return following

    async def _decide(self, connection: AsyncConnection, question_id: str, event: Event) -> Decided:
        now = self.clock.now()
        before = await questions.load(connection, question_id) if question_id else None
        if before is None and question_id and await erasure.was_erased(connection, question_id):
            raise Erased
        policy = self.policy
        if isinstance(event, ASK_WHO_IS_AWAY):
            policy = replace(policy, away=await presence.away(connection, now.timestamp()))
        if isinstance(event, ev.BotAsked):
            event = replace(event, dialogue=await dialogues.load(connection, event.author.user_id))
        decision = decide(before.question if before else None, event, now, policy)
        question = decision.question
        if question is not None and (before is None or question != before.question):
            await questions.save(connection, question, before, now.timestamp())
        if isinstance(event, QuestionAsked) and question is not None:
            await registry.add_token(connection, question.token, question.id)
        if decision.dialogue is not None:
            await dialogues.keep(connection, decision.dialogue)
        known = question.id if question is not None else question_id
        await acts.add(connection, known, decision.acts, now.timestamp())
        await self._audit(connection, question, decision.acts)
        earlier = before.question if before else None
        effects = (*decision.effects, *moved(earlier, question, before.version if before else 0))
        if policy.acting:
            effects += corrected(decision.effects)
        lanes = await outbox.add(connection, effects, now.timestamp(), self.database.process)
        return Decided(lanes, earlier, question)

    async def _audit(
        self, connection: AsyncConnection, question: Question | None, done: Sequence[Act]
    ) -> None:
        """What takes a patient's words out of here is for the organisation's own control, too."""
        for act in done:
            if act.did == Did.EXPORTED and question is not None:
                entry = audit.Entry(
                    act.actor, "question.export", question.reference, at=self.clock.now().timestamp()
                )
                await audit.note(connection, entry)

    async def _drop(self, item: inbox.Input) -> None:
        """What comes late for an erased question is forgotten as it comes."""
        async with self.database.transaction() as connection:
            await erasure.empty_input(connection, item.id)
        log.info("inbox.erased", input=item.id, kind=item.kind)

    async def _again(self, item: inbox.Input, error: Exception) -> None:
        if item.attempts + 1 >= INPUT_TRIES:
            await self._set_aside(item, type(error).__name__)
            return
        now = self.clock.now().timestamp()
        wait_s = INPUT.next_wait(item.attempts, 0.0) or 0.0
        async with self.database.transaction() as connection:
            await inbox.retry(connection, item.id, type(error).__name__, now + wait_s)

    async def _set_aside(self, item: inbox.Input, error: str) -> None:
        """Keep it for the admin; the owner of the question that a mail belongs to learns that it is held."""
        lanes: Sequence[outbox.Lane] = ()
        async with self.database.transaction() as connection:
            await inbox.quarantine(connection, item.id, error)
            if item.kind == "mail" and await questions.load(connection, item.conversation):
                held = MailSetAside(item.key, "held")
                lanes = (await self._decide(connection, item.conversation, held)).lanes
                await self.sharing.tell(connection, "outbox", [outbox.lane_name(lane) for lane in lanes])
        log.error("inbox.quarantined", input=item.id, kind=item.kind, error=error)
        self.meter.inputs.labels(item.kind, "quarantined").inc()
        self.wake_outbox(lanes)
