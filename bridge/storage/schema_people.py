"""Tables of what people wish and have begun, and of the cards that are kept edited."""

from __future__ import annotations

import sqlalchemy as sa

from bridge.storage.schema import metadata as metadata

cards = sa.Table(
    "cards",
    metadata,
    sa.Column("room_key", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
)
"""The one message of the bridge in a room that is edited rather than followed by others."""

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, nullable=False, server_default=""),
    sa.Column("digest_at", sa.Integer),
    sa.Column("digest_due", sa.Float),
    sa.Column("welcomed", sa.Boolean, nullable=False, server_default=sa.false()),
)
"""``digest_at`` is in minutes after local midnight; ``digest_due`` is when the next one is."""
sa.Index("wishes_due", wishes.c.digest_due)

dialogues = sa.Table(
    "dialogues",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)
"""A question that someone is writing in their chat with the bot."""

suppressed = sa.Table(
    "suppressed",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("question_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
"""Addresses (in lower case) that gave mails back: nothing is sent there until someone lifts it."""

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("came_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
)
"""When each mail (by the key of its input) may come in, so that no hour has more of a ``scope`` than is
allowed: a question, or a hash of a sender's address. A row goes an hour after its moment."""
sa.Index("turns_scope", turns.c.scope, turns.c.due_at)
sa.Index("turns_due", turns.c.due_at)
