"""How a table is declared: once, with its comment, indexes, foreign keys and rules; everything else is derived from it.

Names: an index or unique key is ``<table>_<name in the specification>``, shortened to 63 characters, since PostgreSQL
keeps index names per schema; constraints keep the specification's name, since those are per table.
``Table.info`` has ``rules`` (see ``rules.py``) and ``part`` (see ``Part``); ``Column.info`` has ``enum`` (its values)
and ``personal`` (True for personal data), where they apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, MetaData, Table, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase

from projections.tables.rules import Rule, constraints, one_of

SCHEMA = "hub"
OPS_SCHEMA = "ops"
NAME_LIMIT = 63

Part = Literal["specification", "hub", "history", "engine"]
"""Specified by the specification; the hub's own; past versions of a row; bookkeeping of the engine."""


@dataclass(frozen=True)
class Lookup:
    """An index or a unique key, before it has the name of its table. A column may be an expression such as ``lower(x)``."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    method: str = "btree"
    where: str = ""
    """Only rows of which this is true; empty: all rows."""
    own: bool = False
    """Beside those of the specification, which are held to its letter."""


def index(*columns: str, name: str = "", method: str = "btree") -> Lookup:
    """An index, named ``idx_<first column>`` unless another name is given."""
    return Lookup(name or f"idx_{columns[0]}", columns, method=method)


def own_index(name: str, column: str, where: str) -> Lookup:
    """An index of the hub's own on a specified table, over some of its rows; named ``own_<name>``."""
    return Lookup(f"own_{name}", (column,), where=where, own=True)


def unique(name: str, *columns: str) -> Lookup:
    """A unique key."""
    return Lookup(name, columns, unique=True)


def reference(name: str, column: str, table: str) -> ForeignKeyConstraint:
    """A foreign key from ``column`` to the id of ``table`` in the same schema."""
    return ForeignKeyConstraint([column], [f"{SCHEMA}.{table}.id"], name=name)


def described(
    table: str,
    comment: str,
    *items: Lookup | ForeignKeyConstraint,
    part: Part,
    rules: tuple[Rule, ...] = (),
    schema: str = SCHEMA,
    fillfactor: int | None = None,
) -> tuple[Any, ...]:
    """The ``__table_args__`` of a declaration."""
    options: dict[str, Any] = {"schema": schema, "comment": comment, "info": {"rules": rules, "part": part}}
    if fillfactor is not None:
        options["postgresql_with"] = {"fillfactor": fillfactor}
    return (*(_named(table, item) if isinstance(item, Lookup) else item for item in items), options)


def _named(table: str, lookup: Lookup) -> Index | UniqueConstraint:
    name = f"{table}_{lookup.name}"[:NAME_LIMIT]
    if lookup.unique:
        return UniqueConstraint(*lookup.columns, name=name)
    if lookup.method == "btree":
        columns = [text(column) if "(" in column else column for column in lookup.columns]
        where = text(lookup.where) if lookup.where else None
        return Index(name, *columns, postgresql_where=where, info={"own": lookup.own})
    return Index(name, *lookup.columns, postgresql_using=lookup.method)


def add_checks(table: Table) -> None:
    """Give the table the check constraints of its enumerations and rules."""
    for column in table.columns:
        if "enum" in column.info:
            condition = one_of(column.name, column.info["enum"])
            table.append_constraint(CheckConstraint(condition, name=f"chk_{column.name}_enum"))
    for name, condition in constraints(table.info["rules"]).items():
        table.append_constraint(CheckConstraint(condition, name=name))


class Base(DeclarativeBase):
    """Root of all declarations."""

    metadata = MetaData()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if isinstance(table := cls.__dict__.get("__table__"), Table):
            add_checks(table)
