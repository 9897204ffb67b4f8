"""Alembic's entry: runs inside the transaction that the caller began."""

from __future__ import annotations

from alembic import context

from livecommerce.adapters.sql_schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
