"""Waits until a bridge has nothing more to do, so that one measurement doesn't run into the next."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

from tests.support.clinic import Clinic

WITHIN_S = 120.0
LEFT_TO_DO = (
    "SELECT count(*) FROM inbox WHERE status = 'pending'",
    "SELECT count(*) FROM outbox WHERE status = 'pending' AND due_at < strftime('%s', 'now') + 10",
)


async def idle(clinic: Clinic) -> None:
    """Wait until nothing is left to do of what was done before, marks on messages and cards included.

    Raises :class:`TimeoutError` when that takes more than :data:`WITHIN_S`.
    """
    file = clinic.stack.directory / "colloque.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        async with asyncio.timeout(WITHIN_S):
            while any(database.execute(query).fetchone()[0] for query in LEFT_TO_DO):
                await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)
