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
    """A small pool; rows get their numbers in the order in which they were given."""

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
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def put(self, rows: Sequence[Row], now: float) -> Input | None:
        """See :class:`Door`."""
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=1,
                    max_size=4,
                    command_timeout=TIMEOUT_S,
                    timeout=10,
                    reset=_nothing_to_reset,
                )
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        async with self._pool.acquire() as connection:
            await connection.execute(self.QUERY, *columns, now)
        return None

    async def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            self._pool.terminate()


async def _nothing_to_reset(_connection: object) -> None:
    """One statement that is committed at once leaves nothing behind; asking would be a second round trip."""
