"""The way in: stores inputs durably in one step, because the homeserver waits for it each time.

Elsewhere a transaction is several round trips to a thread or a server, which nobody waits for. Here
it is one: on SQLite one call to the thread that writes, on PostgreSQL one statement.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

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
    """One thread with a connection of its own."""

    QUERY = (
        f"INSERT INTO inbox ({', '.join(ROW)}, status, received_at, due_at) "  # noqa: S608
        f"VALUES ({'?, ' * len(ROW)}'pending', ?, ?) ON CONFLICT (key) DO NOTHING"
    )

    def __init__(self, url: URL) -> None:
        self._path = url.database or ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="door")
        self._connection: sqlite3.Connection | None = None

    async def put(self, rows: Sequence[Row], now: float) -> Input | None:
        """See :class:`Door`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._put, rows, now)

    def _put(self, rows: Sequence[Row], now: float) -> Input | None:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            for pragma in PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(self.QUERY, [(*row, now, now) for row in rows])
            first = self._first(self._connection, rows)
            self._connection.execute("COMMIT")
        except BaseException:
            # Whatever state the file is in, the next input opens it anew.
            connection, self._connection = self._connection, None
            connection.close()
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
        """Close the connection, in its thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def door(url: URL) -> Door:
    """What fits this database."""
    if url.get_backend_name() == "sqlite":
        return SqliteDoor(url)
    from bridge.storage.postgres import PostgresDoor  # its driver is loaded only where it is used

    return PostgresDoor(url)
