"""What an earlier version stored is read by this one: from each released schema, on both databases."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bridge.domain.effects import Answer
from bridge.domain.state import Status
from bridge.domain.titles import keywords
from bridge.storage import inbox, lists, outbox, questions, registry
from bridge.storage.codec import encode
from bridge.storage.database import Database
from bridge.storage.migrate import MIGRATIONS
from bridge.storage.search import search
from tests.domain.given import waiting
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


def _before_requesters(connection: sa.Connection) -> None:
    """A question that was asked on Matrix, as the version before the column kept it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0015")
    known = sa.MetaData()
    known.reflect(connection)
    for number, requester in enumerate(("@a:h.example", "")):
        asked = replace(waiting(), id=f"q{number}", requester=requester)
        values = {"version": 1, "group_key": "derm", "status": "waiting", "owner": "", "asked_at": 1.0}
        row = {"id": asked.id, "state": encode(asked), **values}
        connection.execute(sa.insert(known.tables["questions"]), row)


async def test_what_was_asked_on_matrix_before_is_listed_for_who_asked_it(url: str) -> None:
    database = Database(url)
    async with database.transaction() as connection:
        await connection.run_sync(_before_requesters)
    await database.migrate()
    async with database.reading() as connection:
        found = await lists.requested(connection, "@a:h.example", [Status.WAITING], 5)
    await database.close()
    assert [question.id for question in found.questions] == ["q0"]
