"""A sheet of an Excel workbook (.xlsx) as a table, read row by row.

Values come as Excel shows their meaning: a date as ISO text, a percentage as ``85%``, a formula as its last result. Text
that looks like a formula stays text. A workbook that breaks off in the middle gives its readable rows and then one
row with a problem. The texts of a workbook are held in memory once, the rows are not.
"""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from connectors.files.options import Options
from connectors.files.table import Row, fault, headers_of, is_empty, no_headers
from hub.errors import Refused, Unusable

MAX_ROWS: Final = 1_048_576
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException, EOFError),
    *(KeyError, IndexError, ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError),
)
"""What openpyxl raises on damaged workbooks."""


class ExcelTable:
    """A sheet, open for one reading; implements :class:`connectors.files.table.Table`."""

    encoding: str | None = None
    delimiter: str | None = None

    def __init__(self, path: str, options: Options) -> None:
        """Open the workbook and read the headers. Raises Refused where nothing can be read of it."""
        # Opened here, since openpyxl refuses names that end in something else.
        self._file = open(path, "rb")  # noqa: PTH123, SIM115  closed with the table
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._book = load_workbook(self._file, read_only=True, data_only=True, keep_links=False)
        except _BROKEN as error:
            self._file.close()
            raise _unreadable() from error
        try:
            sheet = _sheet(self._book, options.sheet)
            self.sheet: str | None = sheet.title
            sheet.reset_dimensions()  # what a file says of its size is often wrong
            self._rows = enumerate(sheet.iter_rows(max_row=MAX_ROWS), 1)
            self._percent: dict[str, bool] = {}
            self.headers = self._read_headers(options)
        except BaseException:
            self.close()
            raise

    def _read_headers(self, options: Options) -> list[str]:
        try:
            for number, row in self._rows:
                cells = self._cells(row)
                if number >= (options.header_row or 1) and cells:
                    return headers_of(cells)
        except _BROKEN as error:
            raise _unreadable() from error
        raise no_headers(f"The sheet {self.sheet!r}")

    def rows(self) -> Iterator[Row]:
        """The rows below the headers. A row that does not fit has its problem."""
        number = 0
        while True:
            try:
                number, row = next(self._rows)
                cells = self._cells(row)
            except StopIteration:
                return
            except _BROKEN:
                problem = Unusable(
                    "The rest of the sheet cannot be read: expected a whole workbook.",
                    field="file",
                    rule="whole workbook",
                    expected="a file that was copied to its end",
                )
                yield Row(f"{self.sheet}!after row {number}", [], problem)
                return
            if cells:
                cells += [None] * (len(self.headers) - len(cells))
                yield Row(f"{self.sheet}!row {number}", cells, fault(self.headers, cells))

    def _cells(self, row: Any) -> list[Any]:
        """The values of a row up to its last one."""
        cells = [self._value(cell) for cell in row]
        while cells and is_empty(cells[-1]):
            cells.pop()
        return cells

    def _value(self, cell: Any) -> Any:
        value = cell.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{round(value * 100, 6):f}%" if self._is_percent(cell.number_format) else value
        if isinstance(value, datetime):
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
        if isinstance(value, date | time):
            return value.isoformat()
        return str(value) if isinstance(value, timedelta) else value

    def _is_percent(self, number_format: str) -> bool:
        known = self._percent.get(number_format)
        if known is None:
            known = self._percent[number_format] = "%" in number_format
        return known

    def close(self) -> None:
        """Close the file."""
        self._book.close()
        self._file.close()


def _sheet(book: Any, name: str | None) -> Any:
    """The sheet of that name, else the first that is visible."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if name is None:
        visible = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
        if visible or sheets:
            return (visible or list(sheets.values()))[0]
        raise no_headers("The workbook")
    if name not in sheets:
        raise Refused(
            f"The workbook has no sheet {name!r}: expected one of {', '.join(sheets)}.",
            field="sheet",
            rule="known sheet",
            expected=", ".join(sheets),
        )
    return sheets[name]


def _unreadable() -> Refused:
    return Refused(
        "The file is no whole Excel workbook: expected an .xlsx file that was copied to its end.",
        field="file",
        rule="whole workbook",
        expected="an .xlsx file",
    )
