"""One of several processes on a PostgreSQL database.

Each holds one session of its own. A lane is claimed by an advisory lock of that session, which is skipped
when another process has it; the server frees the locks of a session that ends, so a killed process's work
is free at once. New work is told by ``NOTIFY`` with its commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.away import DatabaseRefused
from bridge.storage.sharing import Lost, Woken

log = structlog.get_logger()

RECONNECT_S = 1.0
CHANNEL = "colloque"
LONGEST_NOTE = 7000
"""Bytes; PostgreSQL takes less than 8000 in one notification."""
KEEPALIVE = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""The server notices a machine that went without a word within 20 seconds, and frees its work."""


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
