"""Timers are effects that are due later: performing one only brings its event back into the inbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.domain import effects as fx
from bridge.domain.events import DraftDue, Event, MarksDue, VideoDue
from bridge.flow.agenda import conflicts
from bridge.flow.retry import MATRIX, Backoff
from bridge.ports import Clock, Outcome, Permanent, Task
from bridge.storage import mails
from bridge.storage.database import Database


@dataclass(slots=True)
class Timers:
    """The performer of the timer lanes."""

    database: Database
    clock: Clock
    wake: Callable[[Sequence[str]], None]
    backoff: Backoff = MATRIX

    async def perform(self, task: Task) -> Outcome:
        """The time has come."""
        event: Event
        match task.effect:
            case fx.ReadAgain() as again:
                return await self._read_again(again)
            case fx.Wake() as wake:
                event = DraftDue(wake.number)
            case fx.WakeMarks() as wake_marks:
                event = MarksDue(wake_marks.number)
            case fx.WakeVideo() as wake_video:
                event = VideoDue(wake_video.number, wake_video.sequence)
            case fx.CheckAgenda() as check:
                async with self.database.reading() as connection:
                    event = await conflicts(connection, check)
            case _:
                raise Permanent(f"not a timer: {type(task.effect).__name__}")
        return Outcome(question_id=task.effect.question_id, events=(event,))

    async def _read_again(self, effect: fx.ReadAgain) -> Outcome:
        now = self.clock.now().timestamp()
        async with self.database.transaction() as connection:
            await mails.read_again(connection, effect.input_id, now)
        self.wake([effect.question_id])
        return Outcome()

    async def failed(self, task: Task, error: str) -> Outcome:
        """A timer that can't be set off goes off all the same."""
        return await self.perform(task)
