"""``colloque inbox``: what was set aside, for the admin to look at, try again, or discard.

Works on the database while the service runs: that finds what is to be tried again within seconds.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.console import DEFAULT_CONFIG, WRONG, ConfigFile, actor, in_transaction, settings_of
from bridge.storage import audit, inbox

T = TypeVar("T")
MEANINGS = {
    "unverified": "came from another address than the patient's",
    "delivery_report": "report of a mail server about one of our mails",
    "many": "more came within an hour than mail.limits lets in; comes in by itself, or at once by `retry`",
    "later": "no name server answered; its sender is looked up again by itself",
    "automatic": "a program wrote it to a group's address",
    "no_such_question": "reply address of a question that doesn't exist",
}
"""What a reason to hold an input means; other reasons are the class name of an error."""

app = typer.Typer(name="inbox", help="Inputs that were set aside.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="Number of the input, as `list` shows it.")]


def _on_database(config: Path, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    return in_transaction(settings_of(config), work)


def _found(
    config: Path, number: int, action: str, work: Callable[[AsyncConnection], Awaitable[bool]]
) -> None:
    """Change one input and note it; one that isn't set aside ends with code 2."""

    async def noted(connection: AsyncConnection) -> bool:
        if not await work(connection):
            return False
        await audit.note(connection, audit.Entry(actor(), action, f"input {number}", at=time.time()))
        return True

    if not _on_database(config, noted):
        typer.echo(f"no input {number} is set aside; `colloque inbox list` shows those that are", err=True)
        raise typer.Exit(WRONG)


@app.command("list")
def list_inputs(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List what is set aside, oldest first: number, time, kind, tries, size, reason. No content."""
    items = _on_database(config, inbox.quarantined)
    for item in items:
        came = datetime.fromtimestamp(item.received_at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        reason = f"{item.error}: {MEANINGS[item.error]}" if item.error in MEANINGS else item.error
        typer.echo(
            f"{item.id}\t{came}\t{item.kind}\t{item.attempts} tries\t{len(item.payload)} bytes\t{reason}"
        )
    typer.echo(f"{len(items)} set aside.", err=True)


@app.command()
def show(number: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write an input's bytes as they came to stdout. They are a patient's or practitioner's words."""

    async def looked(connection: AsyncConnection) -> inbox.Input | None:
        items = await inbox.quarantined(connection)
        item = next((item for item in items if item.id == number), None)
        if item is not None:
            entry = audit.Entry(actor(), "inbox.show", f"input {number}", at=time.time())
            await audit.note(connection, entry)
        return item

    item = _on_database(config, looked)
    if item is None:
        typer.echo(f"no input {number} is set aside; `colloque inbox list` shows those that are", err=True)
        raise typer.Exit(WRONG)
    typer.get_binary_stream("stdout").write(item.payload)


@app.command()
def retry(number: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Try an input again, as when it came: after an update, say. It comes before what is newer."""
    _found(config, number, "inbox.retry", lambda connection: inbox.take_back(connection, number, time.time()))
    typer.echo(f"{number}: waits to be tried again.")


@app.command()
def discard(
    number: Number,
    config: ConfigFile = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Delete an input's bytes for good. That it came stays known, so that it can't come again."""
    if not yes:
        typer.confirm(f"Delete the content of input {number} for good?", abort=True)
    _found(config, number, "inbox.discard", lambda connection: inbox.discard(connection, number))
    typer.echo(f"{number}: discarded.")
