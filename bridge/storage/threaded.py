"""SQLite's connections, each with a thread of its own: a statement is one step to that thread and back.

The usual asynchronous driver takes a step for each cursor, fetch and BEGIN; a message takes a dozen
statements, and so a good part of its time. Here BEGIN goes with the first statement and rows come
with their statement; and work that waits for nothing but the database takes one step as a whole,
commit included. What is found by a key takes no step at all: it is there sooner than a thread could be asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from bridge.storage import direct
from bridge.storage.door import PRAGMAS
from bridge.storage.place import make_private

T = TypeVar("T")
READERS = 4

Work = Callable[[AsyncConnection], Awaitable[T]]
"""Statements that belong together. It awaits nothing but its connection."""


class _Within:
    """What :class:`ThreadedConnection` offers, for work that runs in the connection's own thread."""

    def __init__(self, connection: sa.Connection) -> None:
        self.dialect = connection.dialect
        self._connection = connection

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        if direct.is_made_once(statement):
            return direct.execute(self._connection, statement, parameters)
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> sa.CursorResult[Any]:
        return self._connection.exec_driver_sql(statement, parameters)

    async def run_sync(self, function: Callable[..., T], *arguments: Any) -> T:
        return function(self._connection, *arguments)


class _Kept:
    """A connection that is opened when it is needed, and anew after it was closed."""

    def __init__(self, engine: sa.Engine, *, reads: bool) -> None:
        self._engine = engine.execution_options(colloque_read=reads)
        self._connection: sa.Connection | None = None

    def _open(self) -> sa.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._engine.connect()
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


class ThreadedConnection(_Kept):
    """What our queries use of an :class:`AsyncConnection`, on one connection and its thread."""

    def __init__(self, engine: sa.Engine, name: str, *, reads: bool) -> None:
        super().__init__(engine, reads=reads)
        self.dialect = engine.dialect
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def execute(self, statement: Any, parameters: Any = None) -> sa.Result[Any]:
        """As :meth:`AsyncConnection.execute`; the rows are all there."""
        return await self._run(lambda connection: _executed(connection, statement, parameters))

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> sa.Result[Any]:
        """As :meth:`AsyncConnection.exec_driver_sql`."""
        return await self._run(lambda connection: _whole(connection.exec_driver_sql(statement, parameters)))

    async def run_sync(self, function: Callable[..., T], *arguments: Any) -> T:
        """As :meth:`AsyncConnection.run_sync`."""
        return await self._run(lambda connection: function(connection, *arguments))

    async def commit(self) -> None:
        """Make what was done since the first statement last."""
        await self._run(lambda connection: connection.commit())

    async def whole(self, work: Work[T], *, commit: bool) -> T:
        """Do all of this in one step, and commit it or undo it. Raises what ``work`` raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._whole, work, commit)

    def _whole(self, work: Work[T], commit: bool) -> T:
        try:
            result = self._step(lambda connection: _driven(work, connection))
            if commit:
                self._step(lambda connection: connection.commit())
        except BaseException:
            self._end()
            raise
        if not commit:
            self._end()
        return result

    def end(self) -> None:
        """Undo what isn't committed; it is done before the next statement of this connection."""
        self._thread.submit(self._end)

    async def close(self) -> None:
        """Close the connection and its thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _run(self, step: Callable[[sa.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._step, step)

    def _step(self, step: Callable[[sa.Connection], T]) -> T:
        return step(self._open())

    def _end(self) -> None:
        try:
            if self._connection is not None:
                self._connection.rollback()
        except Exception:
            self._close()  # whatever state the file is in, the next statement opens it anew


class _Here(_Kept):
    """A connection of the event loop's own thread, for what is found by a key: it never waits for a lock."""

    def look(self, work: Work[T]) -> T:
        """Do this now. Raises ``sqlite3.OperationalError`` or SQLAlchemy's where the file doesn't let us."""
        try:
            connection = self._open()
            result = _driven(work, connection)
            connection.rollback()
        except BaseException:
            self._close()  # whatever state it is in, the next look opens the file anew
            raise
        return result

    def close(self) -> None:
        """Close it; it can be used again."""
        self._close()


def _driven(work: Work[T], connection: sa.Connection) -> T:
    """Run this to its end, here: on such a connection nothing it awaits is ever pending."""
    coroutine = cast("Coroutine[Any, None, T]", work(cast("AsyncConnection", _Within(connection))))
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    raise RuntimeError("work within a transaction waited for something else")


def _executed(connection: sa.Connection, statement: Any, parameters: Any) -> sa.Result[Any]:
    return _whole(connection.execute(statement, parameters))


def _whole(result: sa.CursorResult[Any]) -> sa.Result[Any]:
    if not result.returns_rows:
        return result
    whole: sa.Result[Any] = result.freeze()()
    return whole


class SqliteConnections:
    """One connection that writes and a few that read, of one file."""

    away: tuple[type[Exception], ...] = (sqlite3.OperationalError,)

    def __init__(self, url: URL) -> None:
        self._file = str(url.database)
        engine = _engine(url, _prepare)
        self._here = _Here(_engine(url, _prepare_to_look, timeout=0), reads=True)
        self._writer = ThreadedConnection(engine, "writer", reads=False)
        self._readers = [ThreadedConnection(engine, f"reader{n}", reads=True) for n in range(READERS)]
        self._idle: asyncio.LifoQueue[ThreadedConnection] = asyncio.LifoQueue()
        for reader in self._readers:
            self._idle.put_nowait(reader)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """The connection that writes; what the block did is committed at its end, or undone."""
        try:
            yield cast("AsyncConnection", self._writer)
            await self._writer.commit()
        finally:
            self._writer.end()

    async def write(self, work: Work[T]) -> T:
        """Do this on the connection that writes, and commit it."""
        return await self._writer.whole(work, commit=True)

    async def read(self, work: Work[T]) -> T:
        """Do this on a connection that reads."""
        reader = await self._idle.get()
        try:
            return await reader.whole(work, commit=False)
        finally:
            self._idle.put_nowait(reader)

    async def look(self, work: Work[T]) -> T:
        """Do this at once, in this thread; on a connection that reads if that would have to wait."""
        try:
            return self._here.look(work)
        except (sqlite3.OperationalError, sa.exc.OperationalError):
            return await self.read(work)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one consistent state from its first statement on."""
        reader = await self._idle.get()
        try:
            yield cast("AsyncConnection", reader)
        finally:
            reader.end()
            self._idle.put_nowait(reader)

    async def forget(self, *, thoroughly: bool) -> bool:
        """See :meth:`bridge.storage.database.Database.forget`; nothing is written meanwhile."""
        return await asyncio.to_thread(_overwrite, self._file, thoroughly)

    async def close(self) -> None:
        """Close all of them."""
        self._here.close()
        for connection in (self._writer, *self._readers):
            await connection.close()


def _engine(url: URL, prepare: Callable[..., None], **options: Any) -> sa.Engine:
    arguments = {"check_same_thread": False, **options}
    engine = sa.create_engine(url.set(drivername="sqlite"), poolclass=NullPool, connect_args=arguments)
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
    """A new file is for its owner only, whatever the umask; SQLite gives its companions the same mode."""
    with contextlib.suppress(OSError):  # it is there, or SQLite says better why it can't be
        make_private(Path(arguments[0]))


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_to_look(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON").close()


def _begin(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get("colloque_read", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _overwrite(file: str, thoroughly: bool) -> bool:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if thoroughly:
            connection.execute("VACUUM")
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        connection.close()
