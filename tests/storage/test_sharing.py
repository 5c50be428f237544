"""Several processes on one database: what one works on the others leave alone, until it dies."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from bridge.storage.database import Database, DatabaseRefused
from bridge.storage.identity import belongs
from bridge.storage.sharing import Alone, sharing
from bridge.storage.together import Together
from tests.support.postgres import fresh

WITHIN_S = 10.0


class Heard:
    """What a process was told."""

    def __init__(self) -> None:
        self.notes: asyncio.Queue[tuple[str, list[str]]] = asyncio.Queue()
        self.lost = asyncio.Event()

    def woken(self, kind: str, names: Sequence[str]) -> None:
        self.notes.put_nowait((kind, list(names)))

    async def next(self) -> tuple[str, list[str]]:
        return await asyncio.wait_for(self.notes.get(), WITHIN_S)


@pytest.fixture
async def url(postgres_url: str) -> str:
    return await fresh(postgres_url)


Process = tuple[Together, Heard]


@pytest.fixture
async def two(url: str) -> AsyncIterator[tuple[Process, Process]]:
    opened = []
    for _ in range(2):
        process, heard = sharing(url), Heard()
        assert isinstance(process, Together)
        await process.start(heard.woken, heard.lost.set)
        opened.append((process, heard))
    yield opened[0], opened[1]
    for process, _ in opened:
        await process.stop()


async def test_one_process_has_a_lane_until_it_lets_go(two: tuple[Process, Process]) -> None:
    (one, _), (other, _) = two
    async with one.claimed("inbox", "!a") as mine:
        assert mine
        async with other.claimed("inbox", "!a") as theirs, other.claimed("inbox", "!b") as free:
            assert not theirs
            assert free
        async with other.claimed("outbox", "!a") as unrelated:
            assert unrelated
    async with other.claimed("inbox", "!a") as now:
        assert now


async def test_a_refused_claim_gives_nothing_back(two: tuple[Process, Process]) -> None:
    (one, _), (other, _) = two
    async with one.claimed("inbox", "!a"):
        async with other.claimed("inbox", "!a"):
            pass
        async with other.claimed("inbox", "!a") as theirs:
            assert not theirs


async def test_a_lost_session_frees_its_claims_and_says_so(two: tuple[Process, Process], url: str) -> None:
    (one, heard), (other, _) = two
    async with one.claimed("inbox", "!a") as mine:
        assert mine
        admin = await asyncpg.connect(url)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
        await asyncio.wait_for(heard.lost.wait(), WITHIN_S)
        await admin.close()
        async with other.claimed("inbox", "!a") as theirs:
            assert theirs
    assert [await heard.next(), await heard.next()] == [("inbox", []), ("outbox", [])]
    async with one.claimed("inbox", "!a") as again:
        assert again


HOLDS = """
import asyncio, sys
from bridge.storage.sharing import sharing
async def main():
    held = sharing(sys.argv[1])
    await held.start(lambda kind, names: None, lambda: None)
    async with held.claimed("inbox", "!a") as mine:
        print(mine, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def _holder(url: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDS, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"True\n"
    return process


async def test_a_killed_process_frees_its_claims(two: tuple[Process, Process], url: str) -> None:
    (one, _), _ = two
    holder = await _holder(url)
    async with one.claimed("inbox", "!a") as mine:
        assert not mine
    holder.send_signal(signal.SIGKILL)
    await holder.wait()
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with one.claimed("inbox", "!a") as mine:
                if mine:
                    return
            await asyncio.sleep(0.01)


async def test_the_others_are_told_with_the_commit(two: tuple[Process, Process], url: str) -> None:
    (one, own), (_, heard) = two
    database = Database(url)
    async with database.transaction() as connection:
        await one.tell(connection, "inbox", ["!rolled-back"])
        await connection.rollback()
    async with database.transaction() as connection:
        await one.tell(connection, "inbox", ["!é", "!b"])
        await one.tell(connection, "outbox", [])
        await one.tell(connection, "outbox", ["x" * 100] * 100)
    await database.close()
    assert [await heard.next(), await heard.next()] == [("inbox", ["!é", "!b"]), ("outbox", [])]
    assert own.notes.empty()


async def test_an_unreachable_server_is_a_clear_refusal(url: str) -> None:
    heard = Heard()
    with pytest.raises(DatabaseRefused, match=r"can't be used: .*nothing_here"):
        await sharing(url.replace("/t_", "/nothing_here_")).start(heard.woken, heard.lost.set)


async def test_a_second_process_on_sqlite_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/colloque.db"
    holder = await _holder(url)
    second, heard = sharing(url), Heard()
    assert isinstance(second, Alone)
    with pytest.raises(DatabaseRefused, match=r"already runs on .*colloque\.db; .* PostgreSQL any number"):
        await second.start(heard.woken, heard.lost.set)
    holder.send_signal(signal.SIGKILL)
    await holder.wait()
    await second.start(heard.woken, heard.lost.set)
    await second.stop()


async def test_a_database_serves_one_organisation(database: Database) -> None:
    await belongs(database, {"homeserver.domain": "a.example"})
    await belongs(database, {"homeserver.domain": "a.example", "homeserver.bot": "colloque"})
    with pytest.raises(DatabaseRefused, match=r"homeserver\.domain 'a\.example', .* says 'b\.example'"):
        await belongs(database, {"homeserver.domain": "b.example"})
