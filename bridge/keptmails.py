"""The mails of a question as they came, out of what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.domain.delivery import STOPPED
from bridge.mail.turns import Turn
from bridge.ports import Clock
from bridge.storage import mails, suppressed, turns
from bridge.storage.database import Database

AT_THE_SAME_TIME = 16
"""Inputs that one process reads at once (:class:`bridge.flow.inbox.Inbox`)."""


@dataclass(frozen=True, slots=True)
class StoredMails:
    """See :class:`bridge.matrix.original.KeptMails`. ``wake`` lets the inbox look at a conversation again."""

    database: Database
    clock: Clock
    wake: Callable[[Sequence[str]], None]

    async def behind(self, question_id: str, event_id: str) -> str:
        """The input whose mail this message shows or is about."""
        async with self.database.reading() as connection:
            return await mails.behind(connection, question_id, event_id)

    async def latest(self, question_id: str) -> str:
        """The input that is the question's latest mail."""
        async with self.database.reading() as connection:
            return await mails.latest(connection, question_id)

    async def raw(self, question_id: str, input_id: str) -> bytes:
        """The mail's bytes."""
        async with self.database.reading() as connection:
            return await mails.raw(connection, question_id, input_id)

    async def settle(self, question_id: str, input_id: str, admitted: bool) -> None:
        """Let a held mail be read again, or put it away."""
        now = self.clock.now().timestamp()
        async with self.database.transaction() as connection:
            await mails.settle(connection, question_id, input_id, admitted, now)
        self.wake([question_id])

    async def let_in(self, question_id: str) -> None:
        """Let all mails be read again that are held because there is much."""
        now = self.clock.now().timestamp()
        async with self.database.transaction() as connection:
            await mails.let_in(connection, question_id, now)
        self.wake([question_id])


@dataclass(frozen=True, slots=True)
class StoredTurns:
    """See :class:`bridge.mail.turns.Turns`."""

    database: Database

    async def take(self, key: str, kind: str, name: str, limit: int, now: float) -> Turn:
        """When it is this mail's turn.

        As long as there were few, that is seen without writing: the mail counts with its own commit. Those
        that are read at the same moment don't see each other then, hence the margin.
        """
        scope, most = turns.scope_of(kind, name), limit - AT_THE_SAME_TIME
        if most > 0 and await self.database.look(lambda opened: turns.few(opened, scope, most, now)):
            return Turn(now, False, scope)
        return await self.exactly(key, kind, name, limit, now)

    async def exactly(self, key: str, kind: str, name: str, limit: int, now: float) -> Turn:
        """The same, counted at once."""
        scope = turns.scope_of(kind, name)
        async with self.database.transaction() as connection:
            return Turn(*await turns.take(connection, key, scope, limit, now))


@dataclass(frozen=True, slots=True)
class StoredSuppressions:
    """See :class:`bridge.mail.suppress.Suppressions`."""

    database: Database
    clock: Clock

    async def status(self, address: str) -> str:
        """Why nothing is sent to this address."""
        return await self.database.look(lambda connection: suppressed.status(connection, address))

    async def add(self, address: str, question_id: str, status: str) -> None:
        """Send nothing more there."""
        async with self.database.transaction() as connection:
            await suppressed.add(connection, address, question_id, status, self.clock.now().timestamp())

    async def lift(self, address: str, *, wish: bool) -> None:
        """Send there again; where the patient wanted no e-mails, only by their own ``wish``."""
        async with self.database.transaction() as connection:
            await suppressed.lift(connection, address, stopped=wish)

    async def stop(self, address: str, question_id: str) -> None:
        """Send nothing more there: the patient wants no e-mails."""
        async with self.database.transaction() as connection:
            await suppressed.stop(connection, address, question_id, self.clock.now().timestamp())

    async def stopped(self, address: str) -> bool:
        """Whether the patient with this address wants no e-mails."""
        return await self.status(address) == STOPPED
