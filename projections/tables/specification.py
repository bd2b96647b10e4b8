"""Reads the text of ``docs/specification.md`` and says where a declaration differs from it, in either direction.

How its words are read stands in ``docs/decisions/0004-tables.md``. The one column that may be added is ``fold_state``,
at the end. Indexes that are marked as the hub's own (``own_index``) stand beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.engine import make_url

from projections.tables.base import NAME_LIMIT
from projections.tables.rules import one_of

_TABLE = re.compile(r"^Table: (\w+)$(.*?)^```", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"- (\w+): (ENUM\((?:'[^']*'(?:, )?)+\)|[A-Z]+(?:\([\d,]+\))?)((?: \([^)]*\))*)")
_INDEX = re.compile(r"- (?:(PRIMARY KEY)|(?:(UNIQUE KEY|INDEX) )?(\w+)) \(([\w, ]+)\)")
_FOREIGN_KEY = re.compile(r"- (\w+) FOREIGN KEY \((\w+)\) REFERENCES (\w+)\((\w+)\)")
_CHECK = re.compile(r"- (\w+) CHECK \((.*)\)")
_DIALECT = make_url("postgresql+psycopg://").get_dialect()()
_READ_AS = {"TIMESTAMP": "TIMESTAMP WITH TIME ZONE", "JSON": "JSONB"}


@dataclass(frozen=True)
class SpecifiedColumn:
    """One line of a table's fields; ``words`` are what its parentheses say."""

    name: str
    type: str
    enum: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def required(self) -> bool:
        """True where the column may not be NULL."""
        return self.name == "company_id" or bool({"Primary Key", "Required", "Auto"} & set(self.words))

    @property
    def default(self) -> str | None:
        """The server default in SQL; None: there is none."""
        for word in self.words:
            if word.startswith("Default: "):
                value = word.removeprefix("Default: ")
                return value.lower() if self.type == "BOOLEAN" else value
        return "now()" if "Auto" in self.words else None


@dataclass
class SpecifiedTable:
    """What the specification says of one table, in its own names."""

    name: str
    columns: list[SpecifiedColumn] = field(default_factory=list)
    indexes: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    foreign_keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()


def parse(text: str) -> dict[str, SpecifiedTable]:
    """All tables of the specification by their name.

    Raises:
        ValueError: a line of a table could not be read; nothing is passed over.
    """
    return {name: _table(name, body) for name, body in _TABLE.findall(text)}


def _table(name: str, body: str) -> SpecifiedTable:
    table = SpecifiedTable(name)
    section = ""
    for line in filter(None, map(str.strip, body.splitlines())):
        if line in ("Fields:", "Indexes:", "Constraints:"):
            section = line
        elif not _read_line(table, section, line):
            raise ValueError(f"The specification of {name} has a line that cannot be read under {section!r} {line!r}")
    return table


def _read_line(table: SpecifiedTable, section: str, line: str) -> bool:
    if section == "Fields:" and (match := _FIELD.fullmatch(line)):
        table.columns.append(_read_column(*match.groups()))
    elif section == "Indexes:" and (match := _INDEX.fullmatch(line)):
        primary, kind, name, columns = match.groups()
        names = tuple(columns.split(", "))
        if primary:
            table.primary_key = names
        else:
            table.indexes[name] = (kind or "INDEX", names)
    elif section == "Constraints:" and (match := _FOREIGN_KEY.fullmatch(line)):
        name, column, target, key = match.groups()
        table.foreign_keys[name] = (column, f"{target}.{key}")
    elif section == "Constraints:" and (match := _CHECK.fullmatch(line)):
        table.checks[match[1]] = match[2]
    else:
        return False
    return True


def _read_column(name: str, type_: str, parentheses: str) -> SpecifiedColumn:
    words = tuple(word for group in re.findall(r"\(([^)]*)\)", parentheses) for word in group.split(", "))
    if type_.startswith("ENUM"):
        return SpecifiedColumn(name, "VARCHAR", tuple(re.findall(r"'([^']*)'", type_)), words)
    if type_.startswith("DECIMAL"):
        type_ = type_.replace("DECIMAL", "NUMERIC").replace(",", ", ")
    return SpecifiedColumn(name, _READ_AS.get(type_, type_), (), words)


def differences(specified: SpecifiedTable, table: Table) -> list[str]:
    """Each point in which the declaration is not what the specification says, in words; empty: they agree."""
    return [*_column_differences(specified, table), *_key_differences(specified, table)]


def _column_differences(specified: SpecifiedTable, table: Table) -> Iterator[str]:
    names = [column.name for column in table.columns]
    wanted = [column.name for column in specified.columns]
    if names not in (wanted, [*wanted, "fold_state"]):
        yield f"columns are {names}, the specification has {wanted}"
    for column in specified.columns:
        if column.name in table.columns:
            yield from _differing("column", column.name, _expected(column), _declared(table.columns[column.name]))


def _expected(column: SpecifiedColumn) -> tuple[object, ...]:
    return column.type, column.enum, not column.required, column.default


def _declared(column: Column[object]) -> tuple[object, ...]:
    type_ = column.type.compile(dialect=_DIALECT)
    default = None if column.server_default is None else str(getattr(column.server_default, "arg", ""))
    return type_, column.info.get("enum", ()), column.nullable, default


def _key_differences(specified: SpecifiedTable, table: Table) -> Iterator[str]:
    yield from _compare("index", _expected_indexes(specified), _declared_indexes(table))
    yield from _compare("foreign key", specified.foreign_keys, _declared_foreign_keys(table))
    checks = {name: _plain(condition) for name, condition in specified.checks.items()}
    for column in specified.columns:
        if column.enum:
            checks[f"chk_{column.name}_enum"] = _plain(one_of(column.name, column.enum))
    yield from _compare("check", checks, _declared_checks(table))
    yield from _differing("primary key", "", specified.primary_key, tuple(table.primary_key.columns.keys()))


def _expected_indexes(specified: SpecifiedTable) -> dict[str, object]:
    found = {f"{specified.name}_{name}"[:NAME_LIMIT]: index for name, index in specified.indexes.items()}
    return {name: (kind == "UNIQUE KEY", columns) for name, (kind, columns) in found.items()}


def _declared_indexes(table: Table) -> dict[str, object]:
    specified = (index for index in table.indexes if not index.info.get("own"))
    found: dict[str, object] = {str(i.name): (bool(i.unique), tuple(i.columns.keys())) for i in specified}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            found[str(constraint.name)] = (True, tuple(constraint.columns.keys()))
    return found


def _declared_foreign_keys(table: Table) -> dict[str, object]:
    found: dict[str, object] = {}
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            target = ", ".join(element.target_fullname for element in constraint.elements)
            found[str(constraint.name)] = (", ".join(constraint.column_keys), target.removeprefix(f"{table.schema}."))
    return found


def _declared_checks(table: Table) -> dict[str, object]:
    checks = (constraint for constraint in table.constraints if isinstance(constraint, CheckConstraint))
    return {str(check.name): _plain(str(check.sqltext)) for check in checks}


def _plain(condition: str) -> str:
    return " ".join(condition.split())


def _compare(kind: str, wanted: Mapping[str, object], found: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        yield from _differing(kind, name, wanted.get(name), found.get(name))


def _differing(kind: str, name: str, wanted: object, found: object) -> Iterator[str]:
    if wanted != found:
        yield f"{kind} {name} is {found!r}, the specification says {wanted!r}"
