"""``colloque mail suppressed``: addresses that gave mails back, and sending there again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.console import DEFAULT_CONFIG, WRONG, ConfigFile, actor, in_transaction, settings_of
from bridge.storage import audit, suppressed

app = typer.Typer(
    name="suppressed", help="Addresses that gave mails back; nothing is sent there.", no_args_is_help=True
)


@app.command("list")
def list_addresses(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List them, the latest first: address, status (RFC 3463), since when."""
    items = in_transaction(settings_of(config), suppressed.listed)
    for item in items:
        since = datetime.fromtimestamp(item.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        typer.echo(f"{item.address}\t{item.status}\t{since}")
    typer.echo(f"{len(items)} suppressed.", err=True)


@app.command()
def lift(
    address: Annotated[str, typer.Argument(help="The address, as `list` shows it.")],
    config: ConfigFile = DEFAULT_CONFIG,
    wish: Annotated[
        bool, typer.Option("--wish", help="The patient told you that they want e-mails again.")
    ] = False,
) -> None:
    """Send to this address again, from now on. What failed meanwhile, owners send again by !resend."""

    async def lifted(connection: AsyncConnection) -> str:
        if not await suppressed.lift(connection, address, stopped=wish):
            return await suppressed.status(connection, address) or "nothing"
        entry = audit.Entry(actor(), "mail.lift", "an address", {"wish": str(wish)}, at=time.time())
        await audit.note(connection, entry)
        return ""

    match in_transaction(settings_of(config), lifted):
        case "":
            pass
        case "nothing":
            words = "this address is not suppressed; `colloque mail suppressed list` shows those that are"
            typer.echo(words, err=True)
            raise typer.Exit(WRONG)
        case _:
            words = (
                "its patient wants no e-mails; it ends when they write again, or with --wish if they told you"
            )
            typer.echo(words, err=True)
            raise typer.Exit(WRONG)
    typer.echo("Lifted.")
