"""Addresses that gave mails back."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """See ``bridge.storage.schema_people``."""
    op.create_table(
        "suppressed",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("question_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
