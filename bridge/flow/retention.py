"""Erases what was archived long enough ago, once an hour, where a group's configuration says so.

What the homeserver couldn't forget earlier is tried again in the same round. One process of several
does it. A question that can't be exported first is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog

from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.flow.erasing import Eraser, Held
from bridge.ports import Clock, Forgetting
from bridge.storage import questions
from bridge.storage.database import Database
from bridge.storage.sharing import Sharing

log = structlog.get_logger()

ROUND_S = 3600.0
FIRST_S = 60.0
"""The first round comes a minute after the start, so that a restart each day is no way round it."""
DAY_S = 86_400.0
PAGE = 100
ACTOR = "service"

Keep = Callable[[Question], Awaitable[None]]
"""Exports a question before it is erased. Raises ``OSError`` when that can't be done."""
Opened = Callable[[], AbstractAsyncContextManager[Forgetting]]
"""The way to the homeserver."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The rounds of one process, by the organisation in force."""

    database: Database
    sharing: Sharing
    clock: Clock
    organisation: Organisation
    homeserver: Opened
    keep: Keep | None = None

    async def run(self) -> None:
        """Go round until cancelled."""
        wait_s = FIRST_S
        while True:
            await asyncio.sleep(wait_s)
            try:
                await self.round()
            except Exception as error:
                log.error("retention.failed", error=type(error).__name__)
            wait_s = ROUND_S

    async def round(self) -> int:
        """Erase what is due; returns how many questions were."""
        async with self.sharing.claimed("retention", "") as ours:
            if not ours:
                return 0
            async with self.homeserver() as homeserver:
                eraser = Eraser(self.database, homeserver, self.clock, ACTOR)
                gone = 0
                async for question in self._due():
                    gone += await self._erase(eraser, question)
                left = await eraser.finish()
            await self.database.forget()  # each time: the log may have been in use in the last round
            if gone or left:
                log.info("retention.round", erased=gone, homeserver_left=left)
            return gone

    async def _due(self) -> AsyncIterator[Question]:
        now = self.clock.now().timestamp()
        for group in self.organisation.groups:
            if group.retention_days is None:
                continue
            after = questions.LONGEST_AGO
            while True:
                async with self.database.reading() as connection:
                    before = now - group.retention_days * DAY_S
                    page = await questions.archived(connection, group.key, after, before, PAGE)
                for cursor, question in page:
                    after = cursor
                    yield question
                if len(page) < PAGE:
                    break

    async def _erase(self, eraser: Eraser, question: Question) -> bool:
        try:
            if self.keep is not None:
                await self.keep(question)
            await eraser.wipe(question, "retention")
        except Held:
            return False
        except OSError as error:
            log.error("retention.not_exported", question=question.reference, error=type(error).__name__)
            return False
        return True
