"""What a page shows of an answer, out of what is stored: all that its mail would have said."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.answering import StoredAnswers, read_file_left_out
from bridge.domain import effects as fx
from bridge.domain.arriving import FileLeftOut
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.delivery import STOPPED
from bridge.domain.links import LARGEST_FILE, AnswerTicket
from bridge.keptmails import StoredSuppressions
from bridge.mail.samples import LARGE, Photo
from bridge.storage import outbox
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival
from bridge.utc import SystemClock
from bridge.web.answers import TooLarge

QID = "aaaaaaaaaaaaaaaa"
PHOTO = Attachment(Kind.IMAGE, "peau.jpg", "image/jpeg", 3, mxc="mxc://h.example/a")
LINES = (Line("$1", "Bonjour."), Line("$2", "La flèche montre <où> appliquer.", attachment=PHOTO))


HUGE = Attachment(Kind.FILE, "irm.zip", "application/zip", 200 * 1024 * 1024, mxc=LARGE)
UNTRUE = Attachment(Kind.FILE, "scan.zip", "application/zip", 0, mxc=LARGE)


def answer(*lines: Line) -> fx.Answer:
    return fx.Answer(
        key=f"{QID}:answer:1",
        question_id=QID,
        number=1,
        group="derm",
        language="fr",
        owner="@dr:h.example",
        owner_name="Dr Petit",
        address="marie@p.example",
        name="Marie",
        subject="Titre",
        reference="K7X3M2",
        token="t",
        lines=lines,
        references=(),
    )


@dataclass
class Kept:
    """The answers of one database, and what pages commit."""

    database: Database
    put: list[Arrival] = field(default_factory=list)

    async def commit(self, arrivals: Sequence[Arrival]) -> None:
        self.put += arrivals

    @property
    def answers(self) -> StoredAnswers:
        files: Any = Photo(b"not a photo")
        return StoredAnswers(self.database, files, SystemClock(), self.commit, LARGEST_FILE)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    yield Kept(database)
    await database.close()


async def sent(kept: Kept, *lines: Line) -> AnswerTicket:
    async with kept.database.transaction() as connection:
        await outbox.add(connection, [fx.Planned(answer(*lines), QID)], 1.0)
    return AnswerTicket(QID, 1, 1)


async def test_what_is_said_of_a_photo_stands_above_it(kept: Kept) -> None:
    read = await kept.answers.read(await sent(kept, *LINES))
    assert read is not None
    shown = [(part.html, part.file, part.index) for part in read.parts]
    assert shown == [
        ("Bonjour.", "", 0),
        ("La flèche montre &lt;où&gt; appliquer.", "", 0),
        ("", "peau.jpg", 1),
    ]
    assert read.no_mail == ""


async def test_a_file_too_large_for_the_page_is_said_in_its_place(kept: Kept) -> None:
    read = await kept.answers.read(await sent(kept, Line("$1", attachment=HUGE)))
    assert read is not None
    (part,) = (part for part in read.parts if part.html)
    assert "« irm.zip » est trop volumineux" in part.html.replace("\N{NO-BREAK SPACE}", " ")
    assert not any(part.file for part in read.parts)


async def test_one_that_turns_out_too_large_is_told_to_its_author_once(kept: Kept) -> None:
    ticket = await sent(kept, Line("$1", "Voici"), Line("$2", attachment=UNTRUE))
    for _ in range(2):
        with pytest.raises(TooLarge):
            await kept.answers.file(ticket, 1)
    assert len({arrival.key for arrival in kept.put}) == 1
    item: Any = kept.put[0]
    reading = await read_file_left_out(item)
    assert reading.question_id == QID
    assert reading.events == (FileLeftOut(1, 1, "scan.zip"),)


async def test_the_page_knows_that_its_patient_wants_no_mail(kept: Kept) -> None:
    ticket = await sent(kept, *LINES)
    await StoredSuppressions(kept.database, SystemClock()).stop("Marie@p.example", QID)
    read = await kept.answers.read(ticket)
    assert read is not None
    assert read.no_mail == STOPPED


async def test_a_consent_is_asked_for_on_its_page_as_one_reads_a_page(kept: Kept) -> None:
    effect = fx.TellPatient(
        f"{QID}:consent:1",
        QID,
        "derm",
        "fr",
        "marie@p.example",
        "Marie",
        "Titre",
        "K7X3M2",
        "t",
        "consent",
        (),
        {"to": "Rhumatologie"},
    )
    async with kept.database.transaction() as connection:
        await outbox.add(connection, [fx.Planned(effect, QID)], 1.0)
    read = await kept.answers.read(AnswerTicket(QID, 1, 1, consent=True))
    assert read is not None
    (part,) = read.parts
    assert "Rhumatologie" in part.html
    assert "cet e-mail" not in re.sub("<[^>]*>", "", part.html)
