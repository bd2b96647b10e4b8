"""The shape of the read tables as one text: whoever has another text makes other tables."""

from __future__ import annotations

from functools import cache

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from projections.tables import SCHEMA, metadata


@cache
def text() -> str:
    """All tables and indexes of the read schema, as SQL."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    parts: list[str] = []
    for table in metadata.sorted_tables:
        if table.schema == SCHEMA:
            parts.append(str(CreateTable(table).compile(dialect=dialect)))
            parts += sorted(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
    return "\n".join(parts)
