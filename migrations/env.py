"""Run by Alembic with the connection that `migrations` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import bridges.web.tables  # noqa: F401  # fills the metadata
import core.tables  # noqa: F401  # fills the metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
