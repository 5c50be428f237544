"""The place in the timeline of an event that came late, and how far each room was compared."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Nothing is out of its place yet, and no room has been compared."""
    op.add_column("inbox", sa.Column("before", sa.BigInteger))
    op.add_column("inbox", sa.Column("place", sa.Integer, nullable=False, server_default="0"))
    op.add_column("inbox", sa.Column("unsure", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("questions", sa.Column("active_at", sa.Float, nullable=False, server_default="0"))
    op.execute("UPDATE questions SET active_at = asked_at")
    op.create_index("questions_active", "questions", ["active_at", "id"])
    op.add_column("outbox", sa.Column("process", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "compared",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
    )
