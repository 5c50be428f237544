"""The audit only ever grows, and shows when somebody helped it along."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from bridge.storage import audit
from bridge.storage.database import Database
from bridge.storage.schema import audit as table


async def _write(database: Database, *actions: str) -> None:
    for number, action in enumerate(actions):
        async with database.transaction() as connection:
            entry = audit.Entry("cli:anna", action, "K7X3M2", {"count": str(number)}, 1000.5 + number)
            await audit.note(connection, entry)


async def test_entries_come_back_as_they_were_written_oldest_first(database: Database) -> None:
    await _write(database, "patient.export", "hold.add", "patient.erase")
    async with database.reading() as connection:
        found = await audit.entries(connection)
        assert [entry.action for entry in found] == ["patient.export", "hold.add", "patient.erase"]
        assert (found[1].actor, found[1].subject, found[1].detail) == ("cli:anna", "K7X3M2", {"count": "1"})
        assert [e.action for e in await audit.entries(connection, action="patient")] == [
            "patient.export",
            "patient.erase",
        ]
        assert [e.action for e in await audit.entries(connection, since=1002)] == ["patient.erase"]
        assert [e.action for e in await audit.entries(connection, limit=1)] == ["patient.erase"]
        assert await audit.broken(connection) is None


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
async def test_nothing_written_can_be_changed_or_deleted(database: Database, change: str) -> None:
    await _write(database, "patient.export")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        async with database.transaction() as connection:
            await connection.execute(sa.text(change))
    async with database.reading() as connection:
        assert len(await audit.entries(connection)) == 1


async def test_what_somebody_changed_behind_its_back_is_found(database: Database) -> None:
    await _write(database, "a", "b", "c")
    guards = (
        ["DROP TRIGGER audit_no_UPDATE"] if database.sqlite else ["DROP TRIGGER audit_append_only ON audit"]
    )
    async with database.transaction() as connection:
        for guard in guards:
            await connection.execute(sa.text(guard))
        await connection.execute(sa.update(table).where(table.c.action == "b").values(actor="nobody"))
    async with database.reading() as connection:
        assert await audit.broken(connection) == 2


async def test_entries_written_at_once_still_form_one_chain(database: Database) -> None:
    await asyncio.gather(*(_write(database, f"a{n}", f"b{n}") for n in range(5)))
    async with database.reading() as connection:
        assert len(await audit.entries(connection)) == 10
        assert await audit.broken(connection) is None
