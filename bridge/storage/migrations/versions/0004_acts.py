"""The act record, and what practitioners say about their own availability."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Nothing is recorded yet; everyone is there and hears everything."""
    row = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "acts",
        sa.Column("id", row, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("question_id", sa.Text, nullable=False),
        sa.Column("did", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("acts_question", "acts", ["question_id", "id"])
    op.create_index("acts_actor", "acts", ["actor", "id"])
    op.create_table(
        "absences",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "mutes",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index(
        "questions_owned",
        "questions",
        ["owner"],
        sqlite_where=sa.text("status = 'taken'"),
        postgresql_where=sa.text("status = 'taken'"),
    )
