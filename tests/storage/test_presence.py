"""Whose questions there are, on both databases."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from bridge.domain.state import Status
from bridge.storage import presence, questions
from bridge.storage.database import Database
from tests.domain.given import CLAIRE, PAUL, waiting


async def _keep(database: Database, owners: list[str], status: Status = Status.TAKEN) -> None:
    async with database.transaction() as connection:
        for number, owner in enumerate(owners):
            kept = replace(waiting(), id=f"{status}{number}", status=status, owner=owner)
            await questions.save(connection, kept, None)


async def test_everyone_who_owns_a_question_is_found_once(database: Database) -> None:
    await _keep(database, [CLAIRE.user_id, PAUL.user_id, CLAIRE.user_id])
    await _keep(database, ["@nina:h.example", CLAIRE.user_id], Status.CLOSED)
    await _keep(database, [""], Status.WAITING)
    async with database.reading() as connection:
        assert await presence.owners(connection) == [CLAIRE.user_id, "@nina:h.example", PAUL.user_id]
        assert len(await presence.owned_by(connection, CLAIRE.user_id)) == 3
        assert len(await presence.open_of(connection, CLAIRE.user_id)) == 2


async def test_nobody_owns_a_question_when_there_is_none(database: Database) -> None:
    async with database.reading() as connection:
        assert await presence.owners(connection) == []


async def test_owners_are_stepped_through_not_read_question_by_question(database: Database) -> None:
    await _keep(database, [CLAIRE.user_id] * 50)
    async with database.reading() as connection:
        if connection.dialect.name != "sqlite":
            return
        query = sa.text(f"EXPLAIN QUERY PLAN {presence.OWNERS.text}")
        steps = [row[3] for row in await connection.execute(query)]
    looks = [step for step in steps if "questions" in step]
    assert looks
    assert all(step.startswith("SEARCH questions USING COVERING INDEX questions_owner") for step in looks)
