"""What every database of ours must keep, whichever it is."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.effects import Planned, Wake
from bridge.domain.state import Question, Status
from bridge.storage import inbox, outbox, questions, registry
from bridge.storage.database import Database, DatabaseAway, DatabaseRefused
from tests.domain.given import waiting
from tests.support.postgres import fresh


def _arrival(key: str, conversation: str = "c1") -> inbox.Arrival:
    return inbox.Arrival(key, "matrix", conversation, b'{"n":1}')


def _timer(key: str) -> Planned:
    return Planned(Wake(key, "q1", 1), "q1")


async def test_an_input_is_stored_once_however_often_it_comes(database: Database) -> None:
    for _ in range(3):
        async with database.transaction() as connection:
            await inbox.put(connection, [_arrival("matrix:$1"), _arrival("matrix:$1")], 1.0)
    async with database.reading() as connection:
        first = await inbox.head(connection, "c1")
        assert first is not None
        assert first.payload == b'{"n":1}'
    async with database.transaction() as connection:
        assert await inbox.done(connection, first.id)
        assert not await inbox.done(connection, first.id)
    async with database.reading() as connection:
        assert await inbox.head(connection, "c1") is None


async def test_inputs_of_a_conversation_keep_their_order(database: Database) -> None:
    async with database.transaction() as connection:
        await inbox.put(connection, [_arrival(f"k{n}", f"c{n % 2}") for n in range(6)], 1.0)
    seen = []
    async with database.transaction() as connection:
        while (item := await inbox.head(connection, "c1")) is not None:
            seen.append(item.key)
            await inbox.done(connection, item.id)
    assert seen == ["k1", "k3", "k5"]


async def test_a_quarantined_input_lets_the_conversation_go_on_and_keeps_its_bytes(
    database: Database,
) -> None:
    async with database.transaction() as connection:
        await inbox.put(connection, [_arrival("bad"), _arrival("good")], 1.0)
        bad = await inbox.head(connection, "c1")
        assert bad is not None
        await inbox.quarantine(connection, bad.id, "ValueError")
        following = await inbox.head(connection, "c1")
        assert following is not None
        assert following.key == "good"
        assert [item.payload for item in await inbox.quarantined(connection)] == [b'{"n":1}']


async def test_a_transaction_that_fails_leaves_no_trace(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await inbox.put(connection, [_arrival("k")], 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.reading() as connection:
        assert await inbox.pending(connection) == {}


async def test_a_cancelled_transaction_leaves_no_trace_and_blocks_nobody(database: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as connection:
            await inbox.put(connection, [_arrival("k")], 1.0)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with database.transaction() as connection:
        await inbox.put(connection, [_arrival("other", "c2")], 1.0)
    async with database.reading() as connection:
        assert list(await inbox.pending(connection)) == ["c2"]


async def test_an_effect_is_stored_once_and_its_lane_keeps_order(database: Database) -> None:
    async with database.transaction() as connection:
        for _ in range(2):
            await outbox.add(connection, [_timer("e1"), _timer("e1")], 1.0)
    async with database.transaction() as connection:
        row = await outbox.head(connection, ("q1", "timer:e1"))
        assert row is not None
        assert not row.started
        await outbox.hand_over(connection, row.id, b"bytes")
        again = await outbox.head(connection, ("q1", "timer:e1"))
        assert again is not None
        assert again.body == b"bytes"
        assert await outbox.result(connection, "e1") is None
        assert await outbox.planned(connection, "e1")
        await outbox.finish(connection, row.id, {"event_id": "$1"}, 3.0)
        assert not await outbox.planned(connection, "e1")
        assert await outbox.head(connection, ("q1", "timer:e1")) is None
        assert await outbox.result(connection, "e1") == {"event_id": "$1"}


async def test_a_question_comes_back_as_it_was_written(database: Database) -> None:
    question = waiting()
    async with database.transaction() as connection:
        await questions.save(connection, question, None)
        stored = await questions.load(connection, question.id)
    assert stored is not None
    assert stored.question == question


async def test_of_two_who_take_a_question_at_once_exactly_one_wins(database: Database) -> None:
    question = waiting()
    async with database.transaction() as connection:
        await questions.save(connection, question, None)
    async with database.reading() as connection:
        before = await questions.load(connection, question.id)
    assert before is not None

    async def take(owner: str) -> bool:
        taken: Question = replace(question, status=Status.TAKEN, owner=owner)
        try:
            async with database.transaction() as connection:
                await questions.save(connection, taken, before)
        except questions.Conflict:
            return False
        return True

    won = await asyncio.gather(*(take(f"@{n}:h") for n in range(8)))
    assert sum(won) == 1
    async with database.reading() as connection:
        after = await questions.load(connection, question.id)
        assert after is not None
        assert after.question.owner == f"@{won.index(True)}:h"
        assert await questions.count_waiting(connection, question.group) == 0


async def test_names_are_found_again(database: Database) -> None:
    async with database.transaction() as connection:
        await registry.remember_room(connection, "group:derm", "!old")
        await registry.remember_room(connection, "group:derm", "!new")
        await registry.anchor(connection, "$card", "q1")
        await registry.add_token(connection, "AbC", "q1")
        digest = await registry.keep_blob(connection, b"photo")
        assert await registry.keep_blob(connection, b"photo") == digest
    async with database.reading() as connection:
        assert await registry.room_id(connection, "group:derm") == "!new"
        assert await registry.room_key(connection, "!new") == "group:derm"
        assert await registry.room_key(connection, "!old") is None
        assert await registry.anchored(connection, "$card") == "q1"
        assert await registry.question_of_token(connection, "aBc") == "q1"
        assert await registry.blob(connection, digest) == b"photo"


async def test_a_listing_that_is_full_is_followed_by_another(database: Database) -> None:
    async with database.transaction() as connection:
        found = [await registry.listing_generation(connection, "derm", f"q{n}", 2) for n in range(5)]
        again = await registry.listing_generation(connection, "derm", "q0", 2)
    assert (found, again) == ([1, 1, 2, 2, 3], 1)


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await database.migrate()
    async with database.reading() as connection:
        assert await inbox.pending(connection) == {}


async def test_a_newer_schema_is_refused_in_plain_words(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseRefused, match="newer Colloque"):
        await database.migrate()


async def test_another_programs_database_is_refused(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("DROP TABLE alembic_version"))
    with pytest.raises(DatabaseRefused, match="another program"):
        await database.migrate()


async def test_the_migrations_make_exactly_the_tables_the_code_uses(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from bridge.storage.schema_people import metadata  # the last part: it knows them all

    def differences(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.transaction() as connection:
        assert await connection.run_sync(differences) == []


async def test_only_a_hand_over_without_an_answer_counts_as_done_again(database: Database) -> None:
    async with database.transaction() as connection:
        await outbox.add(connection, [_timer("e1")], 1.0)
        row = await outbox.head(connection, ("q1", "timer:e1"))
        assert row is not None
        assert not row.handing_over
        await outbox.hand_over(connection, row.id, b"bytes")
        await outbox.not_taken(connection, row.id)
        await outbox.hand_over(connection, row.id, b"bytes")
        assert await _handed_over_again(connection) == 0
        await outbox.retry(connection, row.id, "Ambiguous", 2.0)
        again = await outbox.head(connection, ("q1", "timer:e1"))
        assert again is not None
        assert again.handing_over
        await outbox.hand_over(connection, row.id, b"bytes")
        assert await _handed_over_again(connection) == 1


async def _handed_over_again(connection: AsyncConnection) -> int:
    return int((await connection.execute(sa.text("SELECT handed_over_again FROM outbox"))).scalar_one())


async def test_what_another_process_recorded_stays(database: Database) -> None:
    async with database.transaction() as connection:
        await outbox.add(connection, [_timer("e1")], 1.0)
        row = await outbox.head(connection, ("q1", "timer:e1"))
        assert row is not None
        await outbox.finish(connection, row.id, {"event_id": "$1"}, 3.0)
        await outbox.fail(connection, row.id, "late", 4.0)
        await outbox.postpone(connection, row.id, "late", 4.0)
        assert await outbox.result(connection, "e1") == {"event_id": "$1"}


async def test_what_comes_in_by_the_door_is_kept_once_and_in_its_order(database: Database) -> None:
    rows = [_arrival(key).row for key in ("z", "a", "m", "a")]
    for _ in range(2):
        await database.take(rows, 1.0)
    await database.take([], 1.0)
    seen = []
    async with database.transaction() as connection:
        while (item := await inbox.head(connection, "c1")) is not None:
            seen.append((item.key, item.kind, item.payload, item.received_at))
            await inbox.done(connection, item.id)
    assert seen == [(key, "matrix", b'{"n":1}', 1.0) for key in ("z", "a", "m")]


async def test_the_door_waits_for_a_transaction_under_way(database: Database) -> None:
    async with database.transaction() as connection:
        await inbox.put(connection, [_arrival("first")], 1.0)
        coming = asyncio.create_task(database.take([_arrival("second").row], 2.0))
        await asyncio.sleep(0.05)
    await coming
    async with database.reading() as connection:
        assert (await inbox.by_key(connection, "second")) is not None


async def test_a_door_that_can_not_store_says_so_and_opens_again(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("ALTER TABLE inbox RENAME TO elsewhere"))
    with pytest.raises(DatabaseAway):
        await database.take([_arrival("k").row], 1.0)
    async with database.transaction() as connection:
        await connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO inbox"))
    await database.take([_arrival("k").row], 1.0)
    async with database.reading() as connection:
        assert (await inbox.by_key(connection, "k")) is not None


@pytest.mark.parametrize("odd", ["a\0b", "a\ud83db"])
async def test_names_that_no_database_takes_do_not_hold_back_the_rest(database: Database, odd: str) -> None:
    arrivals = [inbox.Arrival(f"matrix:{odd}", "matrix", odd, b"{}", odd, odd), _arrival("good")]
    await database.take([arrival.row for arrival in arrivals], 1.0)
    async with database.reading() as connection:
        assert len(await inbox.pending(connection)) == 2


async def test_the_same_inputs_twice_at_once_are_kept_once(database: Database) -> None:
    rows = [_arrival(f"k{n}").row for n in range(20)]
    await asyncio.gather(*(database.take(rows, 1.0) for _ in range(4)))
    async with database.reading() as connection:
        assert (await connection.execute(sa.text("SELECT COUNT(*) FROM inbox"))).scalar() == 20


async def test_a_full_disk_refuses_the_input_and_keeps_what_was_there(tmp_path: Path) -> None:
    opened = Database(f"sqlite:///{tmp_path}/colloque.db")
    await opened.migrate()
    await opened.take([_arrival("before").row], 1.0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
        with pytest.raises(DatabaseAway):
            await opened.take([inbox.Arrival("large", "mail", "c1", b"x" * 1_000_000).row], 1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await opened.take([_arrival("after").row], 1.0)
    async with opened.reading() as connection:
        kept = [await inbox.by_key(connection, key) for key in ("before", "large", "after")]
    assert [item is not None for item in kept] == [True, False, True]
    await opened.close()


async def test_a_database_that_can_only_be_read_refuses_the_start_in_plain_words(postgres_url: str) -> None:
    url = await fresh(postgres_url)
    setup = await asyncpg.connect(url)
    name = make_url(url).database
    await setup.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await setup.close()
    opened = Database(url)
    with pytest.raises(DatabaseRefused, match="read-only"):
        await opened.migrate()
    await opened.close()
