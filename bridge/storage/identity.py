"""Whose database this is: one that serves one organisation must not be opened for another."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from bridge.storage.database import Database, DatabaseRefused
from bridge.storage.registry import insert_new
from bridge.storage.schema import identity


async def belongs(database: Database, expected: Mapping[str, str]) -> None:
    """Note whose database this is, or raise :class:`DatabaseRefused` when it is another's.

    ``expected`` are settings that rooms and ghosts were made under and that can't change any more.
    """
    async with database.transaction() as connection:
        rows = await connection.execute(sa.select(identity.c.name, identity.c.value))
        found = {row.name: row.value for row in rows}
        for name, value in expected.items():
            if found.get(name, value) != value:
                raise DatabaseRefused(
                    f"the database was made with {name} {found[name]!r}, but the configuration says "
                    f"{value!r}: give each Colloque a database of its own, or set it back"
                )
            await insert_new(connection, identity, name=name, value=value)
