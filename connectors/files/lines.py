"""Physical lines of a text file, numbered from 1, none of them held whole where it is too long."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple, TextIO

from connectors.contract import KEPT_BYTES

MAX_LINE: Final = 4 * 1024 * 1024
"""Characters of one line; a longer one is described and not read."""


class Line(NamedTuple):
    """A line with its end. Of one that is too long, ``text`` is the beginning, and size and hash (UTF-8) are told."""

    number: int
    text: str
    size: int = 0
    sha256: bytes = b""

    @property
    def too_long(self) -> bool:
        return self.size > 0


class Lines:
    """The lines of an open file, in order; lines can be put back to be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[Line] = deque()
        self._number = 0

    def next(self) -> Line | None:
        """The next line; None at the end of the file."""
        if self._back:
            return self._back.popleft()
        text = self._file.readline(MAX_LINE)
        if not text:
            return None
        self._number += 1
        if self._number == 1:
            text = text.removeprefix("\ufeff")
        if len(text) >= MAX_LINE and not text.endswith(("\n", "\r")):
            return self._too_long(text)
        return Line(self._number, text)

    def put_back(self, lines: Iterable[Line]) -> None:
        """Have these lines read again, in their order, before what follows."""
        self._back.extendleft(reversed(list(lines)))

    def _too_long(self, beginning: str) -> Line:
        digest, size, piece = hashlib.sha256(), 0, beginning
        while piece:
            raw = piece.encode("utf-8", "surrogatepass")
            digest.update(raw)
            size += len(raw)
            piece = "" if piece.endswith(("\n", "\r")) else self._file.readline(MAX_LINE)
        return Line(self._number, beginning[:KEPT_BYTES], size, digest.digest())
