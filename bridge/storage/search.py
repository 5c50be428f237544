"""Searching titles: newest first, within the scopes of whoever asks, as fast with a million as with ten.

A beginning is first widened to the words that there are in those scopes, each found by one step in the
index, not by reading what lies between; then each word is read from its newest question on, and only as
far as results are wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.findings import Found
from bridge.domain.sight import may_find
from bridge.storage.questions import load_all

WHOLE_BELOW = 3
"""Shorter keywords are whole words: too many words begin with two letters."""
WIDENED = 400
"""Words that a keyword is widened to at most."""
SIZES = (4, 16, 64)
"""Words read by one statement; few shapes of it, since each is prepared once."""
LAST = "\U0010ffff"

Word = tuple[str, str]
"""A scope and a word in it."""
Hit = tuple[float, str]


async def search(
    connection: AsyncConnection, allowed: Sequence[str], keywords: Sequence[str], limit: int
) -> Found:
    """The newest questions of these scopes whose title has every keyword."""
    if not keywords or not allowed:
        return Found()
    driver = max(keywords, key=len)
    others = [keyword for keyword in keywords if keyword != driver]
    widened = await _widened(connection, allowed, driver)
    hits: set[Hit] = set()
    for start in range(0, len(widened), SIZES[-1]):
        hits |= await _newest(connection, widened[start : start + SIZES[-1]], others, limit + 1)
    ordered = [question_id for _, question_id in sorted(hits, reverse=True)]
    loaded = await load_all(connection, ordered[: limit + 1])
    # What is stored by scope says the same; a result is shown only if the question itself agrees.
    seen = tuple(question for question in loaded if may_find(question, tuple(allowed)))
    return Found(seen[:limit], len(ordered) > limit)


async def _widened(connection: AsyncConnection, allowed: Sequence[str], keyword: str) -> list[Word]:
    """The words of these scopes that begin with the keyword, each found by one look into the index."""
    if len(keyword) < WHOLE_BELOW:
        return [(scope, keyword) for scope in allowed]
    values = {f"s{n}": scope for n, scope in enumerate(allowed)}
    values |= {"beginning": keyword, "end": keyword + LAST}
    found = await connection.execute(_widening(len(allowed)), values)
    return [(row[0], row[1]) for row in found]


async def _newest(
    connection: AsyncConnection, widened: Sequence[Word], others: Sequence[str], limit: int
) -> set[Hit]:
    """The newest of each of these words that have the other keywords, too."""
    if not widened:
        return set()
    size = next(size for size in SIZES if size >= len(widened))
    padded = [*widened, *[widened[-1]] * (size - len(widened))]
    values: dict[str, object] = {"wanted": limit}
    values |= {f"s{n}": scope for n, (scope, _) in enumerate(padded)}
    values |= {f"w{n}": word for n, (_, word) in enumerate(padded)}
    # Words have neither % nor _.
    values |= {
        f"o{n}": f"% {other}%" if len(other) >= WHOLE_BELOW else f"% {other} %"
        for n, other in enumerate(others)
    }
    found = await connection.execute(_reading(size, len(others)), values)
    return {(row[0], row[1]) for row in found}


# Written out and kept: to build them anew for each search took longer than the search.


@cache
def _widening(scopes: int) -> sa.TextClause:
    asked = " UNION ALL ".join(f"SELECT CAST(:s{n} AS TEXT) AS scope" for n in range(scopes))
    first = "SELECT min(word) FROM words WHERE scope = asked.scope AND word >= :beginning AND word < :end"
    after = "SELECT min(word) FROM words WHERE scope = known.scope AND word > known.word AND word < :end"
    return sa.text(
        f"WITH RECURSIVE asked AS ({asked}), known (scope, word) AS ("  # noqa: S608
        f"SELECT asked.scope, ({first}) FROM asked UNION ALL "
        f"SELECT known.scope, ({after}) FROM known WHERE known.word IS NOT NULL"
        f") SELECT scope, word FROM known WHERE word IS NOT NULL LIMIT {WIDENED}"
    )


@cache
def _reading(terms: int, others: int) -> sa.TextClause:
    join = "JOIN questions ON questions.id = words.question_id " if others else ""
    also = "".join(f"AND questions.words || ' ' LIKE :o{n} " for n in range(others))
    parts = (
        f"SELECT * FROM (SELECT words.asked_at, words.question_id FROM words {join}"  # noqa: S608
        f"WHERE words.scope = :s{n} AND words.word = :w{n} {also}"
        f"ORDER BY words.asked_at DESC, words.question_id DESC LIMIT :wanted) AS t{n}"
        for n in range(terms)
    )
    return sa.text(f"{' UNION '.join(parts)} ORDER BY 1 DESC, 2 DESC LIMIT :wanted")
