"""Statistics, an append-only audit, and what erasing needs to find everything of one question."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT_ONCE = 500

SQLITE_GUARD = """
    CREATE TRIGGER audit_no_{what} BEFORE {what} ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END
"""
POSTGRES_GUARD = """
    CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$
"""
POSTGRES_TRIGGER = """
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
"""


def upgrade() -> None:
    """Times and files of what is there are found in what is stored; nothing is erased or held yet."""
    _create_audit()
    _create_protection()
    _extend_queues()
    _extend_questions()


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(SQLITE_GUARD.format(what=what))
    else:
        op.execute(POSTGRES_GUARD)
        op.execute(POSTGRES_TRIGGER)


def _create_protection() -> None:
    op.create_table(
        "holds",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "erased",
        sa.Column("question_id", sa.Text, primary_key=True),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("taken_at", sa.Float),
        sa.Column("answered_at", sa.Float),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("erased_asked", "erased", ["asked_at"])
    op.create_table(
        "blob_uses",
        sa.Column("question_id", sa.Text, primary_key=True),
        sa.Column("hash", sa.Text, primary_key=True),
    )
    op.create_index("blob_uses_hash", "blob_uses", ["hash"])


def _extend_queues() -> None:
    settled = sa.text("status <> 'pending'")
    op.create_index(
        "inbox_settled", "inbox", ["conversation"], sqlite_where=settled, postgresql_where=settled
    )
    op.add_column("outbox", sa.Column("about", sa.Text, nullable=False, server_default=""))
    # Keys of effects about a question begin with its ID, sixteen letters, and a colon.
    op.execute("UPDATE outbox SET about = substr(key, 1, 16) WHERE substr(key, 17, 1) = ':'")
    told = sa.text("about <> ''")
    op.create_index("outbox_about", "outbox", ["about"], sqlite_where=told, postgresql_where=told)
    _note_files()


def _note_files() -> None:
    """The files of each question: what was posted for a patient names their hash."""
    uses = sa.table("blob_uses", sa.column("question_id", sa.Text), sa.column("hash", sa.Text))
    known: set[tuple[str, str]] = set()
    for row in _rows("SELECT id, payload FROM outbox WHERE kind = 'PostFile' AND id > :last ORDER BY id"):
        effect = json.loads(row.payload)
        known.add((effect["question_id"], effect["attachment"]["blob"]))
    rows = [{"question_id": question, "hash": digest} for question, digest in sorted(known) if digest]
    if rows:
        op.get_bind().execute(sa.insert(uses), rows)


def _rows(query: str, first: Any = 0) -> Iterator[Any]:
    """Every row of a query that pages by ``id``."""
    last = first
    while True:
        page = op.get_bind().execute(sa.text(f"{query} LIMIT {AT_ONCE}"), {"last": last}).fetchall()
        yield from page
        if len(page) < AT_ONCE:
            return
        last = page[-1].id


def _extend_questions() -> None:
    op.add_column("questions", sa.Column("taken_at", sa.Float))
    op.add_column("questions", sa.Column("answered_at", sa.Float))
    op.create_index("questions_asked", "questions", ["asked_at"])
    op.execute(
        "UPDATE questions SET answered_at = (SELECT min(finished_at) FROM outbox "
        "WHERE outbox.about = questions.id AND outbox.kind = 'Answer' AND outbox.status = 'sent')"
    )
    taken = sa.text("UPDATE questions SET taken_at = :at WHERE id = :id")
    for row in _rows("SELECT id, state FROM questions WHERE id > :last ORDER BY id", ""):
        if at := json.loads(row.state).get("taken_at"):
            moment = datetime.fromisoformat(str(at).replace("Z", "+00:00")).timestamp()
            op.get_bind().execute(taken, {"at": moment, "id": row.id})
