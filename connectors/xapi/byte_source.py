"""The bytes of a file as UTF-8 text in pieces of bounded size: gzip is unpacked, UTF-16 is turned into UTF-8.

Both are told from the first bytes, never from a name. Memory use does not grow with the file.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from hub.errors import Unusable

PIECE: Final = 64 * 1024
_GZIP = b"\x1f\x8b"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class ByteSource:
    """The pieces of one file, in order; none is empty.

    Where the file is broken (cut gzip, half a UTF-16 character), the pieces end at the last whole one and ``fault``
    says why. Of a gzip file whose checksum is wrong there are none: nobody can tell which of its values were changed.
    Errors of the file system are not caught. ``file`` is read twice where it is gzip, so it must be seekable.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.fault: Unusable | None = None
        self._pieces = self._text(self._unpacked(file))

    def next(self) -> bytes:
        """The next piece of UTF-8, at most a few times 64 KiB; empty at the end."""
        return next(self._pieces, b"")

    def _unpacked(self, file: BinaryIO) -> Iterator[bytes]:
        first = file.read(PIECE)
        if not first.startswith(_GZIP):
            yield first
            while piece := file.read(PIECE):
                yield piece
            return
        file.seek(-len(first), io.SEEK_CUR)
        if _is_altered(file):
            self.fault = Unusable(
                "The gzip file was changed on its way: its checksum is wrong; nothing of it was read.",
                rule="checksum of gzip", expected="the file as it was packed",
            )  # fmt: skip
            return
        packed = gzip.GzipFile(fileobj=file)
        try:
            # read1 and not read: what was unpacked before the fault is handed on
            while piece := packed.read1(PIECE):
                yield piece
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.fault = _fault(f"The gzip file is cut off or damaged ({error})", "whole file", "a whole gzip file")

    def _text(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        first = next(pieces, b"")
        while len(first) < 4 and (more := next(pieces, b"")):
            first += more
        if first.startswith(_UTF32):
            self.fault = _fault("The file is in UTF-32", "encoding", "UTF-8 or UTF-16")
            return
        encoding = _UTF16.get(first[:2])
        if encoding is None:
            first = first.removeprefix(codecs.BOM_UTF8)
            if first:
                yield first
            yield from pieces
            return
        yield from self._from_utf16(encoding, first[2:], pieces)

    def _from_utf16(self, encoding: str, first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            piece = first
            while piece:
                if text := decoder.decode(piece):
                    yield text.encode()
                piece = next(pieces, b"")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            if text := error.object[: error.start].decode(encoding):
                yield text.encode()
            self.fault = self.fault or _fault(f"The UTF-16 text is broken ({error.reason})", "encoding", "whole UTF-16")


def _is_altered(file: BinaryIO) -> bool:
    """Whether the checksum of a gzip file shows a change. One that is cut off, or followed by something, has none."""
    start = file.tell()
    try:
        packed = gzip.GzipFile(fileobj=file)
        while packed.read1(PIECE):
            pass
    except zlib.error:
        return True
    except gzip.BadGzipFile as error:
        return not str(error).startswith("Not a gzipped file")
    except EOFError:
        return False
    finally:
        file.seek(start)
    return False


def _fault(message: str, rule: str, expected: str) -> Unusable:
    return Unusable(f"{message}; what came before was read.", rule=rule, expected=expected)
