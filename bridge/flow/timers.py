"""Timers are effects that are due later: performing one only brings its event back into the inbox."""

from __future__ import annotations

from bridge.domain.effects import Wake
from bridge.domain.events import DraftDue
from bridge.flow.retry import MATRIX, Backoff
from bridge.ports import Outcome, Task


class Timers:
    """The performer of the timer lanes."""

    backoff: Backoff = MATRIX

    async def perform(self, task: Task) -> Outcome:
        """The time has come."""
        assert isinstance(task.effect, Wake)
        return Outcome(question_id=task.effect.question_id, events=(DraftDue(task.effect.number),))

    async def failed(self, task: Task, error: str) -> Outcome:
        """A timer that can't be set off goes off all the same."""
        return await self.perform(task)
