"""Alembic's entry: runs the migrations on the connection that the program hands over."""

from __future__ import annotations

from alembic import context

from bridge.storage.schema_people import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
