"""Files of any LMS as items: one item per row, in constant memory, whatever stands in it.

A row that cannot be read is one rejected item with its position (``line 12``, ``Sheet1!row 12``), and the rest goes on.
A file of which nothing can be read, or whose columns cannot tell learner and course, is refused before its first item.
The hash of a row is that of its values by header, so the same row elsewhere in a file has the same hash.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, ClassVar, TypeVar

from connectors.contract import KEPT_BYTES, Item
from connectors.files.csv_table import CsvTable
from connectors.files.excel_table import ExcelTable
from connectors.files.options import Options, options_of
from connectors.files.table import Row, Table
from connectors.mapping import RecordMapping, compile_mapping
from connectors.observe import Observer, Seen
from connectors.parse import Reading
from connectors.record import to_item
from connectors.xapi.read_file import TooLarge, read_statements
from hub.domain.integration_config import IntegrationConfig
from hub.domain.rows import dumped
from hub.errors import Refused, Unusable

T = TypeVar("T")
Clock = Callable[[], int]

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


class _Reader:
    """What the readers share: the integration's rules, and a source record as an item."""

    formats: ClassVar[tuple[str, ...]]

    def __init__(self, config: IntegrationConfig, observer: Observer) -> None:
        """Raises Refused where the integration's mapping or rules are wrong."""
        self.config = config
        self.observer = observer
        self.mapping: RecordMapping = compile_mapping(config, flat=True)

    def _item(self, source: Mapping[str, Any], raw: bytes, position: str, now: Clock, reading: Reading) -> Item:
        try:
            record = self.mapping.apply(source)
        except Unusable as problem:
            return rejected(position, problem, raw)
        return to_item(record, self.observer, Seen(now(), position=position), raw, reading)


class _TableReader(_Reader, ABC):
    @abstractmethod
    def _open(self, path: str, options: Options) -> Table:
        """Open the file as a table."""

    def items(self, path: str, options: Mapping[str, Any], now: Clock) -> Iterator[Item]:
        """One item per row; ``now`` is the clock, in microseconds.

        Raises:
            Refused: an option is wrong, nothing can be read of the file, or its columns do not tell learner and course.
        """
        chosen = options_of(options, self.config)
        table = _opened(lambda: self._open(path, chosen))
        try:
            self._check_headers(table.headers)
        except Refused:
            table.close()
            raise
        return self._rows(table, chosen.reading(self.config.zone), now)

    def _rows(self, table: Table, reading: Reading, now: Clock) -> Iterator[Item]:
        try:
            for row in table.rows():
                if row.problem is not None:
                    yield _rejected_row(row, row.problem)
                else:
                    source = dict(zip(table.headers, row.cells, strict=True))
                    yield self._item(source, canonical(source), row.position, now, reading)
        finally:
            table.close()

    def _check_headers(self, headers: list[str]) -> None:
        absent = self.mapping.absent_headers(headers)
        if absent:
            name, header = next(iter(absent.items()))
            raise _refused(f"field_mappings.{name}", "header of the file", f"a column {header!r} in the file")
        try:
            missing = self.mapping.missing_keys(headers)
        except Unusable as error:
            raise Refused(str(error), field=error.field, rule=error.rule, expected=error.expected) from error
        names = {
            "learner": "a column lms_user_id, employee_number, email or login_name, or a mapping to one of them",
            "course_id": "a column course_id, or a mapping to it",
        }
        for name in missing:
            raise _refused(name, "told by a column", names[name])


class CsvReader(_TableReader):
    """Reads CSV files; implements :class:`connectors.contract.FileReader`."""

    formats = ("csv",)

    def _open(self, path: str, options: Options) -> Table:
        return CsvTable(path, options)


class ExcelReader(_TableReader):
    """Reads a sheet of an Excel workbook; implements :class:`connectors.contract.FileReader`."""

    formats = ("xlsx",)

    def _open(self, path: str, options: Options) -> Table:
        return ExcelTable(path, options)


class JsonReader(_Reader):
    """Reads JSON (an array of objects) and JSON lines; implements :class:`connectors.contract.FileReader`."""

    formats = ("json", "jsonl")

    def items(self, path: str, options: Mapping[str, Any], now: Clock) -> Iterator[Item]:
        """One item per object; ``now`` is the clock, in microseconds. Raises Refused for a wrong option or no file."""
        chosen = options_of(options, self.config)
        return self._objects(_opened(lambda: open_bytes(path)), chosen.reading(self.config.zone), now)

    def _objects(self, file: BinaryIO, reading: Reading, now: Clock) -> Iterator[Item]:
        with file:
            for found in read_statements(file):
                told = found.statement
                if isinstance(told, TooLarge):
                    yield rejected(found.position, told, found.raw, told.size, bytes.fromhex(told.sha256))
                elif isinstance(told, Unusable):
                    yield rejected(found.position, told, found.raw)
                else:
                    yield self._item(told, canonical(told), found.position, now, reading)


READERS: tuple[type[CsvReader | ExcelReader | JsonReader], ...] = (CsvReader, ExcelReader, JsonReader)


def open_file(
    path: str, config: IntegrationConfig, observer: Observer, options: Mapping[str, Any], now: Clock
) -> Iterator[Item]:
    """The items of a file, its format given by the option ``format`` or told from its first bytes.

    Raises:
        Refused: the file as a whole, an option, or the integration's rules cannot be used.
    """
    found = options_of(options, config).format or detect_format(path)
    reader = next(reader for reader in READERS if found in reader.formats)
    return reader(config, observer).items(path, options, now)


def detect_format(path: str) -> str:
    """``xlsx``, ``json`` or ``csv``, by the first bytes. Raises Refused for an old or locked workbook and for no file."""
    with _opened(lambda: open_bytes(path)) as file:
        head = file.read(1024)
    if head.startswith(_OLE):
        raise _refused("file", "known format", "an .xlsx workbook without a password; save the old .xls as .xlsx")
    if head.startswith(b"\x1f\x8b"):
        raise _refused(
            "file", "known format", "an unpacked file; only JSON lines are read packed, with the format jsonl"
        )
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    return "json" if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else "csv"


def canonical(source: Mapping[str, Any]) -> bytes:
    """A source record as canonical JSON: what its hash is taken of."""
    return dumped(source).encode(errors="surrogatepass")


def rejected(position: str, problem: Unusable, raw: bytes, size: int = 0, sha256: bytes = b"") -> Item:
    """The item of a record that cannot be used. ``size`` and ``sha256`` where ``raw`` is not all of it."""
    return Item(
        position,
        problem=problem,
        kept=raw[:KEPT_BYTES],
        size=size or len(raw),
        sha256=sha256 or hashlib.sha256(raw).digest(),
    )


def _rejected_row(row: Row, problem: Unusable) -> Item:
    raw = row.raw or (dumped([*row.cells]).encode(errors="surrogatepass") if row.cells else b"")
    return rejected(row.position, problem, raw, row.size, row.sha256)


def open_bytes(path: str) -> BinaryIO:
    """The file, open for reading bytes. Raises OSError."""
    return open(path, "rb")  # noqa: PTH123


def _opened(open_it: Callable[[], T]) -> T:
    try:
        return open_it()
    except OSError as error:
        raise _refused("file", "readable file", f"a file that can be read ({error.strerror})") from error


def _refused(name: str, rule: str, expected: str) -> Refused:
    return Refused(f"{name} breaks the rule '{rule}': expected {expected}.", field=name, rule=rule, expected=expected)
