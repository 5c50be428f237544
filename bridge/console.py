"""What the commands that work on the database have in common."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.config import ConfigError, Settings, load
from bridge.storage.database import Database, DatabaseAway, DatabaseRefused

T = TypeVar("T")
WRONG = 2
"""Exit code for a wrong configuration or refused request."""
ConfigFile = Annotated[Path, typer.Option("-c", "--config", help="Path of config.yaml.")]
DEFAULT_CONFIG = Path("config/config.yaml")


def actor() -> str:
    """Who gives this command, for the audit: their account on this machine."""
    try:
        account = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        account = str(os.getuid())
    return f"cli:{account}"


def settings_of(config: Path) -> Settings:
    """The settings; a wrong configuration is told, and ends with code 2."""
    try:
        return load(config)
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        raise typer.Exit(WRONG) from None


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do something with the database; an absent one is told, and ends with code 2."""

    async def attempt() -> T:
        database = Database(settings.config.database.url)
        try:
            await database.migrate()
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(attempt())
    except (DatabaseRefused, DatabaseAway, OSError) as error:
        typer.echo(f"the database can't be used: {error}", err=True)
    raise typer.Exit(WRONG)


def in_transaction(settings: Settings, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Do something in one transaction, as above."""

    async def attempt(database: Database) -> T:
        async with database.transaction() as connection:
            return await work(connection)

    return with_database(settings, attempt)
