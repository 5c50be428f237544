"""Who works on what, when several processes share one database, and how they wake each other.

On PostgreSQL each process holds one session of its own. A lane is claimed by an advisory lock of that
session, which is skipped when another process has it; the server frees the locks of a session that
ends, so a killed process's work is free at once. New work is told by ``NOTIFY`` with its commit.
On SQLite there is one process, and a locked file beside the database sees to that.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.database import DatabaseRefused
from bridge.storage.place import make_private

log = structlog.get_logger()

BUSY_S = 0.5
"""When to look again at a lane that another process works on: it may die, or stop before its end."""
RECONNECT_S = 1.0
CHANNEL = "colloque"
LONGEST_NOTE = 7000
"""Bytes; PostgreSQL takes less than 8000 in one notification."""
KEEPALIVE = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""The server notices a machine that went without a word within 20 seconds, and frees its work."""

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


class Together:
    """One of the processes on a PostgreSQL database."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._me = secrets.token_hex(8)
        self._session: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    async def start(self, woken: Woken, lost: Lost) -> None:
        """Open the session and keep it open; a lost one is opened again, and everything looked at."""
        self._woken, self._lost = woken, lost
        try:
            await self._connect()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise DatabaseRefused(f"the database can't be used: {error or type(error).__name__}") from None
        self._keeper = asyncio.create_task(self._keep(), name="sharing")

    async def stop(self) -> None:
        """End the session, and every claim with it."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await session.close(timeout=2)

    async def _connect(self) -> None:
        self._ended.clear()
        session = await asyncpg.connect(self._dsn, timeout=10, command_timeout=10, server_settings=KEEPALIVE)
        session.add_termination_listener(self._terminated)
        await session.add_listener(CHANNEL, self._heard)
        self._session = session

    def _terminated(self, session: asyncpg.Connection) -> None:
        if session is self._session:
            self._session = None
            self._ended.set()

    async def _keep(self) -> None:
        while True:
            await self._ended.wait()
            log.warning("sharing.lost")
            self._lost()
            await self._reconnect()
            log.info("sharing.back")
            for kind in ("inbox", "outbox"):
                self._woken(kind, ())

    async def _reconnect(self) -> None:
        while True:
            try:
                await self._connect()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await asyncio.sleep(RECONNECT_S)
            else:
                return

    def _heard(self, _session: object, _pid: int, _channel: str, note: object) -> None:
        sender, kind, names = json.loads(str(note))
        if sender != self._me:
            self._woken(kind, names)

    @asynccontextmanager
    async def claimed(self, kind: str, name: str) -> AsyncIterator[bool]:
        """Hold a lane by an advisory lock of our session; without a session nothing is ours."""
        number = _number(kind, name)
        session = self._session
        if session is None or not await self._ask(session, "SELECT pg_try_advisory_lock($1)", number):
            yield False
            return
        try:
            yield True
        finally:
            # The session's end frees the lock too.
            await self._ask(session, "SELECT pg_advisory_unlock($1)", number)

    async def _ask(self, session: asyncpg.Connection, query: str, number: int) -> bool:
        try:
            async with self._one_at_a_time:
                return bool(await session.fetchval(query, number))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            # Without an answer nobody knows who holds what: a new session starts from nothing.
            session.terminate()
            return False

    def _note(self, kind: str, names: Sequence[str]) -> str:
        """These lanes have something to do; many names become "look yourself"."""
        if not names:
            return ""
        note = json.dumps([self._me, kind, list(names)])
        return note if len(note.encode()) <= LONGEST_NOTE else json.dumps([self._me, kind, []])

    async def tell(self, connection: AsyncConnection, kind: str, names: Sequence[str]) -> None:
        """Send a notification with the transaction."""
        if not (note := self._note(kind, names)):
            return
        await connection.execute(
            sa.text("SELECT pg_notify(:channel, :note)"), {"channel": CHANNEL, "note": note}
        )


def _number(kind: str, name: str) -> int:
    """A lock's number; two lanes with the same one would only wait for each other."""
    digest = hashlib.sha256(f"{kind} {name}".encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], signed=True)
