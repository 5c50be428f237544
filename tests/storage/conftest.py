"""One contract for both databases: every test here runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from bridge.storage.database import Database
from tests.support.postgres import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/colloque.db"
    else:
        url = await _fresh(request.getfixturevalue("postgres_url"))
    opened = Database(url)
    await opened.migrate()
    yield opened
    await opened.close()


async def _fresh(template: str) -> str:
    name = f"t_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(template.format(database="postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return template.format(database=name)
