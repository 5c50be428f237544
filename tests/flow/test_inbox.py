"""An input that can't be decided is set aside with its bytes, and whoever can act is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.domain.effects import Say
from bridge.domain.state import Policy
from bridge.flow import lanes
from bridge.flow.inbox import Inbox
from bridge.flow.retry import INPUT_TRIES
from bridge.ports import RawInput, Reading
from bridge.storage import inbox, outbox, questions
from bridge.storage.database import Database
from bridge.storage.sharing import Alone
from tests.domain.given import waiting


class Clock:
    """A clock that each look moves by a day."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(days=1)
        return self.time


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Inbox]:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()

    async def poison(item: RawInput) -> Reading:
        raise UnicodeDecodeError("utf-8", item.payload, 0, 1, "what the patient wrote")

    def woken(lanes: Sequence[outbox.Lane], _heads: outbox.Heads = outbox.NO_HEADS, /) -> None:
        told.extend(lanes)

    told: list[outbox.Lane] = []
    readers = {"mail": poison, "matrix": poison}
    made = Inbox(database, Alone(None), Clock(), dict(readers), Policy(), woken)
    yield made
    await database.close()


async def _drained(worker: Inbox, arrival: inbox.Arrival) -> inbox.Input:
    await worker.take([arrival])
    for _ in range(INPUT_TRIES + 1):
        await worker._drain_ours(arrival.conversation)
    async with worker.database.reading() as connection:
        found = await inbox.by_key(connection, arrival.key)
    assert found is not None
    return found


async def test_a_mail_that_can_not_be_read_is_kept_and_its_owner_told_once(worker: Inbox) -> None:
    async with worker.database.transaction() as connection:
        await questions.save(connection, waiting(), None)
    kept = await _drained(worker, inbox.Arrival("mail:1", "mail", waiting().id, b"\xff raw"))
    assert (kept.status, kept.payload, kept.error) == ("quarantined", b"\xff raw", "UnicodeDecodeError")
    async with worker.database.reading() as connection:
        row = await outbox.head(connection, (waiting().id, "matrix"))
        assert row is not None
        assert isinstance(row.effect, Say)
        assert row.effect.message == "mail_held"
        assert len(await outbox.pending(connection)) == 1


async def test_what_is_nobodys_business_is_done_without_its_bytes_and_known_if_it_comes_again(
    worker: Inbox,
) -> None:
    async def own(item: RawInput) -> Reading:
        return Reading(forget=item.conversation == "!staff")

    worker.readers["matrix"] = own
    said = inbox.Arrival("matrix:$own", "matrix", "!staff", b"what colleagues say")
    for _ in range(2):
        kept = await _drained(worker, said)
        assert (kept.status, kept.payload) == ("done", b"")


async def test_what_belongs_to_no_question_is_kept_without_a_word(worker: Inbox) -> None:
    kept = await _drained(worker, inbox.Arrival("matrix:$1", "matrix", "!r", b"{}"))
    assert kept.status == "quarantined"
    async with worker.database.reading() as connection:
        assert await outbox.pending(connection) == {}


async def test_a_conversation_with_much_to_do_holds_up_no_other(
    worker: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[str] = []

    async def slow(item: RawInput) -> Reading:
        await asyncio.sleep(0.01)
        decided.append(item.key)
        return Reading(forget=True)

    monkeypatch.setattr(lanes, "TURN_S", 0.02)
    single = Inbox(
        worker.database, Alone(None), Clock(), {"matrix": slow}, Policy(), worker.wake_outbox, at_once=1
    )
    single.lanes.open()
    many = [inbox.Arrival(f"matrix:${number}", "matrix", "!busy", b"{}") for number in range(40)]
    await single.take([*many, inbox.Arrival("matrix:$other", "matrix", "!other", b"{}")])
    async with asyncio.timeout(60):
        while len(decided) < 41:
            await asyncio.sleep(0.01)
    await single.lanes.stop(10)
    assert decided.index("matrix:$other") < decided.index("matrix:$39")
    assert [key for key in decided if key != "matrix:$other"] == [arrival.key for arrival in many]
