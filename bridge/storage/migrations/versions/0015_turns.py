"""When each mail may come in, so that no hour has too many of one sender or to one question."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Nothing was counted so far."""
    op.create_table(
        "turns",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("came_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
    )
    op.create_index("turns_scope", "turns", ["scope", "due_at"])
    op.create_index("turns_due", "turns", ["due_at"])
