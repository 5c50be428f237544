"""Whose database this is, and how far the hand-over of a mail got."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Create the table, which the next start fills; no known hand-over is under way."""
    op.create_table(
        "identity",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.add_column("outbox", sa.Column("handing_over", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("outbox", sa.Column("handed_over_again", sa.Integer, nullable=False, server_default="0"))
