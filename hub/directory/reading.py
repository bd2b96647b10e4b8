"""Reads a directory file into records: CSV, an Excel workbook or JSON, told from the first bytes.

A row that cannot be read is a record with its problem, and the rest goes on. A file of which nothing can be read is
refused before its first record. The file is read once, from its beginning to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import orjson
from openpyxl import load_workbook

from connectors.files.csv_table import CsvTable
from connectors.files.excel_table import ExcelTable
from connectors.files.options import Options
from connectors.files.reader import canonical, detect_format
from connectors.files.table import Table
from connectors.parse import plain
from hub.directory.columns import KINDS, PLURAL, RECORD, column_of, is_known, key_of, kind_of, normal, refused
from hub.domain import ids
from hub.errors import Refused, Unusable

DEFAULT_KIND = "employee"
LISTS = ", ".join(PLURAL)


@dataclass(frozen=True, slots=True)
class Told:
    """One record of the file: its cells by header, or why it cannot be read. ``raw``: the record as it is kept."""

    kind: str
    position: str
    cells: Mapping[str, Any] = field(repr=False)
    raw: bytes = field(repr=False)
    problem: Unusable | None = None


def read_directory(path: str) -> Iterator[Told]:
    """The records of a file, in its order.

    Raises:
        Refused: nothing can be read of the file, or its columns do not name its records.
    """
    found = detect_format(path)
    if found == "json":
        return _json(path)
    return _workbook(path) if found == "xlsx" else _table(CsvTable(path, Options()), None)


def company_id_in(path: str) -> str | None:
    """The id of the first company that a file tells of; None where it tells of none.

    Raises:
        Refused: nothing can be read of the file.
    """
    for told in read_directory(path):
        if told.kind == "company" and told.problem is None:
            code = next((cell for header, cell in told.cells.items() if normal(header) == "code"), None)
            if isinstance(code, str) and code.strip():
                return ids.company_id(code)
    return None


def unknown_headers(told: Told) -> list[str]:
    """Headers of a record that no kind of record has: most often a slip of the pen."""
    return [header for header in told.cells if not is_known(header)]


# -- tables --------------------------------------------------------------------------------------------------


def _workbook(path: str) -> Iterator[Told]:
    """The sheets that are named after a kind; a workbook of one sheet under any other name is as a CSV file."""
    sheets = _sheets(path)
    named = [(sheet, kind) for sheet in sheets if (kind := kind_of(sheet)) is not None]
    if not named and len(sheets) != 1:
        refused("sheets", "sheet per kind", f"a sheet named {LISTS}")
    tables: list[tuple[str, str | None]] = [*named] or [(sheets[0], None)]
    for sheet, kind in tables:
        yield from _table(ExcelTable(path, Options(sheet=sheet)), kind)


def _sheets(path: str) -> list[str]:
    try:
        with Path(path).open("rb") as file, closing(load_workbook(file, read_only=True)) as book:
            return [sheet.title for sheet in book.worksheets]
    except (BadZipFile, KeyError, ValueError, EOFError, OSError):
        refused("file", "whole workbook", "an .xlsx file that was copied to its end")


def _table(table: Table, kind: str | None) -> Iterator[Told]:
    with closing(table):
        headers = table.headers
        record = next((header for header in headers if normal(header) == RECORD), None) if kind is None else None
        _check_headers(headers, kind, record is not None)
        for row in table.rows():
            if row.problem is not None:
                raw = row.raw or canonical({str(place): cell for place, cell in enumerate(row.cells, 1)})
                yield Told(kind or DEFAULT_KIND, row.position, {}, raw, row.problem)
                continue
            cells = dict(zip(headers, row.cells, strict=True))
            yield _told(kind, record, row.position, cells)


def _told(kind: str | None, record: str | None, position: str, cells: dict[str, Any]) -> Told:
    """A row as a record of the kind that it says, or that its table has."""
    raw = canonical(cells)
    if record is None:
        return Told(kind or DEFAULT_KIND, position, cells, raw)
    try:
        said = plain(cells.pop(record), RECORD)
    except Unusable as problem:
        return Told(DEFAULT_KIND, position, cells, raw, problem)
    found = DEFAULT_KIND if said is None else kind_of(said)
    if found is None:
        return Told(
            DEFAULT_KIND, position, cells, raw, _unusable(RECORD, "kind of record", f"one of {', '.join(KINDS)}")
        )
    return Told(found, position, cells, raw)


def _check_headers(headers: Sequence[str], kind: str | None, has_record: bool) -> None:
    """A table of one kind must have the column that names its records, and no column twice under two names."""
    if has_record:
        return
    seen: dict[str, str] = {}
    of = kind or DEFAULT_KIND
    for header in headers:
        column = column_of(of, header)
        if column is not None and seen.setdefault(column.name, header) != header:
            refused(header, "one column for one value", f"either {seen[column.name]!r} or {header!r}")
    key = key_of(of).name
    if key not in seen:
        refused(key, "required", f"a column {key} for each {of}, or a column {RECORD} that says what each row is")


# -- JSON ----------------------------------------------------------------------------------------------------


def _json(path: str) -> Iterator[Told]:
    """An object with a list per kind, or one list of employees."""
    try:
        document = orjson.loads(Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as problem:
        refused("file", "readable file", f"a file that can be read ({problem.strerror})")
    except orjson.JSONDecodeError as problem:
        expected = f"one JSON object with the lists {LISTS} (line {problem.lineno})"
        raise Refused(
            f"file breaks the rule 'JSON': expected {expected}.", field="file", rule="JSON", expected=expected
        ) from None
    lists = {"employees": document} if isinstance(document, list) else document
    for name, records in lists.items():
        kind = kind_of(name)
        if kind is None or not isinstance(records, list):
            refused(name, "list per kind", f"one of the lists {LISTS}")
        for place, cells in enumerate(records, 1):
            yield _object(kind, f"{name}[{place}]", cells)


def _object(kind: str, position: str, cells: object) -> Told:
    if isinstance(cells, dict):
        return Told(kind, position, cells, canonical(cells))
    raw = orjson.dumps(cells)
    return Told(kind, position, {}, raw, _unusable(kind, "JSON object", "an object with the columns as its names"))


def _unusable(field: str, rule: str, expected: str) -> Unusable:
    return Unusable(
        f"{field} breaks the rule '{rule}': expected {expected}.", field=field, rule=rule, expected=expected
    )
