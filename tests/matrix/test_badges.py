"""Unread counts of a waiting room on a real homeserver that has summed them up: what went counts no more."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person
from bridge.domain.house import CorrectCounts
from bridge.domain.organisation import Organisation
from bridge.matrix.acting import Acting
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.perform import MatrixPerformer
from bridge.ports import Temporary
from tests.matrix.conftest import DOMAIN
from tests.matrix.test_acting import Ward
from tests.matrix.test_acting import ward as ward
from tests.matrix.test_seal import Job
from tests.support.memory import MemoryNames

pytestmark = pytest.mark.timeout(300)

SUMMED_WITHIN_S = 75.0
"""Synapse sums its counts up every 30 seconds, and takes its time for it on a busy machine."""

SUMMED = """
SELECT (SELECT max(stream_ordering) FROM events)
       <= (SELECT stream_ordering FROM event_push_summary_stream_ordering)
   AND (SELECT max(stream_id) FROM receipts_linearized)
       <= (SELECT stream_id FROM event_push_summary_last_receipt_stream_id)"""
"""Whether all events and receipts so far are in the sums."""

WITHDRAWN = "derm:card:redact"


@dataclass
class Waiting:
    """A waiting room with its cards, and two readers: one who may be acted as, and one who may not."""

    ward: Ward
    room: str
    names: MemoryNames
    database: Path
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def card(self, msgtype: str = "m.text") -> str:
        """A card as they are posted, with the hand that invites to take it."""
        content = {"msgtype": msgtype, "body": "Une question"}
        card = await self.ward.client.send(self.room, "m.room.message", content, txn_id=self._txn())
        relation = {"rel_type": "m.annotation", "event_id": card, "key": "🙋"}
        await self.ward.client.send(self.room, "m.reaction", {"m.relates_to": relation}, txn_id=self._txn())
        return card

    async def withdraw(self, card: str) -> None:
        await self.ward.client.redact(self.room, card, txn_id=self._txn())

    async def correct(self, acting: Acting | None = None) -> None:
        place = Place(self.ward.client.bot_id, DOMAIN, "t_", "12")
        performer = MatrixPerformer(
            Outlet(self.ward.client, self.names, place),
            Organisation("H", "fr", (), ()),
            grant_at_once_up_to=10,
            acting=acting or self.ward.acting,
        )
        await performer.perform(Job(CorrectCounts(f"{WITHDRAWN}:counts", "derm", WITHDRAWN)))

    async def summed(self) -> None:
        """Wait until the homeserver has summed its counts up."""
        async with asyncio.timeout(SUMMED_WITHIN_S):
            while not await asyncio.to_thread(self._are_summed):
                await asyncio.sleep(0.5)

    def _are_summed(self) -> bool:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", timeout=30, uri=True)) as reading:
            return bool(reading.execute(SUMMED).fetchone()[0])

    async def read(self, event_id: str) -> None:
        for person in (self.ward.doctor, self.ward.outside):
            await person.call("POST", f"/v3/rooms/{self.room}/receipt/m.read/{event_id}", {})

    async def counts(self) -> tuple[int, int]:
        """Of who may be acted as, and of who may not."""
        return await self._count(self.ward.doctor), await self._count(self.ward.outside)

    async def _count(self, person: Person) -> int:
        synced = await person.call("GET", "/v3/sync", timeout="0")
        return int(synced["rooms"]["join"][self.room]["unread_notifications"]["notification_count"])

    def _txn(self) -> str:
        return f"{self.room}-{next(self.numbers)}"


@pytest.fixture
async def waiting(ward: Ward, synapse: LocalSynapse) -> Waiting:
    people = [ward.doctor, ward.outside]
    room = await ward.client.create_room({"invite": [person.user_id for person in people]})
    for person in people:
        await person.join(room)
    names = MemoryNames({"waiting:derm": room}, {WITHDRAWN: {}})
    waiting = Waiting(ward, room, names, synapse.directory / "homeserver.db")
    await waiting.read((await ward.doctor.messages(room))[0]["event_id"])  # their invitation counts, too
    return waiting


async def _receipts(waiting: Waiting) -> object:
    """What one reader gets to see of what the others have read."""
    synced = await waiting.ward.outside.call("GET", "/v3/sync", timeout="0")
    return synced["rooms"]["join"][waiting.room]["ephemeral"]["events"]


async def test_what_went_counts_no_more_and_what_waits_still_does(waiting: Waiting) -> None:
    receipts = await _receipts(waiting)
    first, second, third, _ = [await waiting.card() for _ in range(4)]
    await waiting.summed()
    await waiting.withdraw(first)
    assert await waiting.counts() == (4, 4), "the homeserver does this by itself now"
    await waiting.correct()
    assert await waiting.counts() == (3, 4)
    await waiting.withdraw(third)  # out of turn: the second still waits
    await waiting.correct()
    assert await waiting.counts() == (2, 4)
    await waiting.correct()
    assert await waiting.counts() == (2, 4)
    assert await _receipts(waiting) == receipts
    await waiting.summed()
    assert await waiting.counts() == (2, 4)
    await waiting.withdraw(second)
    await waiting.correct()
    assert await waiting.counts() == (1, 4)


async def test_a_card_that_was_read_and_still_waits_is_in_nobodys_way(waiting: Waiting) -> None:
    old = await waiting.card()
    await waiting.read(old)
    gone = await waiting.card()
    assert await waiting.counts() == (1, 1)
    await waiting.summed()
    await waiting.withdraw(gone)
    assert await waiting.counts() == (1, 1), "the homeserver does this by itself now"
    await waiting.correct()
    assert await waiting.counts() == (0, 1)
    await waiting.card()
    assert await waiting.counts() == (1, 2)


async def test_where_a_count_is_right_nothing_is_marked_as_read(waiting: Waiting) -> None:
    await waiting.card()
    gone = await waiting.card("m.notice")  # one that never counted
    await waiting.withdraw(gone)
    before = await waiting.ward.acting.unread(waiting.room, waiting.ward.doctor.user_id)
    await waiting.correct()
    assert await waiting.ward.acting.unread(waiting.room, waiting.ward.doctor.user_id) == before
    assert before is not None
    assert before.count == 1
    assert await waiting.ward.acting.unread(waiting.room, waiting.ward.outside.user_id) is None


async def test_it_waits_until_the_card_is_withdrawn(waiting: Waiting) -> None:
    waiting.names.results.clear()
    with pytest.raises(Temporary):
        await waiting.correct()
