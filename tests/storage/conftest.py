"""One contract for both databases: every test here runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.storage.database import Database
from tests.support.postgres import fresh


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/colloque.db"
    else:
        url = await fresh(request.getfixturevalue("postgres_url"))
    opened = Database(url)
    await opened.migrate()
    yield opened
    await opened.close()
