"""What a Synapse on SQLite may look like that was killed while it stored the events of two rooms.

It numbers events when it begins to store them; killed between the two, it may have the later number and not
the earlier one. Started again, it doesn't show that newest event until it stores another one; it hadn't told
a service of it either, and does so then.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

NUMBERS = ("stream_ordering", "event_stream_ordering")
"""How columns are called that name an event by its number."""
TOLD = "appservice_stream_position"
"""Up to which event services were told."""


def leave_a_gap(file: Path) -> bool:
    """Leave a number out before the newest event of a homeserver that doesn't run; ``False``: it is state."""
    with closing(sqlite3.connect(file)) as database, database:
        newest = "SELECT stream_ordering, state_key FROM events ORDER BY stream_ordering DESC LIMIT 1"
        number, state_key = database.execute(newest).fetchone()
        if state_key is not None:
            return False
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if table == TOLD:
                continue
            columns = {str(column[1]) for column in database.execute(f"PRAGMA table_info({table})")}
            for column in columns.intersection(NUMBERS):
                change = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"
                database.execute(change, (number + 1, number))
        reached = "UPDATE stream_positions SET stream_id = ? WHERE stream_name = 'events'"
        database.execute(reached, (number - 1,))
        database.execute(f"UPDATE {TOLD} SET stream_ordering = min(stream_ordering, ?)", (number - 1,))
    return True
