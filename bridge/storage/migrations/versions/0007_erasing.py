"""What erasing has to find quickly, and what the homeserver still has to forget."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Nothing is archived or left to be forgotten yet."""
    op.add_column("erased", sa.Column("todo", sa.Text, nullable=False, server_default=""))
    todo = sa.text("todo <> ''")
    op.create_index("erased_todo", "erased", ["question_id"], sqlite_where=todo, postgresql_where=todo)
    op.add_column("questions", sa.Column("archived_at", sa.Float))
    archived = sa.text("archived_at IS NOT NULL")
    op.create_index(
        "questions_archived",
        "questions",
        ["group_key", "archived_at"],
        sqlite_where=archived,
        postgresql_where=archived,
    )
    op.create_index("tokens_question", "tokens", ["question_id"])
    op.create_index("anchors_question", "anchors", ["question_id"])
