"""What an earlier version stored is read by this one: from each released schema, on both databases."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bridge.domain.effects import Answer
from bridge.domain.state import Status
from bridge.domain.titles import keywords
from bridge.storage import inbox, outbox, questions, registry
from bridge.storage.database import Database
from bridge.storage.migrate import MIGRATIONS
from bridge.storage.search import search
from tests.support.postgres import fresh

RELEASED = Path(__file__).parent / "released"
Rows = dict[str, list[dict[str, Any]]]


def _stored(version: str) -> Rows:
    rows: Rows = json.loads((RELEASED / f"{version}.json").read_text())
    for row in (row for table in rows.values() for row in table):
        for name, value in row.items():
            if isinstance(value, dict):
                row[name] = base64.b64decode(value["base64"])
    return rows


def _as_it_was(connection: sa.Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, version)
    known = sa.MetaData()
    known.reflect(connection)
    for name, rows in _stored(version).items():
        if rows:
            connection.execute(sa.insert(known.tables[name]), rows)


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/colloque.db"
    return await fresh(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=sorted(file.stem for file in RELEASED.glob("*.json")))
async def old(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Database]:
    opened = Database(url)
    async with opened.transaction() as connection:
        await connection.run_sync(_as_it_was, request.param)
    await opened.migrate()
    yield opened
    await opened.close()


async def test_every_question_input_and_effect_is_read_as_it_was_written(old: Database) -> None:
    rows = _stored("0001")
    (written,) = rows["questions"]
    async with old.reading() as connection:
        stored = await questions.load(connection, written["id"])
        assert stored is not None
        assert (stored.question.status, stored.question.owner) == (Status.TAKEN, written["owner"])
        for item in rows["inbox"]:
            kept = await inbox.by_key(connection, item["key"])
            assert kept is not None
            assert kept.payload == item["payload"]
        for room in rows["rooms"]:
            assert await registry.room_id(connection, room["key"]) == room["room_id"]


async def test_what_the_old_version_left_to_do_is_found(old: Database) -> None:
    async with old.reading() as connection:
        ((conversation, _),) = (await inbox.pending(connection)).items()
        item = await inbox.head(connection, conversation)
        assert item is not None
        assert item.kind == "mail"
        ((lane, _),) = (await outbox.pending(connection)).items()
        row = await outbox.head(connection, lane)
        assert row is not None
        assert isinstance(row.effect, Answer)
        assert not row.handing_over


async def test_a_title_of_an_old_version_is_searched_by_its_owner(old: Database) -> None:
    (written,) = _stored("0001")["questions"]
    async with old.reading() as connection:
        stored = await questions.load(connection, written["id"])
        assert stored is not None
        sought = keywords(stored.question.title)
        found = await search(connection, (f"owner:{written['owner']}",), sought, 5)
        nobody = await search(connection, ("owner:@eve:h.example", "group:derm"), sought, 5)
    assert sought
    assert [question.id for question in found.questions] == [written["id"]]
    assert nobody.questions == ()
