"""What experts were asked about a question is found, held and erased with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.domain.drafting import Fresh
from bridge.domain.opinions import Link, Opinion, Stage
from bridge.flow.erasing import Held
from bridge.storage import holds, patients, questions
from bridge.storage.database import Database
from tests.domain.given import CLAIRE
from tests.flow.test_erasing import OTHER, PHOTO, QID, Ward, _asked


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    database = Database(f"sqlite:///{tmp_path}/colloque.db")
    await database.migrate()
    opened = Ward(database)
    await opened.lived()
    await _opinion_asked(opened)
    yield opened
    await database.close()


async def _opinion_asked(ward: Ward) -> None:
    fresh = Fresh(OTHER, "colloque_p_other", "ABC234")
    opinion = Opinion(1, Stage.OPEN, "cardio", "Cardiologie", "", linked=fresh)
    async with ward.database.transaction() as connection:
        stored = await questions.load(connection, QID)
        assert stored is not None
        await questions.save(connection, replace(stored.question, opinions=(opinion,)), stored)
    asked = replace(
        _asked(OTHER, ""),
        address=CLAIRE.user_id,
        name=CLAIRE.name,
        text="Une LESION-CHOISIE.",
        ghost=fresh.ghost,
        reference=fresh.reference,
        link=Link(QID, CLAIRE.user_id),
    )
    await ward.happens("result:linked", asked, OTHER, OTHER)


async def test_an_opinion_is_erased_with_the_question_that_it_is_about(ward: Ward) -> None:
    before = await ward.everything()
    assert "LESION-CHOISIE" in before
    await ward.erase()
    await ward.eraser.finish()
    after = await ward.everything()
    assert "LESION-CHOISIE" not in after
    assert PHOTO.decode() not in after
    assert {forgot.question_id for forgot in ward.homeserver.forgot} == {QID, OTHER}


async def test_an_opinion_is_found_with_the_patient_and_with_nobody_else(ward: Ward) -> None:
    async with ward.database.reading() as connection:
        found = await patients.questions_of(connection, "marie@patients.example")
        assert {question.id for question in found} == {QID, OTHER}
        assert await patients.questions_of(connection, "paul@patients.example") == []


async def test_what_a_hold_keeps_it_keeps_with_its_opinions(ward: Ward) -> None:
    async with ward.database.transaction() as connection:
        subject = holds.of_patient("marie@patients.example")
        await holds.add(connection, holds.Hold(subject, "plainte 12/2026", "cli:anna", 1.0))
        stored = await questions.load(connection, OTHER)
    assert stored is not None
    with pytest.raises(Held):
        await ward.eraser.wipe(stored.question, "retention")
    with pytest.raises(Held):
        await ward.erase()
    assert "LESION-CHOISIE" in await ward.everything()
