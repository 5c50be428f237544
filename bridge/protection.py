"""``colloque patient`` and ``colloque hold``: what is kept of a person, and for how long.

Works on the database while the service runs, and without it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.config import Settings
from bridge.console import (
    DEFAULT_CONFIG,
    WRONG,
    ConfigFile,
    actor,
    in_transaction,
    settings_of,
    with_database,
)
from bridge.domain.state import Question
from bridge.exporting import NotEmpty, write
from bridge.flow.erasing import Eraser
from bridge.ports import PortError
from bridge.protecting import forgetting
from bridge.storage import audit, dialogues, erasure, holds, patients, questions
from bridge.storage.database import Database
from bridge.storage.dossier import Dossier, dossier
from bridge.storage.holds import Hold
from bridge.storage.inbox import Input
from bridge.utc import SystemClock

patient_commands = typer.Typer(
    name="patient", help="What is kept of one person: export or erase it.", no_args_is_help=True
)
hold_commands = typer.Typer(
    name="hold", help="Legal hold: what must not be erased, whoever asks.", no_args_is_help=True
)
Address = Annotated[str, typer.Argument(help="The person's e-mail address (or Matrix ID).")]
Subject = Annotated[str, typer.Argument(help="A question's reference, as in K7X3M2, or a person's address.")]
UNFINISHED = 1
"""Exit code when the homeserver still has something to forget."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is stored of one person. ``mails`` belong to none of the questions; ``told`` are answers of the
    bot that name them; ``held`` are those questions that must be kept.
    """

    questions: tuple[Question, ...]
    mails: tuple[Input, ...]
    told: tuple[patients.Told, ...]
    held: tuple[Question, ...]


async def _found(connection: AsyncConnection, address: str) -> Found:
    questions = await patients.questions_of(connection, address)
    ids = {question.id for question in questions}
    mails = [mail for mail in await patients.mails_from(connection, address) if mail.conversation not in ids]
    told = await patients.told(connection, [address, *(question.reference for question in questions)])
    held = [question for question in questions if await holds.held(connection, question)]
    return Found(tuple(questions), tuple(mails), tuple(told), tuple(held))


async def _note(connection: AsyncConnection, action: str, found: Sequence[Question], **detail: str) -> None:
    references = " ".join(question.reference for question in found)
    await audit.note(connection, audit.Entry(actor(), action, references, detail, time.time()))


# --- export ---


@patient_commands.command("export")
def export_patient(
    address: Address,
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write everything that is kept of a person into a new folder: mails, files, rooms, acts."""

    async def collected(connection: AsyncConnection) -> tuple[list[Dossier], Found]:
        found = await _found(connection, address)
        await _note(connection, "patient.export", found.questions, mails=str(len(found.mails)))
        return [await dossier(connection, question) for question in found.questions], found

    dossiers, found = in_transaction(settings_of(config), collected)
    try:
        count = write(output, address, dossiers, [mail.payload for mail in found.mails])
    except (NotEmpty, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG) from None
    typer.echo(f"{output}: {len(dossiers)} questions, {len(found.mails)} further mails, {count} files.")


# --- erase ---


@patient_commands.command("erase")
def erase_patient(
    address: Address,
    config: ConfigFile = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Erase everything of a person for good: rows, rooms and files. Open questions end without a word.

    Exit code 2: nothing was erased (legal hold). 1: the homeserver is away and forgets later, or the
    database's log is being read and is to be emptied by running this again.
    """
    settings = settings_of(config)

    async def look(connection: AsyncConnection) -> Found:
        return await _found(connection, address)

    found = in_transaction(settings, look)
    _tell(found, address)
    if found.held:
        typer.echo("Nothing was erased: what is under legal hold stays (`colloque hold list`).", err=True)
        raise typer.Exit(WRONG)
    if not yes and (found.questions or found.mails or found.told):
        typer.confirm("Erase all of this for good?", abort=True)

    async def erase(database: Database) -> tuple[int, dict[str, int], bool]:
        async with _eraser(settings, database) as eraser:
            left, named = await _erased(database, eraser, found, address)
        return left, named, await database.forget(thoroughly=True)

    left, named, clean = with_database(settings, erase)
    for place, count in named.items():
        typer.echo(f"the address still stands in {count} rows of {place}: another person's words", err=True)
    if not clean:
        typer.echo(
            "Erased, but the database's log may still hold some of it, since others are reading: "
            "run this again in a minute.",
            err=True,
        )
    if left:
        typer.echo(
            f"Erased here; the homeserver still has to forget {left} questions: it does so as soon as it "
            "answers while the service runs, or when you run this again.",
            err=True,
        )
    if left or not clean:
        raise typer.Exit(UNFINISHED)
    typer.echo("Erased.")


def _tell(found: Found, address: str) -> None:
    for question in found.questions:
        kept = ", under legal hold" if question in found.held else ""
        typer.echo(
            f"{question.reference}\t{question.group}\t{question.status}\t{question.asked_at:%Y-%m-%d}"
            f"\t{question.owner or '-'}{kept}"
        )
    typer.echo(
        f"{len(found.questions)} questions, {len(found.mails)} further mails, "
        f"{len(found.told)} further answers."
    )
    mine = [question for question in found.questions if question.link is None]
    known = {other for question in mine for other in (question.address, *question.also_from)}
    for other in sorted(known):
        if other.casefold() != address.casefold():
            typer.echo(f"this person also writes from {other}: do the same for that address")


@asynccontextmanager
async def _eraser(settings: Settings, database: Database) -> AsyncIterator[Eraser]:
    async with forgetting(settings, database) as homeserver:
        yield Eraser(database, homeserver, SystemClock(), actor())


async def _erased(
    database: Database, eraser: Eraser, found: Found, address: str
) -> tuple[int, dict[str, int]]:
    for question in found.questions:
        await eraser.wipe(question, "patient")
    left = await eraser.finish()
    left += await _taken_back(database, eraser, found)
    async with database.transaction() as connection:
        for mail in found.mails:
            await erasure.empty_input(connection, mail.id)
        await dialogues.forget(connection, address)
        await _note(connection, "patient.erase", found.questions, mails=str(len(found.mails)))
    async with database.reading() as connection:
        return left, await patients.still_named(connection, address)


async def _taken_back(database: Database, eraser: Eraser, found: Found) -> int:
    """Take back what the bot told somebody of this person; returns 1 when that has to be tried again."""
    async with database.transaction() as connection:
        places = await erasure.places(connection, [effect[1:] for effect in found.told])
        await erasure.empty_events(connection, [event for _, event in places])
    try:
        await eraser.homeserver.redact(places)
    except PortError:
        return 1
    async with database.transaction() as connection:
        await patients.forget_told(connection, [effect[0] for effect in found.told])
    return 0


# --- holds ---


async def _subject(connection: AsyncConnection, text: str) -> str | None:
    if "@" in text:
        return holds.of_patient(text)
    question = await patients.by_reference(connection, text)
    return holds.of_question(question.id) if question else None


def _changed(config: Path, text: str, reason: str | None) -> bool:
    """Add a hold, or lift one without a reason; whether that changed anything."""

    async def change(connection: AsyncConnection) -> bool | None:
        subject = await _subject(connection, text)
        if subject is None:
            return None
        if reason is None:
            done, action = await holds.lift(connection, subject), "hold.lift"
        else:
            done = await holds.add(connection, Hold(subject, reason, actor(), time.time()))
            action = "hold.add"
        if done:
            named = "a person" if "@" in text else text.upper()
            await audit.note(connection, audit.Entry(actor(), action, named, at=time.time()))
        return done

    done = in_transaction(settings_of(config), change)
    if done is None:
        typer.echo(f"there is no question {text}; give its reference, or the person's address", err=True)
        raise typer.Exit(WRONG)
    return done


@hold_commands.command("add")
def add_hold(
    subject: Subject,
    reason: Annotated[str, typer.Option("--reason", help="Why, as in a file number; no medical words.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Keep a question, or everything a person ever asks, until the hold is lifted."""
    done = _changed(config, subject, reason)
    typer.echo(f"{subject}: {'under hold' if done else 'was under hold already'}.")


@hold_commands.command("lift")
def lift_hold(subject: Subject, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """End a hold; retention applies again from then on."""
    if not _changed(config, subject, None):
        typer.echo(f"{subject} isn't under hold", err=True)
        raise typer.Exit(WRONG)
    typer.echo(f"{subject}: hold lifted.")


@hold_commands.command("list")
def list_holds(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List every hold: since when, by whom, what, and why."""

    async def listed(connection: AsyncConnection) -> list[tuple[Hold, str]]:
        return [(hold, await _shown(connection, hold)) for hold in await holds.listed(connection)]

    for hold, shown in in_transaction(settings_of(config), listed):
        since = datetime.fromtimestamp(hold.at, UTC).strftime("%Y-%m-%d")
        typer.echo(f"{since}\t{hold.actor}\t{shown}\t{hold.reason}")


async def _shown(connection: AsyncConnection, hold: Hold) -> str:
    kind, _, name = hold.subject.partition(":")
    if kind == "patient":
        return name
    stored = await questions.load(connection, name)
    return stored.question.reference if stored else name
