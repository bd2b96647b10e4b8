"""Statements from a file, one after another, in constant memory.

Read are: JSON lines; an array of statements; a StatementResult (an object with ``statements``); one statement, or
several one after another, on any number of lines. gzip and encoding are told from the first bytes (``byte_source``).
What is broken costs as little as possible: a broken line or item is one ``Unusable``, and the rest goes on.
Whether a statement keeps the rules of xAPI is not asked here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple

from connectors.xapi.byte_source import ByteSource
from connectors.xapi.formats import load_json
from hub.errors import Unusable

MAX_ITEM: Final = 4 * 1024 * 1024
"""Bytes of one statement; a larger one is described and not read."""

HEAD: Final = 64 * 1024
"""Bytes that are kept of an item that is too large."""

_SPACE: Final = b" \t\r\n"
_SPACES = re.compile(rb"[ \t\r\n]*+")
_WHOLE_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|' + _WHOLE_STRING + rb")*+", re.DOTALL)
_TO_BRACKET_OR_COMMA = re.compile(rb'(?:[^"{}\[\],]++|' + _WHOLE_STRING + rb")*+", re.DOTALL)
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR_MEMBER = rb'"[^"\\]*+"\s*+:\s*+(?:' + _WHOLE_STRING + rb'|[^"\[\]{},\s]++)\s*+'
_RESULT_START = re.compile(rb"\{\s*+(?:" + _SCALAR_MEMBER + rb',\s*+)*+"statements"\s*+:\s*+\[', re.DOTALL)
_RESULT_END = re.compile(rb"\s*+(?:,\s*+" + _SCALAR_MEMBER + rb")*+\}\s*+", re.DOTALL)


class Item(NamedTuple):
    """One statement of a file, or what stands in its place."""

    position: str
    """``line 12`` in JSON lines, else ``item 7``, both from 1; or ``end of file``."""
    statement: dict[str, Any] | Unusable
    raw: bytes
    """Its bytes as in the file (of UTF-16: as UTF-8); of one that is too large the first 64 KiB."""


class TooLarge(Unusable):
    """An item of more than 4 MiB, described without having been read."""

    def __init__(self, size: int, sha256: str) -> None:
        super().__init__(
            f"The statement has {size} bytes (SHA-256 {sha256}), more than a record may have.",
            rule="size",
            expected=f"at most {MAX_ITEM} bytes",
        )
        self.size = size
        """Bytes, up to the separator that ends the item."""
        self.sha256 = sha256
        """SHA-256 of these bytes, 64 hex digits."""


def read_statements(file: BinaryIO) -> Iterator[Item]:
    """The statements of a file that is open for reading bytes, in order; an empty file has none.

    A file that is cut off gives what is whole and then one Unusable. Between two items at most about 4 MiB are held.

    Raises:
        OSError: Reading itself failed.
    """
    window = _Window(ByteSource(file))
    if not window.skip_space():
        yield from _end(window)
        return
    if window.data[window.at] == ord("["):
        window.at += 1
        yield from _array(window, re.compile(rb"\s*+"))
    elif start := window.match_start(_RESULT_START):
        window.at = start
        yield from _array(window, _RESULT_END)
    elif window.is_lines():
        yield from _lines(window)
    else:
        yield from _sequence(window)


class _Window:
    """The part of the file that is looked at: ``data`` from ``at`` on, refilled piece by piece."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.data = b""
        self.at = 0
        self.lines_before = 0

    def refill(self) -> bool:
        """Replace data that was used up by the next piece; False at the end of the file."""
        self.data, self.at = self.source.next(), 0
        return bool(self.data)

    def skip_space(self) -> bool:
        """Go to the next byte that is no white space; False at the end of the file."""
        while True:
            start = self.at
            self.at = _SPACES.match(self.data, start).end()  # type: ignore[union-attr]
            self.lines_before += self.data.count(b"\n", start, self.at)
            if self.at < len(self.data):
                return True
            if not self.refill():
                return False

    def more(self) -> bool:
        """Add the next piece to what is looked at; False at the end of the file."""
        piece = self.source.next()
        self.data, self.at = self.data[self.at :] + piece, 0
        return bool(piece)

    def match_start(self, pattern: re.Pattern[bytes]) -> int | None:
        """Where the match that begins here ends, looking at about 64 KiB."""
        while len(self.data) - self.at < HEAD and self.more():
            pass
        found = pattern.match(self.data, self.at)
        return found.end() if found else None

    def is_lines(self) -> bool:
        """Whether every line is a statement of its own, judged by where the first line ends.

        It is where the first line closes what it opens, or breaks off and the next line begins anew.
        """
        while (end := self.data.find(b"\n", self.at)) < 0 and len(self.data) <= MAX_ITEM and self.more():
            pass
        if end < 0:
            return True
        scan = _Scan()
        first = self.data[self.at : end]
        closed = scan.end(first, stop_after=True)
        if closed is not None or scan.in_string or not first.startswith(b"{"):
            return True
        while len(self.data) - end < HEAD and self.more():
            end = self.data.find(b"\n", self.at)
        following = self.data[end:].lstrip(_SPACE)[:1]
        return following == b"{" and first.rstrip(_SPACE)[-1:] not in b"{[,:"


class _Scan:
    """Finds where an item ends by its brackets and strings alone, over pieces of any size."""

    def __init__(self) -> None:
        self.in_string = False
        self._depth = 0
        self._escaped = False

    def end(self, data: bytes, at: int = 0, *, stop_after: bool) -> int | None:
        """Where the item ends: after the bracket that closes it, or before the comma or bracket that follows it.

        None where the data ends first; the next call goes on from there.
        """
        while True:
            if self.in_string:
                at = self._string_end(data, at)
                if self.in_string:
                    return None
            pattern = _TO_BRACKET if self._depth else _TO_BRACKET_OR_COMMA
            stop = pattern.match(data, at).end()  # type: ignore[union-attr]
            token, at = data[stop : stop + 1], stop + 1
            if not token:
                return None
            if token == b'"':
                self.in_string = True
            elif token in b"{[":
                self._depth += 1
            elif token in b"}]":
                self._depth -= 1
                if self._depth < 0 or (stop_after and self._depth == 0):
                    return at if stop_after else stop
            elif not stop_after:
                return stop

    def _string_end(self, data: bytes, at: int) -> int:
        if self._escaped:
            at, self._escaped = at + 1, False
        stop: int = _STRING_REST.match(data, at).end()  # type: ignore[union-attr]
        if stop >= len(data):
            return stop
        if data[stop] == ord("\\"):  # the escaped character is in the next piece
            self._escaped = True
            return stop + 1
        self.in_string = False
        return stop + 1


class _Piece:
    """The bytes of one item: all of them up to the limit, beyond it only head, size and digest."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.size = 0
        self._digest: hashlib._Hash | None = None

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self._digest is not None:
            self._digest.update(data)
            return
        self.data += data
        if len(self.data) > MAX_ITEM:
            self._digest = hashlib.sha256(self.data)
            del self.data[HEAD:]

    def item(self, position: str, fault: Unusable | None = None) -> Item:
        """The item that the bytes are. Where they are broken, the fault says why if the file ended here by one."""
        if self._digest is not None:
            return Item(position, TooLarge(self.size, self._digest.hexdigest()), bytes(self.data))
        raw = bytes(self.data).rstrip(_SPACE)
        try:
            value = load_json(raw)
        except Unusable as error:
            return Item(position, fault or error, raw)
        if isinstance(value, dict):
            return Item(position, value, raw)
        wrong = Unusable("A statement must be a JSON object.", rule="type", expected="a JSON object")
        return Item(position, wrong, raw)


def _lines(window: _Window) -> Iterator[Item]:
    number = window.lines_before + 1
    piece = _Piece()
    while True:
        end = window.data.find(b"\n", window.at)
        if end < 0:
            piece.add(window.data[window.at :])
            if not window.refill():
                break
            continue
        piece.add(window.data[window.at : end])
        window.at = end + 1
        if piece.data.strip(_SPACE):
            yield piece.item(f"line {number}")
        number += 1
        piece = _Piece()
    fault = window.source.fault
    last = piece.item(f"line {number}", fault) if piece.data.strip(_SPACE) else None
    if last is not None:
        yield last
    if last is None or last.statement is not fault:
        yield from _end(window)


def _array(window: _Window, ending: re.Pattern[bytes]) -> Iterator[Item]:
    """The items of an array whose opening bracket was passed; after it, the file must end as the pattern says."""
    number = 0
    while window.skip_space():
        if number == 0 and window.data[window.at] == ord("]"):
            break
        number += 1
        piece = _Piece()
        if not _scan_into(piece, window, stop_after=False):
            yield from _cut(window, piece.item(f"item {number}", _cut_off(window)))
            return
        yield piece.item(f"item {number}")
        if window.data[window.at] != ord(","):
            break
        window.at += 1
    else:
        yield Item("end of file", _cut_off(window), b"")
        return
    yield from _array_end(window, ending)


def _array_end(window: _Window, ending: re.Pattern[bytes]) -> Iterator[Item]:
    """Nothing where the array is closed and the rest of the file fits the pattern, else one fault."""
    closed = window.data[window.at] == ord("]")
    window.at += closed
    tail = _Piece()
    tail.add(window.data[window.at :])
    while window.refill():
        tail.add(window.data)
    if closed and tail.size <= MAX_ITEM and ending.fullmatch(tail.data):
        yield from _end(window)
        return
    wrong = Unusable("The file does not end as it should after its last statement.", rule="whole file", expected="]")
    yield Item("end of file", window.source.fault or wrong, bytes(tail.data[:HEAD]))


def _sequence(window: _Window) -> Iterator[Item]:
    """Objects one after another on any number of lines."""
    number = 0
    while window.skip_space():
        number += 1
        piece = _Piece()
        if not _scan_into(piece, window, stop_after=True):
            yield from _cut(window, piece.item(f"item {number}", _cut_off(window)))
            return
        yield piece.item(f"item {number}")
    yield from _end(window)


def _scan_into(piece: _Piece, window: _Window, *, stop_after: bool) -> bool:
    """Move one item from the window into the piece; False where the file ends inside of it."""
    scan = _Scan()
    while True:
        end = scan.end(window.data, window.at, stop_after=stop_after)
        piece.add(window.data[window.at : end])
        if end is not None:
            window.at = end
            return True
        if not window.refill():
            return False


def _cut_off(window: _Window) -> Unusable:
    return window.source.fault or Unusable(
        "The file ends inside a statement or before its closing bracket.",
        rule="whole file",
        expected="a file that was not cut off",
    )


def _cut(window: _Window, item: Item) -> Iterator[Item]:
    """The item at which the file was cut off, and the fault unless it stands in the item's place."""
    yield item
    if isinstance(item.statement, dict | TooLarge):
        yield Item("end of file", _cut_off(window), b"")


def _end(window: _Window) -> Iterator[Item]:
    if window.source.fault is not None:
        yield Item("end of file", window.source.fault, b"")
