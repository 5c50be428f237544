"""Erasing leaves nothing that says anything, whatever comes late, and never what must be kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.domain import events as ev
from bridge.domain.content import Attachment, Kind
from bridge.domain.effects import Planned
from bridge.domain.inquiries import Inquire, Topic
from bridge.domain.organisation import ExpertGroup, Notify, Organisation
from bridge.domain.state import Policy, Question
from bridge.exporting import write_one
from bridge.flow.erasing import Eraser, Held
from bridge.flow.inbox import Inbox
from bridge.flow.retention import Keep, Retention
from bridge.ports import RawInput, Reading, Remains, TransportDown
from bridge.storage import acts, audit, erasure, holds, inbox, outbox, patients, questions, registry
from bridge.storage.database import Database
from bridge.storage.dossier import dossier
from bridge.storage.schema import metadata
from bridge.storage.schema import outbox as outbox_table
from bridge.storage.sharing import Alone
from bridge.storage.stats import stats
from tests.domain.given import CLAIRE, PAUL, asked, message

QID = "abcdefghijklmnop"
OTHER = "ponmlkjihgfedcba"
PHOTO = b"the bytes of a photo"
SECRETS = ("Marie", "Dupont", "marie@patients.example", "grain de beaut", "changé de couleur", "biopsie")


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 3, tzinfo=UTC)


@dataclass
class Forgetful:
    """A homeserver that notes what it is to forget; ``away`` as long as that is set."""

    away: bool = False
    forgot: list[Remains] = field(default_factory=list)

    async def forget(self, remains: Remains) -> None:
        if self.away:
            raise TransportDown("away")
        self.forgot.append(remains)

    async def redact(self, events: Sequence[tuple[str, str]]) -> None:
        raise AssertionError(events)


def _asked(question_id: str = QID, token: str = "t" * 24) -> ev.QuestionAsked:
    digest = "50a8a6b2b8ee8a8ee1f0e9e1f62b3c36d6b0a0d1c4d4bb1df1e5e3b9df1a2b3c"
    photo = Attachment(Kind.IMAGE, "peau.jpg", "image/jpeg", len(PHOTO), blob=digest)
    return asked(question_id=question_id, token=token, files=(photo,))


class Ward:
    """An inbox that reads what a test put into it, on a database of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.homeserver = Forgetful()
        self.eraser = Eraser(database, self.homeserver, Clock(), "cli:anna")
        self.readings: dict[str, Reading] = {}
        readers = dict.fromkeys(("mail", "matrix", "result"), self._read)
        self.inbox = Inbox(database, Alone(None), Clock(), dict(readers), Policy(0), lambda *_lanes: None)

    async def _read(self, item: RawInput) -> Reading:
        return self.readings[item.key]

    async def happens(self, key: str, event: ev.Event, conversation: str = QID, question: str = QID) -> None:
        payload = f"{event}".encode()
        blobs = (PHOTO,) if isinstance(event, ev.QuestionAsked) else ()
        self.readings[key] = Reading(question, (event,), blobs)
        kind = key.partition(":")[0]
        sender = "marie@patients.example" if kind == "mail" else ""
        await self.inbox.take([inbox.Arrival(key, kind, conversation, payload, "derm@h.example", sender)])
        await self.inbox._drain_ours(conversation)

    async def performed(self, key: str, room_id: str, event_id: str) -> None:
        """An effect was performed and its event came back to us."""
        async with self.database.transaction() as connection:
            query = sa.select(outbox_table.c.id).where(outbox_table.c.key == key)
            row_id = (await connection.execute(query)).scalar_one()
            await outbox.finish(connection, row_id, {"event_id": event_id}, 1.0)
            echo = inbox.Arrival(f"matrix:{event_id}", "matrix", room_id, b"Un grain de beaut\xc3\xa9")
            await inbox.put(connection, [echo], 1.0)

    async def lived(self) -> None:
        """A question with everything: photo, card, owner, a reply that came second, an answer."""
        await self.happens("mail:1", _asked())
        async with self.database.transaction() as connection:
            for key, room in ((f"question:{QID}", "!room"), ("waiting:derm", "!waiting")):
                await registry.remember_room(connection, key, room)
            await registry.remember_room(connection, f"bot:{PAUL.user_id}", "!paul")
            await registry.listing_generation(connection, "derm", QID, 10)
            await registry.anchor(connection, "$card", QID)
        await self.performed(f"{QID}:card", "!waiting", "$card")
        await self.happens("matrix:$1", message(CLAIRE, "$1", "Une biopsie s'impose."), "!room")
        await self.happens("matrix:$2", message(PAUL, "$2", "Une biopsie, Marie."), "!room")
        await self.performed(f"{QID}:hand-back:$2", "!paul", "$back")
        await self.happens("result:1", ev.AnswerHandedOver(1, ("$1",)), "")

    async def erase(self) -> None:
        async with self.database.reading() as connection:
            stored = await questions.load(connection, QID)
        assert stored is not None
        await self.eraser.wipe(stored.question, "patient")

    async def everything(self) -> str:
        """All that is stored, as text."""
        found = []
        async with self.database.reading() as connection:
            for table in metadata.sorted_tables:
                for row in await connection.execute(sa.select(table)):
                    values = [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in row]
                    found.append(f"{table.name}: {json.dumps(values, ensure_ascii=False)}")
        return "\n".join(found)


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    yield Ward(database)
    await database.close()


async def test_no_row_says_anything_of_an_erased_question(ward: Ward) -> None:
    await ward.lived()
    before = await ward.everything()
    assert all(word in before for word in SECRETS)
    await ward.erase()
    after = await ward.everything()
    assert [word for word in (*SECRETS, PHOTO.decode(), "t" * 24) if word in after] == []


async def test_the_homeserver_is_told_everything_that_it_has_to_forget(ward: Ward) -> None:
    await ward.lived()
    await ward.erase()
    assert await ward.eraser.finish() == 0
    (remains,) = ward.homeserver.forgot
    assert (remains.rooms, remains.ghost, remains.spaces) == (("!room",), "colloque_p_abc", ("group:derm",))
    assert set(remains.mentions) == {("!waiting", "$card"), ("!paul", "$back")}
    assert await ward.eraser.finish() == 0
    assert len(ward.homeserver.forgot) == 1


async def test_what_the_bot_said_of_it_to_who_asked_is_taken_back_with_the_asking(ward: Ward) -> None:
    await ward.lived()
    found = Inquire("inquiry:$search", CLAIRE.user_id, "fr", Topic.SEARCH, "grain de beauté")
    other = Inquire("inquiry:$other", CLAIRE.user_id, "fr", Topic.SEARCH, "genou")
    where = f"bot:{CLAIRE.user_id}"
    async with ward.database.transaction() as connection:
        await registry.remember_room(connection, where, "!claire")
        await outbox.add(connection, [Planned(found, where), Planned(other, where)], 1.0)
        await registry.mention(connection, found.key, [QID, OTHER])
        await registry.mention(connection, other.key, [OTHER])
        typed = inbox.Arrival("matrix:$search", "matrix", "!claire", "!chercher grain de beauté".encode())
        await inbox.put(connection, [typed], 1.0)
    await ward.performed(found.key, "!claire", "$found")
    await ward.performed(other.key, "!claire", "$else")
    await ward.erase()
    rows = (await ward.everything()).splitlines()
    assert [row for row in rows if "grain de beaut" in row and "matrix:$else" not in row] == []
    await ward.eraser.finish()
    claimed = {event for room, event in ward.homeserver.forgot[0].mentions if room == "!claire"}
    assert claimed == {"$search", "$found"}
    assert "inquiry:$other" in await ward.everything()


async def test_the_rooms_that_a_question_left_are_forgotten_too(ward: Ward) -> None:
    await ward.lived()
    async with ward.database.transaction() as connection:
        await registry.remember_room(connection, f"former:{QID}:1", "!first")
        stored = await questions.load(connection, QID)
        assert stored is not None
        moved = replace(stored.question, generation=2)
        await questions.save(connection, moved, stored)
        late = inbox.Arrival("matrix:$old", "matrix", "!first", b"Marie Dupont")
        await inbox.put(connection, [late], 1.0)
    await ward.erase()
    await ward.eraser.finish()
    assert ward.homeserver.forgot[0].rooms == ("!first", "!room")
    assert "Dupont" not in await ward.everything()


async def test_a_homeserver_that_is_away_forgets_later(ward: Ward) -> None:
    await ward.lived()
    ward.homeserver.away = True
    await ward.erase()
    assert await ward.eraser.finish() == 1
    assert "Dupont" not in await ward.everything()
    ward.homeserver.away = False
    assert await ward.eraser.finish() == 0
    assert len(ward.homeserver.forgot) == 1


async def test_nothing_that_comes_late_brings_it_back(ward: Ward) -> None:
    await ward.lived()
    await ward.erase()
    late = ev.PatientWrote("mail:9", "Marie Dupont écrit encore", (), "<9@patients.example>")
    await ward.happens("mail:9", late)
    await ward.happens("mail:1b", _asked())
    await ward.happens("matrix:$9", message(CLAIRE, "$9", "La biopsie de Marie"), "!room")
    after = await ward.everything()
    assert [word for word in SECRETS if word in after] == []
    async with ward.database.reading() as connection:
        assert await questions.load(connection, QID) is None
        assert await outbox.pending(connection) == {}
        assert await inbox.pending(connection) == {}


@pytest.mark.parametrize("subject", [holds.of_question(QID), holds.of_patient("Marie@Patients.example")])
async def test_what_is_under_legal_hold_stays_until_the_hold_is_lifted(ward: Ward, subject: str) -> None:
    await ward.lived()
    before = await ward.everything()
    async with ward.database.transaction() as connection:
        assert await holds.add(connection, holds.Hold(subject, "plainte 12/2026", "cli:anna", 1.0))
        assert not await holds.add(connection, holds.Hold(subject, "again", "cli:anna", 2.0))
    with pytest.raises(Held):
        await ward.erase()
    assert set(before.splitlines()) < set((await ward.everything()).splitlines())
    async with ward.database.transaction() as connection:
        assert await holds.lift(connection, subject)
        assert not await holds.lift(connection, subject)
    await ward.erase()
    assert "Dupont" not in await ward.everything()


async def test_a_file_that_another_question_has_too_stays_until_that_is_erased(ward: Ward) -> None:
    await ward.lived()
    await ward.happens("mail:2", _asked(OTHER, "u" * 24), OTHER, OTHER)
    await ward.erase()
    assert PHOTO.decode() in await ward.everything()
    async with ward.database.reading() as connection:
        stored = await questions.load(connection, OTHER)
    assert stored is not None
    await ward.eraser.wipe(stored.question, "patient")
    assert PHOTO.decode() not in await ward.everything()


async def test_who_did_what_and_when_stays_without_words_and_statistics_stay_true(ward: Ward) -> None:
    await ward.lived()
    async with ward.database.reading() as connection:
        before = await stats(connection, since=0, now=2e9, groups=[])
        done_before = [a.act.did for a in await acts.of_question(connection, QID)]
    await ward.erase()
    async with ward.database.reading() as connection:
        (group,), total = await stats(connection, since=0, now=2e9, groups=[])
        assert (group.period, total) == (before[0][0].period, before[1])
        assert total.answered == 1
        done = await acts.of_question(connection, QID)
        assert [a.act.did for a in done] == done_before
        assert {(a.act.why, str(a.act.details)) for a in done} == {("", "{}")}
        (entry,) = await audit.entries(connection)
        assert (entry.actor, entry.action, entry.subject) == ("cli:anna", "question.erase", "K7X3M2")


async def test_a_person_is_found_by_address_whatever_its_case_and_by_mails_that_became_nothing(
    ward: Ward,
) -> None:
    await ward.lived()
    raw = b"From: =?utf-8?q?Marie?= <MARIE@patients.example>\r\nSubject: x\r\n\r\nencore"
    others = b"From: xmarie@patients.example\r\nTo: marie@patients.example\r\n\r\nbonjour"
    async with ward.database.transaction() as connection:
        held = [inbox.Arrival("mail:5", "mail", "c5", raw), inbox.Arrival("mail:6", "mail", "c6", others)]
        await inbox.put(connection, held, 1.0)
    async with ward.database.reading() as connection:
        assert [q.id for q in await patients.questions_of(connection, "MARIE@patients.example")] == [QID]
        assert await patients.questions_of(connection, "arie@patients.example") == []
        found = await patients.mails_from(connection, "marie@PATIENTS.example")
        assert [mail.key for mail in found] == ["mail:1", "mail:5"]
        question = await patients.by_reference(connection, "k7x3m2")
        assert question is not None
        assert question.id == QID
        assert "questions.state" in await patients.still_named(connection, "marie@patients.example")


async def test_a_further_address_of_the_patient_finds_them_and_holds_them_too(ward: Ward) -> None:
    await ward.lived()
    async with ward.database.transaction() as connection:
        stored = await questions.load(connection, QID)
        assert stored is not None
        known = replace(stored.question, also_from=("Marie@travail.example",))
        await questions.save(connection, known, stored)
        assert [q.id for q in await patients.questions_of(connection, "marie@travail.example")] == [QID]
        assert await patients.questions_of(connection, "marie@ailleurs.example") == []
        assert not await holds.held(connection, known)
        hold = holds.Hold(holds.of_patient("marie@travail.example"), "plainte", "cli:anna", 1.0)
        await holds.add(connection, hold)
        assert await holds.held(connection, known)


def _on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_the_file_on_disk_has_no_trace_either(ward: Ward, tmp_path: Path) -> None:
    await ward.lived()
    raw = _on_disk(tmp_path)
    assert b"marie@patients.example" in raw
    await ward.erase()
    await ward.database.forget()
    raw = _on_disk(tmp_path)
    assert [word for word in (*SECRETS, PHOTO.decode()) if word.encode() in raw] == []
    async with ward.database.reading() as connection:
        assert await erasure.was_erased(connection, QID)


def _retention(ward: Ward, days: int | None, keep: Keep | None = None) -> Retention:
    @asynccontextmanager
    async def homeserver() -> AsyncIterator[Forgetful]:
        yield ward.homeserver

    group = ExpertGroup("derm", "Dermatologie", "derm@h.example", (), Notify.ANNOUNCE, "fr")
    organisation = Organisation("H", "fr", (), (replace(group, retention_days=days),))
    return Retention(ward.database, Alone(None), Clock(), organisation, homeserver, keep)


async def _archived(ward: Ward, days_ago: float) -> None:
    await ward.lived()
    async with ward.database.transaction() as connection:
        at = Clock().now().timestamp() - days_ago * 86400
        await connection.execute(sa.text("UPDATE questions SET archived_at = :at"), {"at": at})


@pytest.mark.parametrize(
    ("days", "days_ago", "gone"), [(30, 31, 1), (30, 29, 0), (None, 9999, 0), (1, 1.01, 1)]
)
async def test_questions_of_a_group_are_erased_so_many_days_after_they_were_archived(
    ward: Ward, days: int | None, days_ago: float, gone: int
) -> None:
    await _archived(ward, days_ago)
    assert await _retention(ward, days).round() == gone
    assert ("Dupont" in await ward.everything()) is (gone == 0)
    assert len(ward.homeserver.forgot) == gone
    assert await _retention(ward, days).round() == 0


async def test_a_question_that_was_never_archived_is_kept(ward: Ward) -> None:
    await ward.lived()
    assert await _retention(ward, 1).round() == 0
    assert "Dupont" in await ward.everything()


async def test_retention_leaves_what_is_under_legal_hold_and_what_could_not_be_exported(ward: Ward) -> None:
    await _archived(ward, 31)

    async def full(_question: Question) -> None:
        raise OSError("no space left on device")

    assert await _retention(ward, 30, full).round() == 0
    subject = holds.of_question(QID)
    async with ward.database.transaction() as connection:
        await holds.add(connection, holds.Hold(subject, "plainte", "cli:anna", 1.0))
    assert await _retention(ward, 30).round() == 0
    async with ward.database.transaction() as connection:
        await holds.lift(connection, subject)
    kept: list[str] = []

    async def exported(question: Question) -> None:
        kept.append(question.reference)

    assert await _retention(ward, 30, exported).round() == 1
    assert kept == ["K7X3M2"]


async def test_an_export_before_erasing_has_everything_and_is_for_its_owner_only(
    ward: Ward, tmp_path: Path
) -> None:
    await ward.lived()
    async with ward.database.reading() as connection:
        stored = await questions.load(connection, QID)
        assert stored is not None
        found = await dossier(connection, stored.question)
    for _ in range(2):  # an earlier try may have left something
        write_one(tmp_path / "derm", found)
    place = tmp_path / "derm" / "K7X3M2"
    files = {str(file.relative_to(place)): file.read_bytes() for file in place.rglob("*") if file.is_file()}
    everything = b"\n".join(files.values()).decode()
    assert [word for word in SECRETS if word not in everything] == []
    assert "t" * 24 not in files["question.json"].decode()
    assert PHOTO in [body for name, body in files.items() if name.startswith("files/")]
    assert {file.stat().st_mode & 0o077 for file in place.rglob("*")} == {0}
