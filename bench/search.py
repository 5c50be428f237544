"""Searching among a million stored conversations, as a multiple of reading one of them by its key."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.stored import GROUPS, MANY, PLACES, PRACTITIONERS, STEMS, WHEN, fill, practitioner
from bridge.domain.titles import keywords
from bridge.storage import questions
from bridge.storage.database import Database
from bridge.storage.search import search
from tests.support.postgres import fresh, postgres

QUERIES = 400
SHOWN = 20


async def searching(directory: Path) -> dict[str, Any]:
    """Median milliseconds of a search on both databases, and the ratio to a read by primary key."""
    figures = await _one("sqlite", f"sqlite:///{directory}/many.db")
    with postgres() as server:
        figures |= await _one("postgres", await fresh(server))
    return figures


async def _one(name: str, url: str) -> dict[str, Any]:
    await fill(url)
    database = Database(url)
    choice = random.Random(11)
    asked = [_query(choice, number) for number in range(QUERIES)]
    keys = [f"q{choice.randrange(MANY):025}" for _ in range(QUERIES)]
    reads, searches, found = [], [], 0
    for key, (allowed, words) in zip(keys, asked, strict=True):  # in turn, so that both see the same machine
        reads.append(await _timed(lambda key=key: _read(database, key)))
        searches.append(await _timed(lambda a=allowed, w=words: _search(database, a, w)))
        found += bool(await _search(database, allowed, words))
    await database.close()
    read_ms, search_ms = statistics.median(reads) * 1000, statistics.median(searches) * 1000
    return {
        f"search_ms_{name}": round(search_ms, 2),
        f"search_p95_ms_{name}": round(statistics.quantiles(searches, n=20)[-1] * 1000, 2),
        f"search_ratio_{name}": round(search_ms / read_ms, 2),
        f"search_found_{name}": round(found / QUERIES, 2),
    }


def _query(choice: random.Random, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Someone in two groups who looks for a word, a beginning, two words or a reference."""
    who = practitioner(0 if number % 10 == 0 else choice.randrange(1, PRACTITIONERS))
    groups = tuple(f"group:g{choice.randrange(GROUPS)}" for _ in range(2))
    stem = choice.choice(STEMS)
    words = (
        stem,
        stem[:3],
        f"{stem} {choice.choice(PLACES)}",
        choice.choice(WHEN),
        f"r{choice.randrange(MANY):06x}",
        "introuvable",
    )
    return (f"owner:{who}", f"asked:{who}", *groups), keywords(words[number % len(words)])


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


async def _read(database: Database, key: str) -> object:
    async with database.reading() as connection:
        return await questions.load(connection, key)


async def _search(database: Database, allowed: tuple[str, ...], words: tuple[str, ...]) -> int:
    async with database.reading() as connection:
        found = await search(connection, allowed, words, SHOWN)
    assert len(found.questions) <= SHOWN
    return len(found.questions)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        print(asyncio.run(searching(Path(name))))
