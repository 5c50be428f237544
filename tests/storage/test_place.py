"""Files beside the database are the service's, whoever looked first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.storage.database import Database
from bridge.storage.place import make_private
from bridge.storage.sharing import Alone

SERVICE = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the service's; who looks is root where the suite is root's."""
    if os.geteuid() == 0:
        os.chown(tmp_path, SERVICE, SERVICE)
    return tmp_path


async def test_what_root_makes_beside_the_database_belongs_to_the_service(folder: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{folder}/colloque.db")
    alone = Alone(folder / "colloque.db")
    await alone.start(lambda _kind, _names: None, lambda: None)
    await database.migrate()
    made = _owned(folder)
    await database.close()
    await alone.stop()
    assert len(made) >= 3  # the lock, the database, and what SQLite keeps beside it
    assert set(made.values()) == {(_uid(folder), 0o600)}


def _uid(folder: Path) -> int:
    return folder.stat().st_uid


def _owned(folder: Path) -> dict[str, tuple[int, int]]:
    """Whose each file is, and for whom."""
    return {file.name: (file.stat().st_uid, file.stat().st_mode & 0o777) for file in folder.iterdir()}


def test_what_is_there_is_left_as_it_is_and_a_link_is_not_followed(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.write_text("kept")
    before = (elsewhere.stat().st_uid, elsewhere.stat().st_mode, elsewhere.stat().st_mtime_ns)
    (folder / "link").symlink_to(elsewhere)
    (folder / "dangling").symlink_to(folder / "nothing")
    for name in ("elsewhere", "link", "dangling"):
        make_private(folder / name)
    after = elsewhere.stat()
    assert (after.st_uid, after.st_mode, after.st_mtime_ns) == before
    assert elsewhere.read_text() == "kept"
    assert not (folder / "nothing").exists()
