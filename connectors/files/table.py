"""What the readers of tables share: rows, headers, and a row as a source record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.files.encoding import DAMAGED
from hub.errors import Refused, Unusable


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its cells, or why it cannot be read."""

    position: str
    cells: Sequence[Any]
    problem: Unusable | None = None
    raw: bytes = b""
    """Of a row with a problem: what can be kept of it."""
    size: int = 0
    sha256: bytes = b""
    """Of a row that is too large to be read: its true size and hash."""


class Table(Protocol):
    """A file as a table. ``rows`` may be read once."""

    encoding: str | None
    delimiter: str | None
    sheet: str | None
    headers: list[str]

    def rows(self) -> Iterator[Row]:
        """The rows below the headers, without those that are empty."""

    def close(self) -> None:
        """Close the file."""


def headers_of(cells: Sequence[Any]) -> list[str]:
    """The headers of a table: trimmed, each its own; a column without one is named after its place.

    Raises:
        Refused: two headers are equal, or one cannot be read.
    """
    headers = [str(cell).strip() if not is_empty(cell) else f"column {place}" for place, cell in enumerate(cells, 1)]
    if len(set(headers)) < len(headers):
        twice = next(header for header in headers if headers.count(header) > 1)
        raise Refused(
            f"Two columns of the file have the header {twice!r}: expected headers that differ.",
            field=twice,
            rule="headers differ",
            expected="each header once",
        )
    if any(DAMAGED in header or "\x00" in header for header in headers):
        raise Refused(
            "The headers of the file cannot be read in this encoding: expected text; give the option encoding.",
            field="headers",
            rule="encoding",
            expected="text in the encoding of the file",
        )
    return headers


def no_headers(where: str) -> Refused:
    """The error for a file in which nothing stands."""
    return Refused(
        f"{where} is empty: expected a line of headers.", field="headers", rule="required", expected="a line of headers"
    )


def is_empty(cell: Any) -> bool:
    """Whether nothing stands in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def fault(headers: Sequence[str], cells: Sequence[Any]) -> Unusable | None:
    """Why a row does not fit the table; None where it does."""
    if len(cells) != len(headers):
        return Unusable(
            f"The row has {len(cells)} columns: expected {len(headers)}, as many as the headers.",
            field="row",
            rule="number of columns",
            expected=f"{len(headers)} columns",
        )
    if [str(cell).strip() for cell in cells] == list(headers):
        return Unusable(
            "The row repeats the headers: expected values.", field="row", rule="repeated headers", expected="values"
        )
    if any(isinstance(cell, str) and DAMAGED in cell for cell in cells):
        return Unusable(
            "The row has bytes that are no character in the encoding of the file: expected text.",
            field=next(h for h, cell in zip(headers, cells, strict=True) if isinstance(cell, str) and DAMAGED in cell),
            rule="encoding",
            expected="text in the encoding of the file",
        )
    return None
