"""The data dictionary: ``docs/data-dictionary.md``, rendered from the declarations of the tables.

``python -m projections.dictionary`` prints it; a test holds the committed page against that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.engine import make_url

from projections.tables import TABLES, Part
from projections.tables.rules import constraints

_DIALECT = make_url("postgresql+psycopg://").get_dialect()()
_HEAD = """# Data dictionary

Made from the declarations in `projections/tables/` by `python -m projections.dictionary`; do not edit.

Times are `timestamptz` in UTC. `NULL` means that nothing is known, never zero; a default is what a row made by hand
gets. *Personal* marks personal data, which an erasure sets to NULL. The views of schema `analytics` show these columns under the same names,
with the same comments.
"""
_PARTS: dict[Part, str] = {
    "specification": "Tables of the specification",
    "hub": "Tables beneath them",
    "history": "Histories",
    "engine": "Bookkeeping of the engine",
}


def render(tables: Iterable[Table]) -> str:
    """The dictionary of these tables as Markdown, by part and then in the given order."""
    tables = list(tables)
    lines = [_HEAD]
    for part, title in _PARTS.items():
        if chosen := [table for table in tables if table.info["part"] == part]:
            lines.append(f"## {title}\n")
            lines += [_table(table) for table in chosen]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> str:
    lines = [f"### {table.fullname}\n", f"{table.comment}\n"]
    lines += ["| column | type | default | constraint | meaning |", "| --- | --- | --- | --- | --- |"]
    for column in table.columns:
        cells = (f"`{column.name}`", _type(column), _default(column), "; ".join(_constraints(table, column)))
        lines.append("| " + " | ".join(_cell(cell) for cell in (*cells, column.comment or "")) + " |")
    lines += ["", *(f"- {line}" for line in _table_lines(table)), ""]
    return "\n".join(lines)


def _type(column: Column[Any]) -> str:
    return column.type.compile(dialect=_DIALECT).lower().replace("timestamp with time zone", "timestamptz")


def _default(column: Column[Any]) -> str:
    return "" if column.server_default is None else f"`{getattr(column.server_default, 'arg', '')}`"


def _constraints(table: Table, column: Column[Any]) -> Iterator[str]:
    if column.primary_key:
        yield "primary key"
    elif not column.nullable:
        yield "required"
    for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname):
        yield f"refers to `{key.column.table.fullname}`"
    if values := column.info.get("enum"):
        yield "one of " + ", ".join(values)
    for rule in table.info["rules"]:
        if rule.column == column.name:
            yield f"`{rule.sql}`"
    if column.info.get("personal"):
        yield "*personal*"


def _table_lines(table: Table) -> Iterator[str]:
    """What concerns several columns, or is looked up by name: keys, indexes, checks."""
    named = sorted((c for c in table.constraints if c.name), key=lambda c: str(c.name))
    for constraint in named:
        if isinstance(constraint, UniqueConstraint):
            yield f"unique `{constraint.name}` ({', '.join(constraint.columns.keys())})"
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        method = index.dialect_options["postgresql"]["using"]
        yield f"index `{index.name}` ({', '.join(index.columns.keys())})" + (f", {method}" if method else "")
    for constraint in named:
        if isinstance(constraint, ForeignKeyConstraint):
            targets = ", ".join(element.target_fullname for element in constraint.elements)
            yield f"foreign key `{constraint.name}` ({', '.join(constraint.column_keys)}) to `{targets}`"
    for name, condition in constraints(table.info["rules"]).items():
        yield f"check `{name}`: `{condition}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(render(TABLES.values()))
