"""Who erases a person while others read the database is told that its log still holds some of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.storage.door import PRAGMAS
from tests.mail.test_suppressed import config as config

NOBODY = ("patient", "erase", "nobody@p.example", "--yes")


@pytest.fixture
def reading(config: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who looks at the database as it is now, for as long as they like."""
    with closing(sqlite3.connect(config.parent / "colloque.db", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM inbox").fetchone()
        yield connection


def test_erasing_while_others_read_is_to_be_run_again(
    config: Path, reading: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.storage.threaded.PRAGMAS", (*PRAGMAS, "busy_timeout=100"))
    ran = CliRunner().invoke(app, [*NOBODY, "-c", str(config)])
    assert ran.exit_code == 1, ran.output
    assert "run this again" in ran.output
    reading.execute("ROLLBACK")
    ran = CliRunner().invoke(app, [*NOBODY, "-c", str(config)])
    assert ran.exit_code == 0, ran.output
