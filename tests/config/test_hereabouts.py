"""What the doctor says of this machine: each line is right, or says what to do."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.config import load_without_tokens
from bridge.demo.freeport import free_port
from bridge.desk import hereabouts
from bridge.desk.finding import State, ok, wrong
from bridge.sections import Config
from bridge.storage.database import Database

TOP = Path(__file__).parent.parent.parent


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        mine.listen()
        yield mine.getsockname()[1]


def _config(port: int) -> Config:
    config = load_without_tokens(TOP / "config" / "config.yaml").config
    listen = config.mail.listen.model_copy(update={"port": port})
    smtp = config.mail.smtp.model_copy(update={"host": "127.0.0.1", "port": port})
    mail = config.mail.model_copy(update={"listen": listen, "smtp": smtp})
    return config.model_copy(update={"mail": mail})


async def test_a_port_of_another_program_is_wrong_and_a_free_one_is_right(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hereabouts, "WITHIN_S", 0.2)
    (found,) = await hereabouts.listener(_config(taken))
    assert found.state is State.WRONG
    assert "another program" in found.remedy


async def test_a_free_port_is_right() -> None:
    port = free_port()
    (found,) = await hereabouts.listener(_config(port))
    assert found.state is State.OK
    (found,) = await hereabouts.smtp(_config(port))
    assert found.state is State.WRONG
    assert "mail.smtp.host" in found.remedy


async def test_a_disk_that_is_nearly_full_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    for free in (10**7, 5 * 10**8, 10**10):
        monkeypatch.setattr(
            "bridge.desk.hereabouts.shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free)
        )
        states.append((await hereabouts.disk(_config(2525)))[0].state)
    assert states == [State.WRONG, State.ADVICE, State.OK]


async def test_a_database_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    config = _config(2525)
    url = f"sqlite:///{tmp_path / 'new.db'}"
    (found,) = await hereabouts.database(
        config.model_copy(update={"database": config.database.model_copy(update={"url": url})})
    )
    assert found.state is State.OK
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


async def test_a_database_that_does_not_answer_is_wrong() -> None:
    config = _config(2525)
    url = "postgresql://nobody@127.0.0.1:1/colloque"
    (found,) = await hereabouts.database(
        config.model_copy(update={"database": config.database.model_copy(update={"url": url})})
    )
    assert found.state is State.WRONG
    assert "database.url" in found.remedy


def test_a_finding_reads_as_a_line_with_what_to_do() -> None:
    assert str(ok("disk", "enough")) == "OK      disk: enough"
    assert str(wrong("disk", "full", "make room")) == "WRONG   disk: full\n        -> make room"


def _modes(folder: Path) -> set[int]:
    return {found.stat().st_mode & 0o777 for found in folder.iterdir()}


async def test_a_new_database_is_its_owners_only_and_one_that_all_may_read_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "colloque.db"
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{file}")
        await database.migrate()
        assert _modes(tmp_path) == {0o600}
        await database.close()
    finally:
        os.umask(before)
    config = _config(1)
    config = config.model_copy(
        update={"database": config.database.model_copy(update={"url": f"sqlite:///{file}"})}
    )
    (found,) = await hereabouts.database(config)
    assert found.state is State.OK
    file.chmod(0o644)
    (found,) = await hereabouts.database(config)
    assert (found.state, "chmod 600" in found.remedy) == (State.WRONG, True)
