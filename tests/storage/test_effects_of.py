"""What belongs to a question is found without reading what belongs to others."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from bridge.storage.database import Database
from bridge.storage.erasure import _of
from bridge.storage.outbox import of_question
from bridge.storage.schema import outbox


@pytest.mark.parametrize("which", [of_question, _of])
async def test_finding_the_effects_of_a_question_reads_no_others(which: object, tmp_path: Path) -> None:
    assert callable(which)
    query = sa.select(outbox.c.id).where(which("abcdefghijklmnop"))
    text = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    async with database.reading() as connection:
        steps = [row[3] for row in await connection.execute(sa.text(f"EXPLAIN QUERY PLAN {text}"))]
    await database.close()
    assert steps
    assert not any("SCAN" in step for step in steps), steps
