"""Run by Alembic for each upgrade; the connection and its transaction are those of ``projections.migrations``."""

from __future__ import annotations

from alembic import context

from projections.migrations import VERSION_SCHEMA, VERSION_TABLE
from projections.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=VERSION_SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
