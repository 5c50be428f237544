"""What people wish, questions that they are writing, and cards that are kept edited."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Nobody wishes anything yet."""
    op.create_table(
        "cards",
        sa.Column("room_key", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
    )
    op.create_table(
        "wishes",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("language", sa.Text, nullable=False, server_default=""),
        sa.Column("digest_at", sa.Integer),
        sa.Column("digest_due", sa.Float),
        sa.Column("welcomed", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("wishes_due", "wishes", ["digest_due"])
    op.create_table(
        "dialogues",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
