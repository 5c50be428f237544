"""When the net has to look at a question, and what one finds it by besides its ID."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

AT_ONCE = 2000


def upgrade() -> None:
    """Have the net look at every question that is open, and note the references, in steps of bounded size."""
    op.add_column("questions", sa.Column("reference", sa.Text, nullable=False, server_default=""))
    op.add_column("questions", sa.Column("offered_to", sa.Text, nullable=False, server_default=""))
    op.add_column("questions", sa.Column("alarm_at", sa.Float))
    for found in _stored():
        values = [{"id": row.id, "reference": str(json.loads(row.state)["reference"])} for row in found]
        op.get_bind().execute(sa.text("UPDATE questions SET reference = :reference WHERE id = :id"), values)
    op.execute("UPDATE questions SET alarm_at = 0 WHERE status IN ('waiting', 'taken')")
    op.create_index("questions_reference", "questions", ["reference"])
    offered, alarm = sa.text("offered_to != ''"), sa.text("alarm_at IS NOT NULL")
    op.create_index(
        "questions_offered", "questions", ["offered_to"], sqlite_where=offered, postgresql_where=offered
    )
    op.create_index("questions_alarm", "questions", ["alarm_at"], sqlite_where=alarm, postgresql_where=alarm)


def _stored() -> Iterator[Sequence[sa.Row[tuple[str, str]]]]:
    last = ""
    query = sa.text("SELECT id, state FROM questions WHERE id > :last ORDER BY id LIMIT :count")
    while rows := op.get_bind().execute(query, {"last": last, "count": AT_ONCE}).all():
        yield rows
        last = rows[-1].id
