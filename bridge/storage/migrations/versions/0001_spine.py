"""The first schema: inbox, outbox, questions, and the names of things outside."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PENDING = sa.text("status = 'pending'")
QUARANTINED = sa.text("status = 'quarantined'")
WAITING = sa.text("status = 'waiting'")


def upgrade() -> None:
    """Create every table and index."""
    _create_inbox()
    _create_outbox()
    _create_questions()
    _create_names()


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False, server_default=""),
        sa.Column("sender", sa.Text, nullable=False, server_default=""),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "inbox_pending", "inbox", ["conversation", "id"], sqlite_where=PENDING, postgresql_where=PENDING
    )
    op.create_index(
        "inbox_quarantined", "inbox", ["id"], sqlite_where=QUARANTINED, postgresql_where=QUARANTINED
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("result", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("finished_at", sa.Float),
        sqlite_autoincrement=True,
    )
    columns = ["conversation", "lane", "id"]
    op.create_index("outbox_pending", "outbox", columns, sqlite_where=PENDING, postgresql_where=PENDING)


def _create_questions() -> None:
    op.create_table(
        "questions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index(
        "questions_waiting", "questions", ["group_key"], sqlite_where=WAITING, postgresql_where=WAITING
    )


def _create_names() -> None:
    op.create_table(
        "tokens",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("question_id", sa.Text, nullable=False),
    )
    op.create_table(
        "rooms",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "anchors",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("question_id", sa.Text, nullable=False),
    )
    op.create_table(
        "listings",
        sa.Column("group_key", sa.Text, primary_key=True),
        sa.Column("question_id", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
    )
    op.create_index("listings_generation", "listings", ["group_key", "generation"])
    op.create_table(
        "blobs",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
