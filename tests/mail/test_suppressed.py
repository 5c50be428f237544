"""`colloque mail suppressed`: an admin lifts what gave mails back; a patient's wish only if they said so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.storage import audit, suppressed
from bridge.storage.database import Database


@pytest.fixture
def config(tmp_path: Path) -> Path:
    sample = (
        Path("config/config.yaml").read_text().replace("sqlite:///../colloque.db", "sqlite:///colloque.db")
    )
    (tmp_path / "config.yaml").write_text(sample.replace("../registration.yaml", "registration.yaml"))
    (tmp_path / "organisation.yaml").write_text(Path("config/organisation.yaml").read_text())
    tokens = "as_token: a-token\nhs_token: another-token\n"
    (tmp_path / "registration.yaml").write_text(tokens)

    async def fill() -> None:
        database = Database(f"sqlite:///{tmp_path}/colloque.db")
        await database.migrate()
        async with database.transaction() as connection:
            await suppressed.add(connection, "full@p.example", "q", "5.2.2", 1.0)
            await suppressed.stop(connection, "stop@p.example", "q", 2.0)
        await database.close()

    asyncio.run(fill())
    return tmp_path / "config.yaml"


def _run(config: Path, *words: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["mail", "suppressed", *words, "-c", str(config)])
    return ran.exit_code, ran.output


def test_the_list_says_why(config: Path) -> None:
    code, shown = _run(config, "list")
    assert code == 0
    assert [line.split("\t")[:2] for line in shown.splitlines()[:2]] == [
        ["stop@p.example", "stopped"],
        ["full@p.example", "5.2.2"],
    ]


def test_an_address_that_gave_mails_back_is_lifted_once(config: Path) -> None:
    assert _run(config, "lift", "Full@p.example")[0] == 0
    code, said = _run(config, "lift", "full@p.example")
    assert code == 2
    assert "not suppressed" in said


def test_a_patients_wish_is_lifted_only_if_they_said_so_and_that_is_on_record(config: Path) -> None:
    code, said = _run(config, "lift", "stop@p.example")
    assert code == 2
    assert "--wish" in said
    assert _run(config, "lift", "stop@p.example", "--wish")[0] == 0

    async def noted() -> list[audit.Entry]:
        database = Database(f"sqlite:///{config.parent}/colloque.db")
        async with database.reading() as connection:
            found = await audit.entries(connection, action="mail.lift")
        await database.close()
        return found

    (entry,) = asyncio.run(noted())
    assert entry.detail == {"wish": "True"}
