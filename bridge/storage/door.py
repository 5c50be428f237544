"""The way in: stores inputs durably in one step, because the homeserver waits for it each time.

Elsewhere a transaction is several round trips to a thread or a server, which nobody waits for. Here
it is one: on PostgreSQL one statement, on SQLite one call. A few rows take SQLite some tenths of a
millisecond, less than it takes to ask a thread; then it is done at once. It isn't while the disk is slow.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL

from bridge.storage.heads import WAITING, Input

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=10000",
    "foreign_keys=ON",
    "secure_delete=ON",
)
"""A commit survives a power cut (``FULL``); readers never wait for the writer (``WAL``); what is deleted is
overwritten (``secure_delete``)."""

HERE = (*(pragma for pragma in PRAGMAS if "timeout" not in pragma), "wal_autocheckpoint=0")
"""The event loop waits for no lock, and leaves it to others to write the log back into the file."""
FEW_ROWS, FEW_BYTES = 32, 64 * 1024
"""What may be stored at once."""
QUICK_S = 0.002
"""Where one took longer, the next ones go by the thread."""
AFTER_SLOW, AFTER_SLOW_AT_MOST = 4, 1024
"""How many those are: twice as many each time that the disk is still slow."""
LOG_EVERY = 64
"""One of so many goes by the thread, which then writes back a log that has become long."""

ROW = ("key", "kind", "conversation", "recipient", "sender", "payload")

Row = tuple[str, str, str, str, str, bytes]
"""An input, in the order of :data:`ROW`."""


class Door(Protocol):
    """Takes inputs; those whose key is known change nothing."""

    async def put(self, rows: Sequence[Row], now: float) -> Input | None:
        """Store them in their order.

        Where one process has the database to itself and this is all that waits in a conversation: what
        is next in it then.
        """

    async def close(self) -> None:
        """Close the connections."""


_WAITING = WAITING.limit(2).compile(dialect=sqlite.dialect(paramstyle="named"))


class SqliteDoor:
    """A connection of the event loop's own thread, and one of another thread for whatever takes longer."""

    QUERY = (
        f"INSERT INTO inbox ({', '.join(ROW)}, status, received_at, due_at) "  # noqa: S608
        f"VALUES ({'?, ' * len(ROW)}'pending', ?, ?) ON CONFLICT (key) DO NOTHING"
    )

    def __init__(self, url: URL) -> None:
        self._path = url.database or ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="door")
        self._here: sqlite3.Connection | None = None
        self._there: sqlite3.Connection | None = None
        self._at_once = 0
        self._by_thread = 0
        self._after_slow = AFTER_SLOW

    async def put(self, rows: Sequence[Row], now: float) -> Input | None:
        """See :class:`Door`."""
        if self._may_be_quick(rows):
            began = time.perf_counter()
            try:
                return self._put_here(rows, now)
            except sqlite3.OperationalError:
                pass  # locked, full, or worse: the thread can wait, and says what it is
            finally:
                self._took(time.perf_counter() - began)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._put_there, rows, now)

    def _may_be_quick(self, rows: Sequence[Row]) -> bool:
        if len(rows) > FEW_ROWS or sum(len(row[-1]) for row in rows) > FEW_BYTES:
            return False
        if self._by_thread > 0:
            self._by_thread -= 1
            return False
        self._at_once += 1
        return True

    def _took(self, seconds: float) -> None:
        if seconds > QUICK_S:
            self._by_thread = self._after_slow
            self._after_slow = min(2 * self._after_slow, AFTER_SLOW_AT_MOST)
        else:
            self._by_thread = int(self._at_once % LOG_EVERY == 0)
            self._after_slow = AFTER_SLOW

    def _put_here(self, rows: Sequence[Row], now: float) -> Input | None:
        connection, self._here = self._here or self._opened(HERE, timeout=0), None
        found = self._put(connection, rows, now)
        self._here = connection
        return found

    def _put_there(self, rows: Sequence[Row], now: float) -> Input | None:
        connection, self._there = self._there or self._opened(PRAGMAS), None
        found = self._put(connection, rows, now)
        self._there = connection
        return found

    def _opened(self, pragmas: Sequence[str], **options: Any) -> sqlite3.Connection:
        opened: sqlite3.Connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, **options
        )
        try:
            for pragma in pragmas:
                opened.execute(f"PRAGMA {pragma}")
        except BaseException:
            opened.close()
            raise
        return opened

    def _put(self, connection: sqlite3.Connection, rows: Sequence[Row], now: float) -> Input | None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self.QUERY, [(*row, now, now) for row in rows])
            first = self._first(connection, rows)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()  # whatever state the file is in, the next input opens it anew
            raise
        return first

    def _first(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> Input | None:
        """What is next, if that takes no sorting: one input has come, and nothing else waits with it."""
        if len(rows) != 1:
            return None
        names = {**_WAITING.params, "conversation": rows[0][ROW.index("conversation")]}
        found = connection.execute(str(_WAITING), names).fetchall()
        return Input(*found[0]) if len(found) == 1 else None

    async def close(self) -> None:
        """Close the connections, each in its thread."""
        _close(self._here)
        self._here = None
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        _close(self._there)
        self._there = None


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()


def door(url: URL) -> Door:
    """What fits this database."""
    if url.get_backend_name() == "sqlite":
        return SqliteDoor(url)
    from bridge.storage.postgres import PostgresDoor  # its driver is loaded only where it is used

    return PostgresDoor(url)
