"""Erases questions: first every row of ours, in one commit, then what the homeserver has.

In this order nothing that the homeserver tells about the rooms' end can still mean anything, and a crash
or an outage in between is made up for: what it has to forget is kept until it has.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.state import Question
from bridge.ports import Clock, Forgetting, Permanent, Remains, Temporary
from bridge.storage import audit, erasure, holds, questions
from bridge.storage.database import Database
from bridge.storage.erasure import Traces

log = structlog.get_logger()


class Held(Exception):
    """This question is under legal hold and stays as it is."""


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases questions in the name of ``actor``."""

    database: Database
    homeserver: Forgetting
    clock: Clock
    actor: str

    async def wipe(self, question: Question, why: str) -> None:
        """Erase our rows, and those of what experts were asked about it. Raises :class:`Held`."""
        async with self.database.transaction() as connection:
            for one in (question, *await questions.linked(connection, question)):
                if await holds.held(connection, one):
                    raise Held(one.reference)
                if await questions.load(connection, one.id) is not None:
                    await self._wipe(connection, one, why)

    async def _wipe(self, connection: AsyncConnection, question: Question, why: str) -> None:
        at = self.clock.now().timestamp()
        found = await erasure.wipe(connection, question, at=at, why=why)
        detail = {"group": question.group, "rooms": str(len(found.room_ids)), "why": why}
        entry = audit.Entry(self.actor, "question.erase", question.reference, detail, at)
        await audit.note(connection, entry)
        log.info("question.erased", why=why, rooms=len(found.room_ids))

    async def finish(self) -> int:
        """Have the homeserver forget whatever it still has to; returns how many questions are left."""
        async with self.database.reading() as connection:
            left = await erasure.unforgotten(connection)
        done = 0
        for found in left:
            try:
                await self.homeserver.forget(_remains(found))
            except (Temporary, Permanent) as error:
                # It may be of one room only: the others aren't kept waiting.
                log.error("homeserver.remembers", error=str(error)[:80])
                continue
            async with self.database.transaction() as connection:
                await erasure.forgotten(connection, found)
            done += 1
        return len(left) - done


def _remains(found: Traces) -> Remains:
    return Remains(found.question_id, found.ghost, found.room_ids, found.mentions, found.listed_in)
