"""The words of titles by scope, kept with every change of a question: what searching reads."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.sight import scopes
from bridge.domain.state import Question
from bridge.domain.titles import words_of
from bridge.storage.registry import insert_new_rows
from bridge.storage.schema import words

Entry = tuple[str, str, float, str]


def line(question: Question) -> str:
    """A title's words as one text in which a beginning is found with ``LIKE '% eczem%'``."""
    return " " + " ".join(words_of(question.title, question.reference))


def _entries(question: Question | None) -> dict[Entry, None]:
    if question is None:
        return {}
    at, found = question.asked_at.timestamp(), words_of(question.title, question.reference)
    return {(scope, word, at, question.id): None for scope in scopes(question) for word in found}


async def index(connection: AsyncConnection, question: Question, before: Question | None) -> None:
    """Bring the words of a question to whose it is now; nothing is written when that stays the same."""
    await _change(connection, _entries(question), _entries(before))


async def forget(connection: AsyncConnection, question: Question) -> None:
    """Nobody finds this question any more."""
    await _change(connection, {}, _entries(question))


async def _change(connection: AsyncConnection, wanted: dict[Entry, None], there: dict[Entry, None]) -> None:
    gone = [entry for entry in there if entry not in wanted]
    if gone:
        key = sa.tuple_(words.c.scope, words.c.word, words.c.asked_at, words.c.question_id)
        await connection.execute(sa.delete(words).where(key.in_(gone)))
    new = [entry for entry in wanted if entry not in there]
    if new:
        names = ("scope", "word", "asked_at", "question_id")
        await insert_new_rows(connection, words, [dict(zip(names, entry, strict=True)) for entry in new])
