"""One database, SQLite or PostgreSQL: connecting, migrating, and short transactions.

SQLite runs in WAL mode with ``synchronous=FULL``, so that a commit survives a power cut. It has one
writer: our transactions queue for a lock here rather than poll the file's.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.away import DatabaseRefused as DatabaseRefused
from bridge.storage.door import Row, door
from bridge.storage.heads import Input
from bridge.storage.threaded import SqliteConnections, Work

T = TypeVar("T")
NEWEST = max(script.name for script in (Path(__file__).parent / "migrations/versions").glob("*.py"))[:4]
"""The schema that this program's migrations lead to."""


class DatabaseAway(Exception):
    """The database doesn't answer, is full or can't be written: nothing was stored, try again later."""


class Connections(Protocol):
    """Transactions, and connections that read, of one kind of database."""

    away: tuple[type[Exception], ...]
    """What is raised, besides what SQLAlchemy wraps, when the database doesn't answer."""

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that is committed at the end of the block, or undone."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection to read from, which sees one consistent state."""

    async def write(self, work: Work[T]) -> T:
        """Do this in a transaction, and commit it."""

    async def read(self, work: Work[T]) -> T:
        """Do this on a connection that reads."""

    async def look(self, work: Work[T]) -> T:
        """The same for what is found by a key."""

    async def close(self) -> None:
        """Close all of them."""

    async def forget(self, *, thoroughly: bool) -> bool:
        """See :meth:`Database.forget`."""


def _connections(url: URL) -> Connections:
    if url.get_backend_name() == "sqlite":
        return SqliteConnections(url)
    from bridge.storage.postgres import PostgresConnections  # its driver is loaded only where it is used

    return PostgresConnections(url)


class Database:
    """The way to all tables."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.process = secrets.token_hex(8)
        """Names this process in what it writes."""
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._connections = _connections(parsed)
        self._away: tuple[type[Exception], ...] = (OSError, sa.exc.TimeoutError, *self._connections.away)
        self._writer = asyncio.Lock()
        self._door = door(parsed)

    @contextmanager
    def _telling_away(self) -> Iterator[None]:
        """Tell a database that is away from a statement that is wrong."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            away = isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))
            if away or error.connection_invalidated:
                raise DatabaseAway(str(error.orig)) from error
            raise
        except self._away as error:
            raise DatabaseAway(f"{type(error).__name__}: {error}") from error

    async def migrate(self) -> None:
        """Bring the schema forward to this program's. Raises :class:`DatabaseRefused` on a newer one."""
        try:
            with self._telling_away():
                async with self._connections.writing() as connection:
                    await connection.run_sync(_upgrade)
        except (DatabaseAway, sa.exc.DBAPIError) as error:
            reason = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            raise DatabaseRefused(f"the database can't be used: {reason}") from None

    async def close(self) -> None:
        """Close every connection."""
        await self._door.close()
        await self._connections.close()

    async def answers(self) -> bool:
        """Whether the database can be read right now."""
        try:
            async with self.reading() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except (DatabaseAway, sa.exc.SQLAlchemyError):
            return False
        return True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end of the block, or leaves no trace.

        Raises :class:`DatabaseAway`.
        """
        with self._telling_away():
            if not self.sqlite:
                async with self._connections.writing() as connection:
                    yield connection
                return
            async with self._writer, self._connections.writing() as connection:
                yield connection

    async def write(self, work: Work[T]) -> T:
        """As a :meth:`transaction`, in as few steps as the database allows; ``work`` awaits nothing else."""
        with self._telling_away():
            if not self.sqlite:
                return await self._connections.write(work)
            async with self._writer:
                return await self._connections.write(work)

    async def read(self, work: Work[T]) -> T:
        """As :meth:`reading`, in as few steps as the database allows; ``work`` awaits nothing else."""
        with self._telling_away():
            return await self._connections.read(work)

    async def look(self, work: Work[T]) -> T:
        """As :meth:`read`, for the few rows that a key finds: on SQLite that is done before this returns.

        Nothing that grows with what is stored may be asked so: the event loop would wait for it.
        """
        with self._telling_away():
            return await self._connections.look(work)

    async def take(self, rows: Sequence[Row], now: float) -> Input | None:
        """Store inputs durably (see :mod:`bridge.storage.door`). Raises :class:`DatabaseAway`."""
        if not rows:
            return None
        with self._telling_away():
            if not self.sqlite:
                return await self._door.put(rows, now)
            async with self._writer:
                return await self._door.put(rows, now)

    async def forget(self, *, thoroughly: bool = False) -> bool:
        """Have the files hold nothing any more that was deleted; ``False``: not now, others are reading.

        On SQLite what was deleted is overwritten in the file at once, and here in the log beside it;
        ``thoroughly`` writes the whole file anew. On PostgreSQL ``thoroughly`` has tables vacuumed.
        Raises :class:`DatabaseAway`.
        """
        with self._telling_away():
            if not self.sqlite:
                return await self._connections.forget(thoroughly=thoroughly)
            async with self._writer:
                return await self._connections.forget(thoroughly=thoroughly)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read from; it sees one consistent state and never waits for a writer.

        Raises :class:`DatabaseAway`.
        """
        with self._telling_away():
            async with self._connections.reading() as connection:
                yield connection


def _upgrade(connection: sa.Connection) -> None:
    """Migrate, unless the schema is this program's already: then the tools for it stay out of memory."""
    if _revision(connection) == NEWEST:
        return
    from bridge.storage.migrate import upgrade

    upgrade(connection)


def _revision(connection: sa.Connection) -> str | None:
    if "alembic_version" not in sa.inspect(connection).get_table_names():
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    return str(found[0]) if len(found) == 1 else None
