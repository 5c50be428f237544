"""What a page shows of an answer, out of what is stored: all that its mail would have said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.answering import StoredAnswers
from bridge.domain import effects as fx
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.links import AnswerTicket
from bridge.storage import outbox
from bridge.storage.database import Database
from bridge.utc import SystemClock

QID = "aaaaaaaaaaaaaaaa"
PHOTO = Attachment(Kind.IMAGE, "peau.jpg", "image/jpeg", 3, mxc="mxc://h.example/a")
LINES = (Line("$1", "Bonjour."), Line("$2", "La flèche montre <où> appliquer.", attachment=PHOTO))


async def test_what_is_said_of_a_photo_stands_above_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    answer = fx.Answer(
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
        lines=LINES,
        references=(),
    )
    async with database.transaction() as connection:
        await outbox.add(connection, [fx.Planned(answer, QID)], 1.0)
    nobody: Any = None
    kept = await StoredAnswers(database, nobody, SystemClock(), nobody, 1).read(AnswerTicket(QID, 1, 1))
    await database.close()
    assert kept is not None
    shown = [(part.html, part.file, part.index) for part in kept.parts]
    assert shown == [
        ("Bonjour.", "", 0),
        ("La flèche montre &lt;où&gt; appliquer.", "", 0),
        ("", "peau.jpg", 1),
    ]
