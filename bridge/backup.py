"""``colloque backup``: a whole and consistent copy of the database, also while the service runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.console import DEFAULT_CONFIG, WRONG, ConfigFile, actor, in_transaction, settings_of
from bridge.storage import audit

PAGES, PAUSE_S = 2000, 0.01
"""So many pages are copied at once, and then the service gets its turn."""


class NoBackup(Exception):
    """The copy could not be made; the message says why, and that there is none."""


def make_backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; it must not exist.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Copy the database into a file: SQLite as it is, PostgreSQL by pg_dump (custom format).

    Back up config/ and registration.yaml as well: without their tokens the homeserver refuses us.
    """
    settings = settings_of(config)
    url = make_url(settings.config.database.url)

    async def note(connection: AsyncConnection) -> None:
        await audit.note(connection, audit.Entry(actor(), "backup", file.name, at=time.time()))

    in_transaction(settings, note)
    try:
        _claim(file)
        (_copy_sqlite if url.get_backend_name() == "sqlite" else _dump_postgres)(url, file)
    except (NoBackup, OSError, sqlite3.Error) as error:
        typer.echo(f"no backup was made: {error}", err=True)
        raise typer.Exit(WRONG) from None
    typer.echo(f"{file}: {file.stat().st_size} bytes, whole.")


def _claim(file: Path) -> None:
    """Make the file, readable by its owner only. Raises ``OSError`` when there is one."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _copy_sqlite(url: URL, file: Path) -> None:
    source, copy = sqlite3.connect(str(url.database)), sqlite3.connect(file)
    try:
        source.backup(copy, pages=PAGES, sleep=PAUSE_S)
        (found,) = copy.execute("PRAGMA integrity_check").fetchone()
    finally:
        copy.close()
        source.close()
    if found != "ok":
        file.unlink()
        raise NoBackup(f"the copy isn't whole: {found}")


def _dump_postgres(url: URL, file: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        file.unlink()
        raise NoBackup("pg_dump isn't installed here; install PostgreSQL's client programs")
    # The password goes by the environment: a command line can be read by everyone on the machine.
    place = url.set(drivername="postgresql", password=None).render_as_string()
    environ = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    done = subprocess.run(
        [program, "--format=custom", "--no-owner", f"--file={file}", f"--dbname={place}"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        file.unlink(missing_ok=True)
        raise NoBackup(done.stderr.strip()[:300])
