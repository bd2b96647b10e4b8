"""The encoding of a text file: told from its bytes, and decoded so that damage is seen where it is.

Order: byte order mark; UTF-16 by its zero bytes; UTF-8 where the whole file is (a few damaged characters among good
ones do not make it another encoding); else the best guess over the lines that are not ASCII. The whole file is looked
at, since the first umlaut may stand in its last line; it is never held in memory.
"""

from __future__ import annotations

import codecs
from typing import Final, TextIO

import charset_normalizer

DAMAGED: Final = "\udfff"
"""Stands in decoded text where bytes are no character of the encoding; no file can hold it."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES: Final = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_2", "iso8859_9"),
    *("shift_jis", "gb18030", "big5", "euc_kr", "euc_jp", "koi8_r", "cp850", "mac_roman"),
]
_CHUNK: Final = 1 << 20
_SAMPLE: Final = 1 << 15


def _mark_damage(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return DAMAGED, error.end


codecs.register_error("hub-damaged", _mark_damage)


def open_text(path: str, encoding: str) -> TextIO:
    """The file as text, its line ends as they are, :data:`DAMAGED` where bytes are no character."""
    return open(path, encoding=encoding, errors="hub-damaged", newline="")  # noqa: PTH123  the caller closes


def detect_encoding(path: str) -> str:
    """The name of the encoding in which a file is most likely written. Raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123
        head = file.read(4096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    return _utf16(head) or _eight_bit(path)


def _utf16(head: bytes) -> str | None:
    """UTF-16 without a mark: in text that is mostly Latin, every other byte is zero."""
    half = len(head) // 2
    even, odd = head[::2].count(0), head[1::2].count(0)
    if half and odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    if half and even > half * 0.6 and odd < half * 0.1:
        return "utf-16-be"
    return None


def _eight_bit(path: str) -> str:
    """UTF-8, or what the lines that are not UTF-8 look like."""
    decoder = codecs.getincrementaldecoder("utf-8")("hub-damaged")
    good = damaged = 0
    sample = b""
    with open(path, "rb") as file:  # noqa: PTH123
        while chunk := file.read(_CHUNK):
            text = decoder.decode(chunk)
            if chunk.isascii():
                continue
            damaged += text.count(DAMAGED)
            good += max(0, len(chunk) - len(text))
            if len(sample) < _SAMPLE:
                sample += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:_SAMPLE]
    # What is cut off at the end of the file is no sign of another encoding.
    if good >= damaged:
        return "utf-8"
    return _likely(sample)


def _likely(sample: bytes) -> str:
    """Of the encodings that are likely, the first in which most of the special characters are letters.

    Where it gives the same text as the most common one, that one is meant.
    """
    likely = {match.encoding: str(match) for match in charset_normalizer.from_bytes(sample, cp_isolation=_CANDIDATES)}
    common = sample.decode("cp1252", "replace")
    best = max(likely, key=lambda encoding: _letters(likely[encoding]), default="cp1252")
    return "cp1252" if likely.get(best, common) == common else best


def _letters(text: str) -> float:
    """Which part of the characters beyond ASCII are letters."""
    special = [character for character in text if character > "\x7f"]
    return sum(character.isalpha() for character in special) / max(1, len(special))
