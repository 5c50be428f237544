"""The words of titles, and whose a question is, so that both can be looked up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from alembic import op

from bridge.domain.titles import words_of

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

AT_ONCE = 2000


def upgrade() -> None:
    """Create the table and index what is stored, in steps of bounded size."""
    bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    words = op.create_table(
        "words",
        sa.Column("scope", bytewise, primary_key=True),
        sa.Column("word", bytewise, primary_key=True),
        sa.Column("asked_at", sa.Float, primary_key=True),
        sa.Column("question_id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.add_column("questions", sa.Column("words", sa.Text, nullable=False, server_default=""))
    op.create_index("questions_owner", "questions", ["owner", "status", "active_at"])
    for stored in _stored():
        found = {row.id: words_of(_title(row.state), _reference(row.state)) for row in stored}
        update = sa.text("UPDATE questions SET words = :words WHERE id = :id")
        lines = [{"id": key, "words": " " + " ".join(its)} for key, its in found.items()]
        op.get_bind().execute(update, lines)
        entries = [
            {"scope": _scope(row), "word": word, "asked_at": row.asked_at, "question_id": row.id}
            for row in stored
            for word in found[row.id]
            if _scope(row)
        ]
        if entries:
            op.get_bind().execute(sa.insert(words), entries)


def _stored() -> Iterator[Sequence[sa.Row[tuple[str, str, str, str, float, str]]]]:
    last = ""
    query = sa.text(
        "SELECT id, status, owner, group_key, asked_at, state FROM questions "
        "WHERE id > :last ORDER BY id LIMIT :count"
    )
    while rows := op.get_bind().execute(query, {"last": last, "count": AT_ONCE}).all():
        yield rows
        last = rows[-1].id


def _scope(row: sa.Row[tuple[str, str, str, str, float, str]]) -> str:
    if row.status == "waiting":
        return f"group:{row.group_key}"
    return f"owner:{row.owner}" if row.owner else ""


def _title(state: str) -> str:
    return str(json.loads(state)["title"])


def _reference(state: str) -> str:
    return str(json.loads(state)["reference"])
