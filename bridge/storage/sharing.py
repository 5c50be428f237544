"""Who works on what, when several processes share one database, and how they wake each other.

On PostgreSQL any number does (:mod:`bridge.storage.together`). On SQLite there is one process, and a locked
file beside the database sees to that.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.database import DatabaseRefused
from bridge.storage.place import make_private

log = structlog.get_logger()

BUSY_S = 0.5
"""When to look again at a lane that another process works on: it may die, or stop before its end."""

START = "start"
"""The kind of work that brings Matrix to the organisation; `colloque apply` does it beside the service."""

Woken = Callable[[str, Sequence[str]], None]
"""Told of a kind of work and the names of its lanes; no names means "look yourself"."""
Lost = Callable[[], None]
"""Told that every claim is gone: what runs must end, another process may already do it."""


class Sharing(Protocol):
    """One process's part in the work."""

    async def start(self, woken: Woken, lost: Lost) -> None:
        """Take part. Raises :class:`DatabaseRefused` when this process may not."""

    async def stop(self) -> None:
        """Give everything back."""

    def claimed(self, kind: str, name: str) -> AbstractAsyncContextManager[bool]:
        """Hold a lane for the block; yields ``False`` when another process has it."""

    async def tell(self, connection: AsyncConnection, kind: str, names: Sequence[str]) -> None:
        """Wake the other processes for these lanes once the connection's transaction is committed."""


def sharing(url: str) -> Sharing:
    """What fits this database URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Alone(Path(parsed.database) if parsed.database else None)
    from bridge.storage.together import Together  # its driver is loaded only where it is used

    return Together(parsed.set(drivername="postgresql").render_as_string(hide_password=False))


class Alone:
    """The only process on an SQLite file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock: int | None = None

    async def start(self, woken: Woken, lost: Lost) -> None:
        """Lock the file beside the database; the kernel frees it when the process ends, however it ends."""
        if self._path is None:
            return
        self._lock = self._locked("lock")
        if self._lock is None:
            raise DatabaseRefused(
                f"another colloque already runs on {self._path}; an SQLite database serves one process, "
                "PostgreSQL any number"
            )

    def _locked(self, suffix: str) -> int | None:
        """Lock a file beside the database; ``None`` when somebody else has it locked."""
        file = Path(f"{self._path}.{suffix}")
        make_private(file)
        lock = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    async def stop(self) -> None:
        """Free the file."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @asynccontextmanager
    async def claimed(self, kind: str, name: str) -> AsyncIterator[bool]:
        """Nobody else is there to have it, but for what a command of the admin's does as well."""
        if kind != START or self._path is None:
            yield True
            return
        lock = self._locked(f"{kind}.lock")
        try:
            yield lock is not None
        finally:
            if lock is not None:
                os.close(lock)

    async def tell(self, connection: AsyncConnection, kind: str, names: Sequence[str]) -> None:
        """Nobody else is there to hear it."""
