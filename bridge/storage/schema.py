"""The tables. A change here goes with a migration in ``migrations/versions``."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only for INTEGER PRIMARY KEY."""

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("conversation", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False, server_default=""),
    sa.Column("sender", sa.Text, nullable=False, server_default=""),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("before", sa.BigInteger),
    sa.Column("place", sa.Integer, nullable=False, server_default="0"),
    sa.Column("unsure", sa.Boolean, nullable=False, server_default=sa.false()),
    sqlite_autoincrement=True,
)
"""``before`` names the row that a late event precedes, ``place`` its order among those that do; ``unsure``
says that an event was decided without knowing that everything before it had come."""
PENDING = "pending"
"""Waits for its worker."""
DONE = "done"
"""Its decision is committed."""
QUARANTINED = "quarantined"
"""Failed too often, or can't be shown to anyone yet; kept with its bytes for the admin."""
DISCARDED = "discarded"
"""Set aside, and then thrown away by the admin; its key stays, so that a replay changes nothing."""

sa.Index(
    "inbox_pending",
    inbox.c.conversation,
    inbox.c.id,
    sqlite_where=inbox.c.status == PENDING,
    postgresql_where=inbox.c.status == PENDING,
)
sa.Index(
    "inbox_quarantined",
    inbox.c.id,
    sqlite_where=inbox.c.status == QUARANTINED,
    postgresql_where=inbox.c.status == QUARANTINED,
)
sa.Index(
    "inbox_settled",
    inbox.c.conversation,
    sqlite_where=inbox.c.status != PENDING,
    postgresql_where=inbox.c.status != PENDING,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("conversation", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("result", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("process", sa.Text, nullable=False, server_default=""),
    sa.Column("handing_over", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("handed_over_again", sa.Integer, nullable=False, server_default="0"),
    sa.Column("finished_at", sa.Float),
    sa.Column("about", sa.Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)
"""``about`` is the question that an effect belongs to, whatever conversation keeps its order."""
SENT = "sent"
"""The homeserver or the next mail server accepted it."""
FAILED = "failed"
"""Given up; the person who can act was told."""

sa.Index(
    "outbox_pending",
    outbox.c.conversation,
    outbox.c.lane,
    outbox.c.id,
    sqlite_where=outbox.c.status == PENDING,
    postgresql_where=outbox.c.status == PENDING,
)
sa.Index(
    "outbox_about",
    outbox.c.about,
    sqlite_where=outbox.c.about != "",
    postgresql_where=outbox.c.about != "",
)

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("group_key", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("active_at", sa.Float, nullable=False, server_default="0"),
    sa.Column("taken_at", sa.Float),
    sa.Column("answered_at", sa.Float),
    sa.Column("words", sa.Text, nullable=False, server_default=""),
    sa.Column("archived_at", sa.Float),
    sa.Column("reference", sa.Text, nullable=False, server_default=""),
    sa.Column("offered_to", sa.Text, nullable=False, server_default=""),
    sa.Column("also", sa.Text, nullable=False, server_default=""),
    sa.Column("alarm_at", sa.Float),
    sa.Column("requester", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text, nullable=False),
)
"""``taken_at`` and ``answered_at``: the first time that it was taken, and that an answer left. ``also``: the
fallback group, once that may take it."""
sa.Index("questions_asked", questions.c.asked_at)
sa.Index(
    "questions_archived",
    questions.c.group_key,
    questions.c.archived_at,
    sqlite_where=questions.c.archived_at.is_not(None),
    postgresql_where=questions.c.archived_at.is_not(None),
)
sa.Index("questions_reference", questions.c.reference)
sa.Index(
    "questions_requested",
    questions.c.requester,
    questions.c.active_at,
    sqlite_where=questions.c.requester != "",
    postgresql_where=questions.c.requester != "",
)
sa.Index(
    "questions_offered",
    questions.c.offered_to,
    sqlite_where=questions.c.offered_to != "",
    postgresql_where=questions.c.offered_to != "",
)
sa.Index(
    "questions_alarm",
    questions.c.alarm_at,
    sqlite_where=questions.c.alarm_at.is_not(None),
    postgresql_where=questions.c.alarm_at.is_not(None),
)
sa.Index("questions_active", questions.c.active_at, questions.c.id)
sa.Index(
    "questions_waiting",
    questions.c.group_key,
    sqlite_where=questions.c.status == "waiting",
    postgresql_where=questions.c.status == "waiting",
)
sa.Index(
    "questions_waiting_also",
    questions.c.also,
    sqlite_where=sa.and_(questions.c.status == "waiting", questions.c.also != ""),
    postgresql_where=sa.and_(questions.c.status == "waiting", questions.c.also != ""),
)
sa.Index("questions_owner", questions.c.owner, questions.c.status, questions.c.active_at)

Bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared by its bytes, so that what begins alike lies together."""

words = sa.Table(
    "words",
    metadata,
    sa.Column("scope", Bytewise, primary_key=True),
    sa.Column("word", Bytewise, primary_key=True),
    sa.Column("asked_at", sa.Float, primary_key=True),
    sa.Column("question_id", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""Each word of each title under whose it is (:mod:`bridge.domain.sight`)."""

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("question_id", sa.Text, nullable=False),
)
sa.Index("tokens_question", tokens.c.question_id)

rooms = sa.Table(
    "rooms",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("room_id", sa.Text, nullable=False, unique=True),
)

anchors = sa.Table(
    "anchors",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("question_id", sa.Text, nullable=False),
)
"""Events outside a question room that stand for a question: its cards."""
sa.Index("anchors_question", anchors.c.question_id)

mentions = sa.Table(
    "mentions",
    metadata,
    sa.Column("question_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
)
"""Effects (by key) that belong to no question, but said something of this one: answers to searches, say."""

listings = sa.Table(
    "listings",
    metadata,
    sa.Column("group_key", sa.Text, primary_key=True),
    sa.Column("question_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
)
"""Which generation of a group's listing names a question, so that no space's state grows for ever."""
sa.Index("listings_generation", listings.c.group_key, listings.c.generation)

compared = sa.Table(
    "compared",
    metadata,
    sa.Column("room_id", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
)
"""The newest event of each live room when it was last compared with the homeserver's timeline."""

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("validity", sa.BigInteger, nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
)
"""How far each mailbox read by IMAP is taken: every mail up to ``uid``, as ``validity`` counts."""

identity = sa.Table(
    "identity",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Settings that what is stored was made under."""

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

acts = sa.Table(
    "acts",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("question_id", sa.Text, nullable=False),
    sa.Column("did", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
"""The act record of every question: rows are added, never changed."""
sa.Index("acts_question", acts.c.question_id, acts.c.id)
sa.Index("acts_actor", acts.c.actor, acts.c.id)

absences = sa.Table(
    "absences",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("until", sa.Float, nullable=False),
)
"""Practitioners who said that they are away, and until when."""

mutes = sa.Table(
    "mutes",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("until", sa.Float, nullable=False),
)
"""What a practitioner wants no reminders of: ``all``, ``group:<key>`` or ``question:<id>``."""

blob_uses = sa.Table(
    "blob_uses",
    metadata,
    sa.Column("question_id", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, primary_key=True),
)
"""Which questions a kept file belongs to: it goes with the last of them."""
sa.Index("blob_uses_hash", blob_uses.c.hash)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Who did or saw what, append-only: triggers refuse every other change, and each entry's ``chain`` is a
hash over it and the one before. It never names a patient: questions appear by reference."""

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
"""What must not be erased: ``question:<id>``, or ``patient:<address>`` for all that somebody asked."""

erased = sa.Table(
    "erased",
    metadata,
    sa.Column("question_id", sa.Text, primary_key=True),
    sa.Column("group_key", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("taken_at", sa.Float),
    sa.Column("answered_at", sa.Float),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("todo", sa.Text, nullable=False, server_default=""),
)
"""What is left of an erased question: times for statistics, and that nothing late may bring it back.
``todo`` names what the homeserver still has to forget: IDs only."""
sa.Index("erased_asked", erased.c.asked_at)
sa.Index(
    "erased_todo",
    erased.c.question_id,
    sqlite_where=erased.c.todo != "",
    postgresql_where=erased.c.todo != "",
)
