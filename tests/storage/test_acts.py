"""The act record is added to, in order, once; and it is committed with what it is about, or not at all."""

from __future__ import annotations

import pytest

from bridge.domain.acts import Act, Did
from bridge.storage import acts
from bridge.storage.database import Database

CLAIRE = "@claire:h.example"


async def test_acts_are_read_in_the_order_in_which_they_happened(database: Database) -> None:
    asked, taken = Act("q1:asked", Did.ASKED, "patient"), Act("q1:taken", Did.TAKEN, CLAIRE, "", {"n": "1"})
    async with database.transaction() as connection:
        await acts.add(connection, "q1", [asked], 1.0)
        await acts.add(connection, "q2", [Act("q2:asked", Did.ASKED, "patient")], 1.5)
        await acts.add(connection, "q1", [taken], 2.0)
    async with database.reading() as connection:
        found = await acts.of_question(connection, "q1")
    assert [(record.at, record.act) for record in found] == [(1.0, asked), (2.0, taken)]


async def test_an_act_recorded_again_changes_nothing(database: Database) -> None:
    first, again = (
        Act("q1:closed:1", Did.CLOSED, CLAIRE, "guéri"),
        Act("q1:closed:1", Did.CLOSED, "other", "x"),
    )
    async with database.transaction() as connection:
        await acts.add(connection, "q1", [first, again], 1.0)
        await acts.add(connection, "q1", [again], 9.0)
    async with database.reading() as connection:
        assert [(r.at, r.act) for r in await acts.of_question(connection, "q1")] == [(1.0, first)]


async def test_what_someone_did_lately_comes_newest_first(database: Database) -> None:
    done = [Act(f"q{n}:closed", Did.CLOSED, CLAIRE) for n in range(3)]
    async with database.transaction() as connection:
        for moment, act in enumerate(done):
            await acts.add(connection, act.key.partition(":")[0], [act], float(moment))
    async with database.reading() as connection:
        found = await acts.latest_by(connection, CLAIRE, since=1.0)
    assert [record.question_id for record in found] == ["q2", "q1"]


async def test_a_commit_that_fails_records_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await acts.add(connection, "q1", [Act("q1:asked", Did.ASKED, "patient")], 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.reading() as connection:
        assert await acts.of_question(connection, "q1") == []
