"""What comes again changes nothing, whatever it is and whenever it comes."""

from __future__ import annotations

import asyncio
import shutil
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import life
from bridge.domain import events as ev
from bridge.flow.inbox import Inbox
from bridge.ports import RawInput, Reading
from bridge.storage import inbox, questions
from bridge.storage.database import Database
from bridge.storage.schema import acts, outbox
from bridge.storage.schema import inbox as inputs
from bridge.storage.schema import questions as stored
from bridge.storage.sharing import Alone
from tests.domain.test_life_laws import EVENTS, start


class Clock:
    """It is always the same moment: only what comes makes a difference."""

    def now(self) -> datetime:
        return life.NOW


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it."""
    file = tmp_path_factory.mktemp("empty") / "colloque.db"

    async def made() -> None:
        database = Database(f"sqlite:///{file}")
        await database.migrate()
        await database.close()

    asyncio.run(made())
    return file


async def _outcome(empty: Path, events: list[ev.Event], again: list[int]) -> list[tuple[object, ...]]:
    """The question, its record and what is to be done after these inputs, some of which come repeatedly."""
    with TemporaryDirectory() as folder:
        file = Path(shutil.copy(empty, folder))
        database = Database(f"sqlite:///{file}")

        async def read(item: RawInput) -> Reading:
            return Reading("q1", (events[int(item.key)],))

        worker = Inbox(database, Alone(None), Clock(), {"any": read}, life.POLICY, lambda *_lanes: None)
        await database.write(lambda connection: questions.save(connection, start(), None))
        for number in range(len(events)):
            for key in (number, *(known for known in again if known <= number)):
                await worker.take([inbox.Arrival(str(key), "any", "q1", b"")])
                await worker._drain_ours("q1")
        found: list[tuple[object, ...]] = []
        async with database.reading() as connection:
            for query in (
                sa.select(stored.c.state, stored.c.version),
                sa.select(outbox.c.key, outbox.c.payload).order_by(outbox.c.id),
                sa.select(acts.c.key).order_by(acts.c.key),
                sa.select(sa.func.count()).select_from(inputs),
            ):
                found += [tuple(row) for row in await connection.execute(query)]
        await database.close()
        return found


@given(EVENTS.map(lambda events: events[:12]), st.lists(st.integers(0, 11), max_size=6))
@settings(deadline=None, max_examples=25)
def test_inputs_that_come_again_change_nothing(empty: Path, events: list[ev.Event], again: list[int]) -> None:
    once = asyncio.run(_outcome(empty, events, []))
    assert asyncio.run(_outcome(empty, events, again)) == once
