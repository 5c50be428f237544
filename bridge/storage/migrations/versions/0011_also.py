"""The fallback group that may take a waiting question, too, as a column: its members count and list it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Only what waits is looked at: that many there are, not as many as were ever asked."""
    op.add_column("questions", sa.Column("also", sa.Text, nullable=False, server_default=""))
    waiting = op.get_bind().execute(sa.text("SELECT id, state FROM questions WHERE status = 'waiting'")).all()
    for question_id, state in waiting:
        if also := json.loads(state).get("also"):
            values = {"id": question_id, "also": str(also)}
            op.get_bind().execute(sa.text("UPDATE questions SET also = :also WHERE id = :id"), values)
    widened = sa.text("status = 'waiting' AND also != ''")
    op.create_index(
        "questions_waiting_also", "questions", ["also"], sqlite_where=widened, postgresql_where=widened
    )
