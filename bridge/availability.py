"""The :class:`bridge.ports.Availability` of one database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bridge.domain.acts import Did
from bridge.domain.state import Question, Status
from bridge.flow.watch import owner_gone
from bridge.ports import Clock
from bridge.storage import acts, presence, questions
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival

LATELY_S = 3600.0
Take = Callable[[Sequence[Arrival]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StoredAvailability:
    """See :class:`bridge.ports.Availability`. ``take`` puts events into the inbox."""

    database: Database
    clock: Clock
    take: Take

    async def is_quiet(self, user_id: str, scopes: Sequence[str]) -> bool:
        """Whether they want no reminder of any of these now."""
        async with self.database.reading() as connection:
            return await presence.is_quiet(connection, user_id, scopes, self.clock.now().timestamp())

    async def set_mute(self, user_id: str, scope: str, until: float) -> None:
        """Note until when they want no reminders of this."""
        async with self.database.transaction() as connection:
            await presence.set_mute(connection, user_id, scope, until)

    async def set_away(self, user_id: str, until: float, cause: str) -> int:
        """Note until when they are away, let their open questions know, and count these."""
        async with self.database.transaction() as connection:
            await presence.set_away(connection, user_id, until)
            open_questions = await presence.open_of(connection, user_id)
        if until:
            await self.take([owner_gone(known, user_id, "absent", cause) for known in open_questions])
        return len(open_questions)

    async def depart(self, user_id: str, reason: str, cause: str) -> int:
        """Let the questions of someone who is gone (``left``: those that are over, too) know; count them."""
        statuses = () if reason == "left" else (Status.TAKEN,)
        async with self.database.reading() as connection:
            owned = [known for known, _ in await presence.owned_by(connection, user_id, *statuses)]
        for start in range(0, len(owned), presence.AT_ONCE):
            page = owned[start : start + presence.AT_ONCE]
            await self.take([owner_gone(known, user_id, reason, cause) for known in page])
        return len(owned)

    async def question_named(self, user_id: str, reference: str) -> str | None:
        """The question with this reference that concerns them."""
        if not reference:
            return None
        async with self.database.reading() as connection:
            for found in await presence.named(connection, reference.upper()):
                stored = await questions.load(connection, found)
                if stored is not None and _concerns(stored.question, user_id):
                    return found
        return None

    async def only_question(self, user_id: str, command: str) -> str | None:
        """The question that a command without a reference must be about."""
        async with self.database.reading() as connection:
            if command == "undo":
                since = self.clock.now().timestamp() - LATELY_S
                done = await acts.latest_by(connection, user_id, since)
                undoable = (Did.CLOSED, Did.ARCHIVED, Did.RELEASED, Did.OFFERED)
                return next((it.question_id for it in done if it.act.did in undoable), None)
            if command in ("accept", "decline"):
                found = await presence.offered_to(connection, user_id)
            elif command == "reopen":
                found = await presence.closed_of(connection, user_id)
            else:
                found = await presence.open_of(connection, user_id)
        return found[0] if len(found) == 1 else None


def _concerns(question: Question, user_id: str) -> bool:
    undoing = question.undo.by if question.undo else ""
    return user_id in (question.owner, question.offered_to, undoing)
