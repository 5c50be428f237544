"""How far each mailbox that is read by IMAP is taken."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """No mailbox has been read yet."""
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("validity", sa.BigInteger, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
