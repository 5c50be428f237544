"""How much mail comes in: of one sender, to one question, from programs. What is more waits for its turn.

Each kind is counted by itself: nothing that a program sends, and nothing by somebody who may not be the
patient, uses up what the patient may write.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Protocol

from bridge.ports import Clock, RawInput, Reading

AUTOMATIC_SHOWN = 5
"""Automatic mails to one question in an hour that a line is shown of; further ones are only kept."""
LOOKUP_S = 1800.0
"""How long a mail waits for name servers; then its owner judges it."""
SOONEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """When a mail may come in (epoch seconds). ``first``: none of its kind had to wait for an hour.

    ``counts``: what it is still to be counted for when it is decided.
    """

    at: float
    first: bool
    counts: str = ""


class Turns(Protocol):
    """Gives moments away, in order."""

    async def take(self, key: str, kind: str, name: str, limit: int, now: float) -> Turn:
        """The moment of a mail, the same whenever it is asked for; so many to an hour of a kind and name."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What an hour lets in: mails to one question, and new questions of one sender."""

    turns: Turns
    clock: Clock
    of_question: int
    of_sender: int
    _counts: dict[str, str] = field(default_factory=dict)

    async def counted(self, item: RawInput, reading: Awaitable[Reading]) -> Reading:
        """What is read of a mail, with what it counts for."""
        try:
            return replace(await reading, counts=self._counts.get(item.key, ""))
        finally:
            self._counts.pop(item.key, None)

    async def question(self, item: RawInput) -> Turn | None:
        """When this mail to a question may come in; ``None``: now."""
        return await self._wait(item.key, "question", item.conversation, self.of_question)

    async def doubted(self, item: RawInput) -> Turn | None:
        """The same for what may not be the patient's."""
        return await self._wait(item.key, "doubted", item.conversation, self.of_question)

    async def report(self, item: RawInput) -> Turn | None:
        """The same for what came back."""
        return await self._wait(item.key, "report", item.conversation, self.of_question)

    async def automatic(self, item: RawInput) -> Turn | None:
        """The same for what a program wrote."""
        return await self._wait(item.key, "automatic", item.conversation, AUTOMATIC_SHOWN)

    async def sender(self, item: RawInput, address: str, *, vouched: bool = False) -> Turn | None:
        """When this new question may come in; ``None``: now.

        ``vouched``: our mail server says that it is this sender's; whoever only uses their address is
        counted by themselves.
        """
        return await self._wait(item.key, "vouched" if vouched else "sender", address, self.of_sender)

    async def _wait(self, key: str, kind: str, name: str, limit: int) -> Turn | None:
        now = self.clock.now().timestamp()
        turn = await self.turns.take(key, kind, name, limit, now)
        if turn.counts:
            self._counts[key] = turn.counts
        return turn if turn.at > now else None

    def look_again(self, item: RawInput) -> float | None:
        """When to look up a sender again, at growing distances; ``None``: no more."""
        now = self.clock.now().timestamp()
        age_s = now - item.received_at
        return now + max(SOONEST_S, age_s) if age_s < LOOKUP_S else None
