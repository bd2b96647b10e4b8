"""``python -m projections.tables`` prints the declarations as SQL: the text from which a migration is written."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import Any

from sqlalchemy import create_mock_engine
from sqlalchemy.sql.ddl import ExecutableDDLElement

from projections.tables import metadata


def script() -> str:
    """Everything that the declarations say, as SQL for an empty database: tables, keys, indexes, comments.

    Always the same text: a table's indexes, which SQLAlchemy keeps as a set, are sorted.
    """
    statements: list[str] = []

    def collect(statement: ExecutableDDLElement, *_: Any, **__: Any) -> None:
        text = str(statement.compile(dialect=engine.dialect)).replace("%%", "%").replace("\t", "    ")
        gap = "" if text.startswith("COMMENT") else "\n"
        statements.append(gap + "\n".join(line.rstrip() for line in text.strip().splitlines()) + ";\n")

    engine = create_mock_engine("postgresql+psycopg://", collect)
    metadata.create_all(engine, checkfirst=False)
    runs = groupby(statements, key=lambda statement: "INDEX" in statement.split(" (")[0])
    return "".join(text for is_index, run in runs for text in (sorted(run) if is_index else run))


if __name__ == "__main__":
    sys.stdout.write(script())
