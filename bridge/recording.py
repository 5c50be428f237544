"""``colloque export``: the transcript of a question, for an administrator who is allowed to."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.config import Settings
from bridge.console import DEFAULT_CONFIG, WRONG, ConfigFile, actor, in_transaction, settings_of
from bridge.domain.acts import Act, Did
from bridge.domain.state import Question
from bridge.record.documents import documents_of
from bridge.record.gather import Sources, gather
from bridge.record.transcript import Transcript, path_of
from bridge.storage import acts, audit, patients, questions

Named = Annotated[str, typer.Argument(help="The question's reference, as in K7X3M2, or its ID.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="A new or empty folder.")]


def export_transcript(question: Named, output: Output, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write a question's transcript (PDF, JSON, files) into a folder. Needs care.admin_export."""
    settings = settings_of(config)
    if not settings.config.care.admin_export:
        _refuse("not allowed: care.admin_export is false in the configuration")
    if output.exists() and any(output.iterdir()):
        _refuse(f"{output} is not empty; name a new folder")

    async def made(connection: AsyncConnection) -> Transcript | None:
        return await _transcript(connection, settings, question)

    transcript = in_transaction(settings, made)
    if transcript is None:
        _refuse(f"there is no question {question}; give its reference or its ID")
    try:
        count = _write(output, transcript, settings.organisation.language)
    except OSError as error:
        _refuse(str(error))
    typer.echo(f"{output}: {transcript.reference}, {len(transcript.entries)} entries, {count} files.")


def _refuse(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(WRONG)


async def _transcript(connection: AsyncConnection, settings: Settings, name: str) -> Transcript | None:
    """The transcript, and on record, in one transaction, that somebody has it."""
    found = await _found(connection, name)
    if found is None:
        return None
    now, who = time.time(), actor()
    await acts.add(connection, found.id, (Act(f"{found.id}:export:{now}", Did.EXPORTED, who),), now)
    await audit.note(connection, audit.Entry(who, "question.export", found.reference, at=now))
    sources = Sources(connection, settings.organisation, settings.organisation.language)
    return await gather(sources, found, made_at=datetime.fromtimestamp(now, UTC), made_by=who)


async def _found(connection: AsyncConnection, name: str) -> Question | None:
    stored = await questions.load(connection, name)
    return stored.question if stored else await patients.by_reference(connection, name)


def _write(folder: Path, transcript: Transcript, language: str) -> int:
    """Every document and file, readable by their owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    content = {document.name: document.content for document in documents_of(transcript, language)}
    for number, (_, file) in enumerate(transcript.files, 1):
        if file.content is not None:
            content[path_of(number, file)] = file.content
    for name, written in content.items():
        place = folder / name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(written)
    return len(content)
