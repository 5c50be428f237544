"""What people wish is kept, and a digest is due once each day whoever looks."""

from __future__ import annotations

from bridge.storage import wishes
from bridge.storage.database import Database


async def test_language_and_digest_are_kept_apart(database: Database) -> None:
    async with database.transaction() as connection:
        await wishes.set_language(connection, "@a:h", "en")
        await wishes.set_digest(connection, "@a:h", 480, 100.0)
        await wishes.set_digest(connection, "@b:h", 480, 300.0)
        assert await wishes.languages(connection) == {"@a:h": "en"}
        assert await wishes.due(connection, 200.0) == [("@a:h", 480, 100.0)]
        await wishes.set_language(connection, "@a:h", "fr")
        assert await wishes.due(connection, 200.0) == [("@a:h", 480, 100.0)]


async def test_a_digest_that_was_changed_meanwhile_keeps_its_new_hour(database: Database) -> None:
    async with database.transaction() as connection:
        await wishes.set_digest(connection, "@a:h", 480, 100.0)
        await wishes.given(connection, "@a:h", 100.0, 200.0)
        await wishes.set_digest(connection, "@a:h", 490, 150.0)
        await wishes.given(connection, "@a:h", 200.0, 300.0)
        assert await wishes.due(connection, 400.0) == [("@a:h", 490, 150.0)]
        await wishes.set_digest(connection, "@a:h", None, None)
        assert await wishes.due(connection, 400.0) == []
