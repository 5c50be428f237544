"""Who asked on Matrix, as a column: they list what they asked."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Only questions that were asked on Matrix have one."""
    op.add_column("questions", sa.Column("requester", sa.Text, nullable=False, server_default=""))
    asked = op.get_bind().execute(
        sa.text('SELECT id, state FROM questions WHERE state LIKE \'%"requester":"@%\'')
    )
    for question_id, state in asked.all():
        if requester := json.loads(state).get("requester"):
            values = {"id": question_id, "requester": str(requester)}
            op.get_bind().execute(
                sa.text("UPDATE questions SET requester = :requester WHERE id = :id"), values
            )
    on_matrix = sa.text("requester != ''")
    op.create_index(
        "questions_requested",
        "questions",
        ["requester", "active_at"],
        sqlite_where=on_matrix,
        postgresql_where=on_matrix,
    )
