"""A CSV file as a table: encoding and delimiter given or told from the file, rows one after another.

Quoting is read strictly. What is quoted wrongly, or never closed, costs one line: that line becomes a row with a
problem, and reading goes on at the next one, so that a stray quote does not swallow the rows behind it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from connectors.contract import KEPT_BYTES
from connectors.files.encoding import detect_encoding, open_text
from connectors.files.lines import Line, Lines
from connectors.files.options import Options
from connectors.files.table import Row, fault, headers_of, is_empty, no_headers
from hub.errors import Unusable

DELIMITERS: Final = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS: Final = 128 * 1024
_SAMPLE_ROWS: Final = 200
_DECLARED = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*')


class CsvTable:
    """A CSV file, open for one reading; implements :class:`connectors.files.table.Table`."""

    sheet: str | None = None

    def __init__(self, path: str, options: Options) -> None:
        """Open the file and read its headers. Raises Refused where it has none, OSError where it cannot be read."""
        self.encoding: str | None = options.encoding or detect_encoding(path)
        with open_text(path, self.encoding) as file:
            sample = file.read(_SAMPLE_CHARACTERS)
        self.delimiter: str | None = options.delimiter or detect_delimiter(sample, options.header_row or 1)
        self._file = open_text(path, self.encoding)
        self._records = records(Lines(self._file), self.delimiter, options.header_row or 1)
        try:
            self.headers = self._read_headers(options)
        except BaseException:
            self.close()
            raise

    def _read_headers(self, options: Options) -> list[str]:
        for row in self._records:
            if row.problem is not None:
                raise no_headers("The first line of the file cannot be read as headers; it") from row.problem
            if not all(is_empty(cell) for cell in row.cells) and not (
                options.header_row is None and _DECLARED.fullmatch(row.raw.decode("utf-8", "surrogatepass"))
            ):
                return headers_of(row.cells)
        raise no_headers("The file")

    def rows(self) -> Iterator[Row]:
        """The rows below the headers. A row that does not fit has its problem."""
        for row in self._records:
            if row.problem is not None:
                yield row
            elif not all(is_empty(cell) for cell in row.cells):
                problem = fault(self.headers, row.cells)
                yield row if problem is None else Row(row.position, row.cells, problem, row.raw)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def records(lines: Lines, delimiter: str, first: int = 1) -> Iterator[Row]:
    """The records from physical line ``first`` on; each is named after its first line. ``raw`` is its text in UTF-8."""
    used: list[Line] = []

    def feed() -> Iterator[str]:
        while (line := lines.next()) is not None:
            if line.number < first:
                continue
            used.append(line)
            if line.too_long:
                raise _TooLongError
            yield line.text

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        used.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLongError):
            lines.put_back(used[1:])
            yield _broken(used[0])
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
            continue
        yield Row(
            f"line {used[0].number}", cells, raw="".join(line.text for line in used).encode(errors="surrogatepass")
        )


def detect_delimiter(sample: str, header_row: int) -> str:
    """The delimiter by which most rows of a sample have as many columns as its headers; a comma where none does."""
    declared = _DECLARED.match(sample)
    if declared and header_row == 1:
        return declared[1]
    best, best_score = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        widths = []
        for row in records(Lines(io.StringIO(sample, newline="")), delimiter, header_row):
            if row.problem is None and not all(is_empty(cell) for cell in row.cells):
                widths.append(len(row.cells))
            if len(widths) >= _SAMPLE_ROWS:
                break
        # The last row of a sample may be cut off.
        compared = widths[:-1] if len(widths) > 2 else widths
        if compared and compared[0] > 1:
            score = (round(compared.count(compared[0]) / len(compared), 2), compared[0])
            best, best_score = max((best_score, best), (score, delimiter))[::-1]
    return best


class _TooLongError(Exception):
    """A line was too long to be read."""


def _broken(line: Line) -> Row:
    raw = line.text.encode(errors="surrogatepass")[:KEPT_BYTES]
    rule, expected = "quoting", "quotes in pairs around a field, and doubled within it"
    if line.too_long:
        rule, expected = "size", "a line of at most 4 MiB"
    elif len(line.text) > csv.field_size_limit():
        rule, expected = "size", f"fields of at most {csv.field_size_limit()} characters"
    problem = Unusable(
        f"The line breaks the rule '{rule}': expected {expected}.", field="row", rule=rule, expected=expected
    )
    return Row(f"line {line.number}", [], problem, raw, line.size, line.sha256)
