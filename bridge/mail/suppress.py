"""Before a mail goes out: is its address one that gave mails back?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from bridge.domain import effects as fx
from bridge.domain.delivery import STOPPED
from bridge.domain.letters import CONSENT
from bridge.flow.retry import Backoff
from bridge.ports import Outcome, Permanent, Task


class Performs(Protocol):
    """Performs effects of the mail lane."""

    backoff: Backoff

    async def perform(self, task: Task) -> Outcome:
        """Submit the mail. Raises port errors."""

    async def failed(self, task: Task, error: str) -> Outcome:
        """What follows when it can't be."""


class Suppressions(Protocol):
    """Which addresses gave mails back."""

    async def add(self, address: str, question_id: str, status: str) -> None:
        """Send nothing more there."""

    async def lift(self, address: str, *, wish: bool) -> None:
        """Send there again; where the patient wanted no e-mails, only by their own ``wish``."""

    async def stop(self, address: str, question_id: str) -> None:
        """Send nothing more there: the patient wants no e-mails."""


@dataclass(slots=True)
class Suppressing:
    """The mail lane's performer, for all addresses but those."""

    inner: Performs
    suppressions: Suppressions
    backoff: Backoff = field(init=False)

    def __post_init__(self) -> None:
        self.backoff = self.inner.backoff

    async def perform(self, task: Task) -> Outcome:
        """Submit the mail, unless its address gave one back: then it fails at once, and its owner is told.

        What a server may have taken already is settled with that server first.
        """
        effect = task.effect
        if isinstance(effect, fx.Suppress):
            return await self._note(effect)
        if (status := task.suppressed) and not task.handing_over:
            code = STOPPED if status == STOPPED else f"suppressed, {status}"
            raise Permanent(f"nothing is sent to this address: {status}", code=code)
        return await self.inner.perform(task)

    async def failed(self, task: Task, error: str) -> Outcome:
        """As the mail's own performer tells it. Of a notice that isn't wanted there is nothing to tell.

        An owner who waits for a consent is told that the patient wasn't asked.
        """
        effect = task.effect
        asks = isinstance(effect, fx.TellPatient) and effect.message == CONSENT
        if error == STOPPED and not isinstance(effect, fx.Answer) and not asks:
            return Outcome()
        return await self.inner.failed(task, error)

    async def _note(self, effect: fx.Suppress) -> Outcome:
        if effect.lifted:
            await self.suppressions.lift(effect.address, wish=effect.wish)
        elif effect.wish:
            await self.suppressions.stop(effect.address, effect.question_id)
        else:
            await self.suppressions.add(effect.address, effect.question_id, effect.status)
        return Outcome()
