"""A patient's wish for no mail outlives the question that they said it about, and goes with the last one."""

from __future__ import annotations

from pathlib import Path

from bridge.domain.delivery import STOPPED
from bridge.storage import patients, suppressed
from bridge.storage.database import Database
from tests.flow.test_erasing import OTHER, Ward, _asked

ADDRESS = "marie@patients.example"


async def _status(database: Database) -> str:
    async with database.reading() as connection:
        return await suppressed.status(connection, ADDRESS)


async def test_it_goes_on_with_another_question_of_theirs_and_ends_with_the_last(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    ward = Ward(database)
    await ward.lived()
    await ward.happens("mail:other", _asked(OTHER, "u" * 24), OTHER, OTHER)
    async with database.transaction() as connection:
        await suppressed.stop(connection, ADDRESS, OTHER, 1.0)
        mine = await patients.questions_of(connection, ADDRESS)
    assert len(mine) == 2
    for question, left in zip(sorted(mine, key=lambda one: one.id != OTHER), (STOPPED, ""), strict=True):
        await ward.eraser.wipe(question, "patient")
        assert await _status(database) == left
    await database.close()
