"""A question that someone is writing is kept between their messages, and by one writer only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain.content import Attachment, Kind
from bridge.domain.drafting import Dialogue
from bridge.storage import dialogues
from bridge.storage.database import Database
from bridge.storage.questions import Conflict

BEGUN = Dialogue(
    "@a:h",
    question_id="q1",
    lines=("Bonjour",),
    files=(Attachment(Kind.IMAGE, "p.jpg", "image/jpeg", 3, mxc="mxc://h/a"),),
)


async def test_what_was_said_is_there_again(database: Database) -> None:
    async with database.transaction() as connection:
        assert await dialogues.load(connection, "@a:h") is None
        await dialogues.keep(connection, BEGUN)
        assert await dialogues.load(connection, "@a:h") == replace(BEGUN, version=1)
        await dialogues.keep(connection, Dialogue("@a:h", version=1))
        assert await dialogues.load(connection, "@a:h") == Dialogue("@a:h", version=2)
        await dialogues.forget(connection, "@a:h")
        assert await dialogues.load(connection, "@a:h") is None


async def test_of_two_that_read_the_same_one_is_kept(database: Database) -> None:
    async with database.transaction() as connection:
        await dialogues.keep(connection, BEGUN)
        await dialogues.keep(connection, replace(BEGUN, version=1, title="A"))
        with pytest.raises(Conflict):
            await dialogues.keep(connection, replace(BEGUN, version=1, title="B"))
