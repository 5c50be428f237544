"""What waits for a group: its own questions, and those that it may take as another's fallback."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bridge.domain.state import Status
from bridge.storage import lists, questions
from bridge.storage.database import Database
from tests.domain.given import NOW, waiting


async def _keep(database: Database, number: int, group: str, also: str = "", **changes: object) -> None:
    at = NOW + timedelta(minutes=number)
    kept = replace(waiting(), id=f"q{number}", group=group, also=also, asked_at=at, **changes)  # type: ignore[arg-type]
    async with database.transaction() as connection:
        await questions.save(connection, kept, None)


async def test_a_widened_question_counts_for_both_groups_and_once_for_who_is_in_both(
    database: Database,
) -> None:
    await _keep(database, 1, "derm", "general")
    await _keep(database, 2, "general")
    await _keep(database, 3, "derm")
    await _keep(database, 4, "derm", "general", status=Status.TAKEN, owner="@a:h")
    async with database.reading() as connection:
        assert [await questions.count_waiting(connection, group) for group in ("derm", "general")] == [2, 2]
        for groups, ids in ((["derm"], ["q3", "q1"]), (["general"], ["q2", "q1"])):
            listed = await lists.waiting(connection, groups, 10)
            assert ([question.id for question in listed.questions], listed.total) == (ids, 2)
        both = await lists.waiting(connection, ["derm", "general"], 10)
        queues = await lists.queues(connection, ["derm", "general"])
        other = await lists.queues(connection, ["general"])
    assert both.total == 3
    assert {group: (queue.count, queue.oldest.id) for group, queue in queues.items()} == {
        "derm": (2, "q1"),
        "general": (2, "q1"),
    }
    assert set(other) == {"general"}


async def test_what_someone_asked_on_matrix_is_listed_for_them_and_nobody_else(database: Database) -> None:
    await _keep(database, 1, "derm", requester="@a:h")
    await _keep(database, 2, "derm", requester="@a:h", status=Status.TAKEN, owner="@b:h")
    await _keep(database, 3, "derm", requester="@b:h")
    await _keep(database, 4, "derm")
    async with database.reading() as connection:
        both = await lists.requested(connection, "@a:h", [Status.WAITING, Status.TAKEN], 10)
        waits = await lists.requested(connection, "@a:h", [Status.WAITING], 10)
        nobody = await lists.requested(connection, "", [Status.WAITING], 10)
    assert ([question.id for question in both.questions], both.total) == (["q2", "q1"], 2)
    assert [question.id for question in waits.questions] == ["q1"]
    assert nobody.total == 0
