"""A million conversations as years of use leave them: whose they are, what they are called."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from bridge.domain.state import Status
from bridge.domain.titles import words_of
from bridge.storage.codec import encode
from bridge.storage.database import Database
from tests.domain.given import waiting

MANY = 1_000_000
PRACTITIONERS, GROUPS = 200, 20
WAITING_EVERY = 500
"""One question in so many waits; a practitioner of renown owns one in ten of the others."""
BATCH = 50_000
ASKED_AT = 1_700_000_000.0
DOMAIN = "hopital.example"
STEMS = (
    "Eczéma",
    "Grain-de-beauté",
    "Psoriasis",
    "Urticaire",
    "Acné",
    "Verrue",
    "Brûlure",
    "Plaie",
    "Douleur",
    "Fièvre",
    "Toux",
    "Œdème",
    "Vertige",
    "Migraine",
    "Palpitation",
    "Fracture",
    "Entorse",
    "Allergie",
    "Éruption",
    "Kyste",
    "Nodule",
    "Ulcère",
    "Cicatrice",
    "Prurit",
    "Zona",
    "Mycose",
    "Abcès",
    "Hématome",
)
PLACES = (
    "main",
    "pied",
    "visage",
    "dos",
    "genou",
    "coude",
    "cou",
    "épaule",
    "jambe",
    "bras",
    "œil",
    "hanche",
)
WHEN = ("depuis-hier", "récidivant", "chronique", "aigu", "nocturne", "après-effort", "enfant", "grossesse")

QuestionRow = tuple[str, int, str, str, str, float, float, str, str]
WordRow = tuple[str, str, float, str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of both tables."""

    questions: list[QuestionRow]
    words: list[WordRow]


def practitioner(number: int) -> str:
    """One of the practitioners; number 0 has a hundred thousand questions."""
    return f"@dr{number}:{DOMAIN}"


def _title(choice: random.Random) -> str:
    rare = f" {choice.choice(STEMS)[:4].lower()}{choice.randrange(3000)}" if choice.random() < 0.3 else ""
    return f"{choice.choice(STEMS)} {choice.choice(PLACES)} {choice.choice(WHEN)}{rare}"


def rows(seed: int = 7) -> Iterator[Rows]:
    """All of them, in batches; the same on each database."""
    choice = random.Random(seed)
    taken = replace(
        waiting(), id="@id@", title="@title@", reference="@ref@", owner="@owner@", group="@group@"
    )
    states = {status: encode(replace(taken, status=status)) for status in Status}
    known: dict[str, tuple[str, ...]] = {}
    for start in range(0, MANY, BATCH):
        batch = Rows([], [])
        for number in range(start, start + BATCH):
            title = _title(choice)
            found = known.setdefault(title, words_of(title))
            _add(batch, states, number, title, found, choice)
        yield batch


def _add(
    batch: Rows,
    states: dict[Status, str],
    number: int,
    title: str,
    found: tuple[str, ...],
    choice: random.Random,
) -> None:
    waits = number % WAITING_EVERY == 0
    status = Status.WAITING if waits else Status.TAKEN
    renowned = choice.random() < 0.1
    owner = "" if waits else practitioner(0 if renowned else choice.randrange(1, PRACTITIONERS))
    key, group, reference = f"q{number:025}", f"g{number % GROUPS}", f"r{number:06x}"
    state = states[status]
    for mark, value in (
        ("id", key),
        ("title", title),
        ("ref", reference),
        ("owner", owner),
        ("group", group),
    ):
        state = state.replace(f"@{mark}@", value)
    at = ASKED_AT + number
    its = (*found, reference)
    batch.questions.append((key, 5, group, status.value, owner, at, at, " " + " ".join(its), state))
    scope = f"group:{group}" if waits else f"owner:{owner}"
    batch.words.extend((scope, word, at, key) for word in its)


QUESTION = ("id", "version", "group_key", "status", "owner", "asked_at", "active_at", "words", "state")
WORD = ("scope", "word", "asked_at", "question_id")


async def fill(url: str) -> None:
    """Migrate a database and store all of it."""
    database = Database(url)
    await database.migrate()
    await database.close()
    if url.startswith("sqlite"):
        _fill_sqlite(Path(url.removeprefix("sqlite:///")))
    else:
        await _fill_postgres(url)


def _fill_sqlite(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("CREATE TEMP TABLE unsorted AS SELECT * FROM words")
    marks = ", ".join("?" * len(QUESTION))
    for batch in rows():
        connection.executemany(
            f"INSERT INTO questions ({', '.join(QUESTION)}) VALUES ({marks})",  # noqa: S608
            batch.questions,
        )
        connection.executemany("INSERT INTO unsorted VALUES (?, ?, ?, ?)", batch.words)
    connection.execute("INSERT INTO words SELECT * FROM unsorted ORDER BY 1, 2, 3, 4")
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


async def _fill_postgres(url: str) -> None:
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    await connection.execute("ALTER TABLE words DROP CONSTRAINT words_pkey")
    for batch in rows():
        await connection.copy_records_to_table("questions", records=batch.questions, columns=QUESTION)
        await connection.copy_records_to_table("words", records=batch.words, columns=WORD)
    await connection.execute(f"ALTER TABLE words ADD PRIMARY KEY ({', '.join(WORD)})")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
