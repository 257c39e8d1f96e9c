"""Alembic's entry point: runs the revisions on the connection of `Store.migrate`, inside the transaction there."""

from __future__ import annotations

from alembic import context

from nas.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
context.run_migrations()
