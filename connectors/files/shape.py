"""What a file looks like, before it is imported: for a person who writes its mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.files.csv_table import CsvTable
from connectors.files.excel_table import ExcelTable
from connectors.files.options import Options, options_of
from connectors.files.reader import detect_format
from connectors.files.table import Table
from connectors.xapi.read_file import read_statements

SAMPLE_ROWS = 5


@dataclass(frozen=True, slots=True)
class FileShape:
    """What was told or detected of a file. ``sample_rows``: the first readable rows by header; they hold personal data."""

    format: str
    encoding: str | None
    delimiter: str | None
    headers: list[str]
    sheet: str | None
    sample_rows: list[dict[str, Any]]


def inspect(path: str, options: Mapping[str, Any]) -> FileShape:
    """Look at the beginning of a file.

    Raises:
        Refused: an option is wrong, or nothing can be read of the file.
    """
    chosen = options_of(options)
    found = chosen.format or detect_format(path)
    return _json_shape(path) if found == "json" else _table_shape(path, chosen, found)


def _table_shape(path: str, options: Options, found: str) -> FileShape:
    table: Table = ExcelTable(path, options) if found == "xlsx" else CsvTable(path, options)
    try:
        sample = list(islice(_readable(table), SAMPLE_ROWS))
        return FileShape(found, table.encoding, table.delimiter, table.headers, table.sheet, sample)
    finally:
        table.close()


def _readable(table: Table) -> Iterator[dict[str, Any]]:
    for row in table.rows():
        if row.problem is None:
            yield dict(zip(table.headers, row.cells, strict=True))


def _json_shape(path: str) -> FileShape:
    with Path(path).open("rb") as file:
        objects = (found.statement for found in read_statements(file))
        sample = list(islice((found for found in objects if isinstance(found, dict)), SAMPLE_ROWS))
    headers = list(dict.fromkeys(key for record in sample for key in record))
    return FileShape("json", None, None, headers, None, sample)
