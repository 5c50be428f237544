"""What a database that can't be used raises."""

from __future__ import annotations


class DatabaseRefused(Exception):
    """This database can't be used: newer than this program, or another program's."""
