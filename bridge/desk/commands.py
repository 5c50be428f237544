"""``colloque plan`` and ``colloque apply``: what would change in Matrix, and making it so.

Both work while the service runs, and without it. `plan` writes nothing anywhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import sqlalchemy as sa
import structlog
import typer
from rich.console import Console
from sqlalchemy.engine import make_url

from bridge.config import ConfigError, Settings, load
from bridge.console import DEFAULT_CONFIG, ConfigFile, actor
from bridge.desk import show
from bridge.desk.desk import Applied, Desk, client, identity
from bridge.domain.change import Change
from bridge.names import StoredNames
from bridge.ports import PortError
from bridge.storage import registry
from bridge.storage.database import Database, DatabaseAway, DatabaseRefused
from bridge.storage.identity import belongs
from bridge.storage.sharing import BUSY_S, START, Sharing, sharing

NOTHING, CHANGES, FAILED, LARGE = 0, 2, 1, 3
"""Exit codes: nothing (left) to do; changes wait; an error, or something was refused; not allowed."""
CLAIM_WITHIN_S = 60.0

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def plan(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show what would change in Matrix. Exits 0: nothing to do; 2: changes; 1: can't tell."""
    settings = _settings(config)
    found = _run(lambda: _planned(settings))
    limit = settings.config.largest_removal
    if as_json:
        typer.echo(
            json.dumps(show.as_json(found, settings.organisation, limit), ensure_ascii=False, indent=2)
        )
    else:
        show.show(Console(), found, settings.organisation, limit)
    raise typer.Exit(CHANGES if found.waits else NOTHING)


def apply(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
    allow_large_change: Annotated[
        bool, typer.Option("--allow-large-change", help="Also when many people lose access.")
    ] = False,
) -> None:
    """Bring Matrix to the organisation file. Exits 0: done; 1: something failed; 3: needs the option."""
    settings = _settings(config)
    limit = settings.config.largest_removal
    applied = _run(lambda: _applied(settings, allow_large=allow_large_change))
    if isinstance(applied, Change):
        _tell_refused(applied, settings, as_json)
        raise typer.Exit(LARGE)
    _tell(applied, settings, limit, as_json)
    raise typer.Exit(FAILED if applied.report.failed else NOTHING)


def _tell_refused(found: Change, settings: Settings, as_json: bool) -> None:
    limit = settings.config.largest_removal
    if as_json:
        refused = show.as_json(found, settings.organisation, limit) | {"refused": "large change"}
        typer.echo(json.dumps(refused, ensure_ascii=False, indent=2))
    else:
        show.show(Console(), found, settings.organisation, limit)
    typer.echo("Nothing was changed. If this is meant, add --allow-large-change.", err=True)


def _tell(applied: Applied, settings: Settings, limit: float, as_json: bool) -> None:
    organisation, report = settings.organisation, applied.report
    if as_json:
        said = show.as_json(applied.change, organisation, limit) | show.report_as_json(report, organisation)
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    show.show(Console(), applied.change, organisation, limit)
    for failure in report.failed:
        typer.echo(f"failed: {show.told(failure.step, organisation)}: {failure.reason}", err=True)
    if applied.change.anything:
        typer.echo(f"{len(report.done)} done, {len(report.failed)} failed.")


# --- the work ---


def _settings(config: Path) -> Settings:
    try:
        return load(config)
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        raise typer.Exit(FAILED) from None


def _run(work: Callable[[], Awaitable[T]]) -> T:
    """Do it; whatever stands in the way is told in one line, with exit code 1."""

    async def attempt() -> T:
        return await work()

    # What is done is told by the command itself.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return asyncio.run(attempt())
    except PortError as error:
        typer.echo(f"the homeserver can't be asked: {error}; `colloque doctor` says more", err=True)
    except (DatabaseRefused, DatabaseAway, OSError) as error:
        typer.echo(f"the database can't be used: {error}", err=True)
    raise typer.Exit(FAILED)


@dataclass(frozen=True, slots=True)
class ReadNames:
    """Rooms by key, looked up without writing; without a database nothing is known by name."""

    database: Database | None

    async def room_id(self, key: str) -> str | None:
        """The Matrix room ID of one of our rooms."""
        if self.database is None:
            return None
        async with self.database.reading() as connection:
            return await registry.room_id(connection, key)

    async def room_key(self, room_id: str) -> str | None:
        """Which of our rooms has this room ID."""
        if self.database is None:
            return None
        async with self.database.reading() as connection:
            return await registry.room_key(connection, room_id)

    async def remember(self, key: str, room_id: str) -> None:
        """A look notes nothing."""

    async def rooms_of(self, kind: str) -> dict[str, str]:
        """All our rooms of one kind, room IDs by key."""
        if self.database is None:
            return {}
        async with self.database.reading() as connection:
            return await registry.rooms_of(connection, kind)

    async def waiting_rooms(self, group: str) -> list[str]:
        """A look removes nobody."""
        return []


async def _planned(settings: Settings) -> Change:
    database = Database(settings.config.database.url) if _has_file(settings.config.database.url) else None
    try:
        if database is not None and not await _has_tables(database):
            await database.close()
            database = None
        async with _desk(settings, database, ReadNames(database)) as desk:
            await desk.homeserver.look_without_bot()
            questions = await desk.open_questions() if database else ()
            return await desk.look(settings.organisation, await desk.place(), questions)
    finally:
        if database is not None:
            await database.close()


def _has_file(url: str) -> bool:
    """Whether there is a database to read; merely opening SQLite would make one."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").exists()


async def _has_tables(database: Database) -> bool:
    async with database.reading() as connection:
        return bool(await connection.run_sync(lambda sync: sa.inspect(sync).has_table("rooms")))


async def _applied(settings: Settings, *, allow_large: bool) -> Applied | Change:
    """What became of it; only the plan when it would need to be allowed."""
    config = settings.config
    database, shared = Database(config.database.url), sharing(config.database.url)
    try:
        await database.migrate()
        await belongs(database, identity(config))
        names = StoredNames(database, _take_nothing, config.claim.listing_limit)
        async with _desk(settings, database, names) as desk, _claimed(shared, config.database.url):
            await desk.appear(settings.organisation)
            place = await desk.place()
            found = await desk.look(settings.organisation, place, await desk.open_questions())
            if found.is_large(config.largest_removal) and not allow_large:
                return found
            return await desk.apply(
                settings.organisation, place, found, by=actor(), at=time.time(), past_temporary=True
            )
    finally:
        await database.close()


async def _take_nothing(_arrivals: object) -> None:
    """Inputs are the service's."""


@asynccontextmanager
async def _desk(
    settings: Settings, database: Database | None, names: ReadNames | StoredNames
) -> AsyncIterator[Desk]:
    homeserver = client(settings.config)
    await homeserver.start()
    try:
        yield Desk(settings.config, database, homeserver, names)
    finally:
        await homeserver.close()


@asynccontextmanager
async def _claimed(shared: Sharing, url: str) -> AsyncIterator[None]:
    """Nobody else brings Matrix to an organisation meanwhile."""
    if make_url(url).get_backend_name() != "sqlite":  # there the service holds the file as long as it runs
        await shared.start(lambda _kind, _names: None, lambda: None)
    try:
        deadline = time.monotonic() + CLAIM_WITHIN_S
        while True:
            async with shared.claimed(START, "") as ours:
                if ours:
                    yield
                    return
            if time.monotonic() > deadline:
                raise DatabaseRefused("another process is bringing Matrix up to date; try again in a minute")
            await asyncio.sleep(BUSY_S)
    finally:
        await shared.stop()
