"""PostgreSQL: a pool of connections, and the way in that commits by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bridge.storage.door import ROW, Row
from bridge.storage.heads import Input
from bridge.storage.threaded import Work

T = TypeVar("T")
TIMEOUT_S = 30.0
DOORS = 4
"""Inputs that are stored at the same time."""


class PostgresConnections:
    """A pool of connections to a server."""

    away: tuple[type[Exception], ...] = (asyncpg.PostgresError, asyncpg.InterfaceError)

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"), pool_size=8, max_overflow=0
        )

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end of the block, or undone."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read from."""
        async with self._engine.connect() as connection:
            yield connection
            await connection.rollback()

    async def write(self, work: Work[T]) -> T:
        """Do this in a transaction, and commit it."""
        async with self.writing() as connection:
            return await work(connection)

    async def read(self, work: Work[T]) -> T:
        """Do this on a connection that reads."""
        async with self.reading() as connection:
            return await work(connection)

    async def look(self, work: Work[T]) -> T:
        """The same: a server is always a way off."""
        return await self.read(work)

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()

    async def forget(self, *, thoroughly: bool) -> bool:
        """See :meth:`bridge.storage.database.Database.forget`."""
        if thoroughly:
            await self._vacuum()
        return True

    async def _vacuum(self) -> None:
        url = self._url.set(drivername="postgresql+asyncpg")
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.exec_driver_sql("VACUUM")
        finally:
            await engine.dispose()


class PostgresDoor:
    """A few connections; rows get their numbers in the order in which they were given.

    One statement that is committed at once leaves nothing behind in a connection, so that it needs nothing of
    what a pool does between two users; that is a fifteenth of what a homeserver waits for.
    """

    QUERY = f"""
        INSERT INTO inbox ({", ".join(ROW)}, status, received_at, due_at)
        SELECT {", ".join(ROW)}, 'pending', $7, $7
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
            WITH ORDINALITY AS given ({", ".join(ROW)}, place)
        ORDER BY place
        ON CONFLICT (key) DO NOTHING
    """  # noqa: S608

    def __init__(self, url: URL) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._idle: list[asyncpg.Connection] = []
        self._slots = asyncio.Semaphore(DOORS)

    async def put(self, rows: Sequence[Row], now: float) -> Input | None:
        """See :class:`Door`."""
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        async with self._slots:
            connection = await self._open()
            try:
                await connection.execute(self.QUERY, *columns, now)
            except BaseException:
                connection.terminate()  # whatever state it is in, the next input opens another one
                raise
            self._idle.append(connection)
        return None

    async def _open(self) -> asyncpg.Connection:
        while self._idle:
            if not (connection := self._idle.pop()).is_closed():
                return connection
        return await asyncpg.connect(self._dsn, timeout=10, command_timeout=TIMEOUT_S)

    async def close(self) -> None:
        """End the connections."""
        while self._idle:
            self._idle.pop().terminate()
