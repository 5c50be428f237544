"""Owners are found by one index: what is open, and what is over, of someone or of everyone."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """The index of the open ones says nothing that the other doesn't."""
    op.drop_index("questions_owned", "questions")
