"""Searching: whose a question is decides who finds it, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.domain.sight import scopes
from bridge.domain.state import Question, Status
from bridge.domain.titles import keywords
from bridge.storage import questions
from bridge.storage.database import Database
from bridge.storage.search import search
from bridge.storage.words import forget
from tests.domain.given import CLAIRE, NOW, PAUL, waiting

IN_DERM = ("group:derm",)
CLAIRES, PAULS = (f"owner:{CLAIRE.user_id}",), (f"owner:{PAUL.user_id}",)


async def _kept(database: Database, question: Question) -> Question:
    async with database.transaction() as connection:
        await questions.save(connection, question, await questions.load(connection, question.id))
    return question


async def _titles(database: Database, allowed: tuple[str, ...], asked: str, limit: int = 20) -> list[str]:
    async with database.reading() as connection:
        found = await search(connection, allowed, keywords(asked), limit)
    return [question.title for question in found.questions]


def _question(number: int, title: str) -> Question:
    at = NOW + timedelta(minutes=number)
    return replace(waiting(), id=f"q{number}", title=title, reference=f"REF{number:03}", asked_at=at)


def _taken(question: Question, owner: str) -> Question:
    return replace(question, status=Status.TAKEN, owner=owner, sealed=True)


async def test_the_newest_of_what_the_asker_may_see_comes_first(database: Database) -> None:
    for number, title in enumerate(["Eczéma du pied", "Urticaire", "eczema main", "ECZÉMA sévère"]):
        await _kept(database, _question(number, title))
    assert await _titles(database, IN_DERM, "Eczéma") == ["ECZÉMA sévère", "eczema main", "Eczéma du pied"]
    assert await _titles(database, IN_DERM, "eczema main") == ["eczema main"]
    assert await _titles(database, IN_DERM, "REF001") == ["Urticaire"]
    assert await _titles(database, IN_DERM, "psoriasis") == []
    assert await _titles(database, (), "eczema") == []
    assert await _titles(database, IN_DERM, "« »") == []


async def test_a_taken_question_is_found_by_its_owner_only(database: Database) -> None:
    asked = await _kept(database, _question(1, "Eczéma"))
    assert await _titles(database, IN_DERM, "eczema") == ["Eczéma"]
    await _kept(database, _taken(asked, CLAIRE.user_id))
    assert await _titles(database, IN_DERM, "eczema") == []
    assert await _titles(database, PAULS, "eczema") == []
    assert await _titles(database, CLAIRES, "eczema") == ["Eczéma"]


async def test_a_question_that_changes_hands_changes_who_finds_it(database: Database) -> None:
    asked = await _kept(database, _question(1, "Eczéma"))
    await _kept(database, _taken(asked, CLAIRE.user_id))
    await _kept(database, _taken(asked, PAUL.user_id))
    assert await _titles(database, CLAIRES, "eczema") == []
    assert await _titles(database, PAULS, "eczema") == ["Eczéma"]
    await _kept(database, asked)
    assert await _titles(database, PAULS, "eczema") == []
    assert await _titles(database, IN_DERM, "eczema") == ["Eczéma"]


async def test_the_fallback_group_finds_what_it_may_take(database: Database) -> None:
    asked = await _kept(database, _question(1, "Eczéma"))
    assert await _titles(database, ("group:general",), "eczema") == []
    await _kept(database, replace(asked, also="general"))
    assert await _titles(database, ("group:general",), "eczema") == ["Eczéma"]
    await _kept(database, _taken(replace(asked, also="general"), CLAIRE.user_id))
    assert await _titles(database, ("group:general",), "eczema") == []


async def test_what_is_wrongly_stored_under_a_scope_is_not_shown(database: Database) -> None:
    """The question itself has the last word, whatever its words are stored under."""
    asked = await _kept(database, _question(1, "Eczéma"))
    stolen = _taken(asked, PAUL.user_id)
    async with database.transaction() as connection:
        await questions.save(connection, stolen, await questions.load(connection, asked.id))
        await connection.exec_driver_sql("UPDATE words SET scope = 'group:derm'")
    assert await _titles(database, IN_DERM, "eczema") == []


async def test_a_forgotten_question_leaves_no_word(database: Database) -> None:
    asked = await _kept(database, _question(1, "Eczéma"))
    async with database.transaction() as connection:
        await forget(connection, asked)
        assert (await connection.exec_driver_sql("SELECT count(*) FROM words")).scalar() == 0


async def test_results_are_limited_and_say_that_there_are_more(database: Database) -> None:
    for number in range(7):
        await _kept(database, _question(number, f"Eczéma {'main' if number % 2 else 'pied'}"))
    async with database.reading() as connection:
        few = await search(connection, IN_DERM, keywords("ecz"), 5)
        all_of_them = await search(connection, IN_DERM, keywords("ecz"), 7)
    assert [q.id for q in few.questions] == ["q6", "q5", "q4", "q3", "q2"]
    assert few.more
    assert len(all_of_them.questions) == 7
    assert not all_of_them.more


@pytest.mark.parametrize("keyword", ["de", "d"])
async def test_a_very_short_keyword_is_a_whole_word(database: Database, keyword: str) -> None:
    await _kept(database, _question(1, "Douleur depuis hier"))
    assert await _titles(database, IN_DERM, keyword) == []
    await _kept(database, _question(2, f"Grain {keyword} beauté"))
    assert await _titles(database, IN_DERM, keyword) == [f"Grain {keyword} beauté"]
    assert await _titles(database, IN_DERM, f"beaute {keyword}") == [f"Grain {keyword} beauté"]


async def test_many_words_with_one_beginning_are_all_found(database: Database) -> None:
    for number in range(150):
        await _kept(database, _question(number, f"Ecz{number:03}"))
    assert await _titles(database, IN_DERM, "ecz", 150) == [
        f"Ecz{number:03}" for number in range(149, -1, -1)
    ]


def test_each_question_belongs_to_somebody() -> None:
    asked = waiting()
    assert scopes(asked) == ("group:derm",)
    assert scopes(_taken(asked, PAUL.user_id)) == PAULS
