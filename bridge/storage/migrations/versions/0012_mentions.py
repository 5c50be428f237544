"""Which answers of the bot say something of a question, so that erasing it takes them back."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """What was said before isn't known."""
    op.create_table(
        "mentions",
        sa.Column("question_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
    )
