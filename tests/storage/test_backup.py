"""A backup is whole, is made while others write, and a restored one has everything."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bridge.backup import NoBackup, _claim, _copy_sqlite, _dump_postgres
from bridge.storage import inbox, questions
from bridge.storage.database import Database
from tests.domain.given import waiting
from tests.support.postgres import fresh, programs


async def _written(database: Database, first: int, count: int = 200) -> None:
    for number in range(first, first + count):
        async with database.transaction() as connection:
            arrival = inbox.Arrival(f"k{number}", "mail", f"c{number}", b"x" * 5000)
            await inbox.put(connection, [arrival], 1.0)


async def _counted(database: Database) -> int:
    async with database.reading() as connection:
        count = (await connection.execute(sa.text("SELECT count(*) FROM inbox"))).scalar_one()
        assert await questions.load(connection, waiting().id) is not None
    return int(count)


async def test_a_copy_of_sqlite_made_while_others_write_is_whole(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    async with database.transaction() as connection:
        await questions.save(connection, waiting(), None)
    await _written(database, 0)
    copy = tmp_path / "copy.db"
    _claim(copy)
    url = make_url(f"sqlite:///{tmp_path}/colloque.db")
    await asyncio.gather(asyncio.to_thread(_copy_sqlite, url, copy), _written(database, 200, 100))
    await database.close()
    assert copy.stat().st_mode & 0o077 == 0
    restored = Database(f"sqlite:///{copy}")
    await restored.migrate()
    assert 200 <= await _counted(restored) <= 300
    await _written(restored, 1000, 1)
    await restored.close()


async def test_a_dump_of_postgresql_is_restored_into_another_database(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{programs()}:{os.environ['PATH']}")
    url = await fresh(postgres_url)
    database = Database(url)
    await database.migrate()
    async with database.transaction() as connection:
        await questions.save(connection, waiting(), None)
    await _written(database, 0, 20)
    await database.close()
    dump = tmp_path / "colloque.dump"
    _claim(dump)
    await asyncio.to_thread(_dump_postgres, make_url(url), dump)
    other = await fresh(postgres_url)
    words = ["--no-owner", "--exit-on-error", f"--dbname={other}", str(dump)]
    process = await asyncio.create_subprocess_exec(str(programs() / "pg_restore"), *words)
    assert await process.wait() == 0
    restored = Database(other)
    await restored.migrate()
    assert await _counted(restored) == 20
    await restored.close()


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_text("yesterday's")
    with pytest.raises(FileExistsError):
        _claim(there)
    assert there.read_text() == "yesterday's"


def test_a_server_that_is_away_leaves_no_half_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{programs()}:{os.environ['PATH']}")
    dump = tmp_path / "colloque.dump"
    _claim(dump)
    with pytest.raises(NoBackup):
        _dump_postgres(make_url("postgresql://nobody:secret@127.0.0.1:1/none"), dump)
    assert not dump.exists()
