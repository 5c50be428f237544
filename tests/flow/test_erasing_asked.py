"""Erasing reaches what somebody asked on Matrix: their own room, and what they wrote to the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.domain.drafting import OpenAsked
from bridge.domain.effects import Planned
from bridge.storage import inbox, outbox, registry
from bridge.storage.database import Database
from bridge.storage.schema import outbox as outbox_table
from tests.flow.test_erasing import QID, Ward, _asked


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    yield Ward(database)
    await database.close()


async def test_a_requesters_own_room_and_what_they_wrote_to_the_bot_go_too(ward: Ward) -> None:
    await ward.happens("mail:1", _asked())
    opened = OpenAsked(
        f"{QID}:opened", QID, "@marie:h", "derm", "fr", "Titre", "K7X3M2", False, "Mots", (), ("$said",)
    )
    async with ward.database.transaction() as connection:
        for key, room in ((f"asked:{QID}", "!asked"), ("bot:@marie:h", "!chat")):
            await registry.remember_room(connection, key, room)
        await outbox.add(connection, [Planned(opened, f"asked:{QID}")], 1.0)
        row = sa.select(outbox_table.c.id).where(outbox_table.c.key == opened.key)
        await outbox.finish(connection, (await connection.execute(row)).scalar_one(), {}, 1.0)
        said = [inbox.Arrival("matrix:$said", "matrix", "!chat", b"Un grain de beaut\xc3\xa9")]
        said.append(inbox.Arrival("matrix:$later", "matrix", "!asked", b"Un grain de beaut\xc3\xa9"))
        await inbox.put(connection, said, 1.0)
    await ward.erase()
    await ward.eraser.finish()
    (forgot,) = ward.homeserver.forgot
    assert "!asked" in forgot.rooms
    assert ("!chat", "$said") in forgot.mentions
    assert "grain de beaut" not in await ward.everything()
