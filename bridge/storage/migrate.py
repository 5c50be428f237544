"""Brings a database forward to this program's schema; refuses one that isn't ours or is newer."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from bridge.storage.away import DatabaseRefused

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATING = 0x636F6C6C6F717565
"""The number of the lock that lets one process at a time migrate."""


def upgrade(connection: sa.Connection) -> None:
    """Run the migrations that are missing. Raises :class:`DatabaseRefused`."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATING})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    _refuse_foreign(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def _refuse_foreign(connection: sa.Connection, scripts: ScriptDirectory) -> None:
    tables = set(sa.inspect(connection).get_table_names())
    if not tables:
        return
    if "alembic_version" not in tables:
        raise DatabaseRefused("the database holds tables of another program; give Colloque one of its own")
    known = {script.revision for script in scripts.walk_revisions()}
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    if unknown := [revision for revision in found if revision not in known]:
        raise DatabaseRefused(
            f"the database has schema {', '.join(unknown)}, which this version does not know: "
            "it was written by a newer Colloque (or another program); install that version or newer"
        )
