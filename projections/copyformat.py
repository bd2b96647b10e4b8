"""Turns plain rows into the bytes of a binary COPY, by one function per table that is compiled from its declaration.

The source of such a function is one expression per column; only names made here stand in it, never a value. Rows are
expected to pass the row check (:mod:`projections.rowcheck`), anything else fails with the error of the conversion.
Values that repeat are encoded once: caches are bounded, hold no personal data and may be used by several threads.

``opened`` comes before the encoder: it replaces sealed personal values by what the database shows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Column, Table, UniqueConstraint

from hub.domain.rows import STATE, Row, loaded
from hub.domain.sealing import is_sealed
from projections.plain import SEALED, kind_of, names_of, personal_of, scale_of

Encoder = Callable[[Iterable[Row]], bytes]
Opener = Callable[[list[str]], list[str | None]]
"""Opens the sealed texts of a batch at once, in their order; None where the key was destroyed."""

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"

CACHE_LIMIT = 16_384  # all 10,001 values of a percentage fit
CACHED_LENGTH = 200  # longer texts hardly repeat

DAYS_TO_2000 = 10_957
MICROS_TO_2000 = DAYS_TO_2000 * 86_400_000_000
_UUID_LENGTH = b"\x00\x00\x00\x10"
_NEGATIVE = 0x4000

_size = struct.Struct(">i").pack
_int4 = struct.Struct(">ii").pack
_int8 = struct.Struct(">iq").pack
_jsonb_head = struct.Struct(">ib").pack  # size, and the version of the form
_numeric_head = struct.Struct(">ihhHh").pack


class Cache(dict[Any, bytes]):
    """Encoded values by plain value; emptied when it is full."""

    def __init__(self, encode: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._encode = encode

    def __missing__(self, value: Any) -> bytes:
        encoded = NULL if value is None else self._encode(value)
        if len(self) >= CACHE_LIMIT:
            self.clear()
        self[value] = encoded
        return encoded


def _uuid(value: str) -> bytes:
    data = bytes.fromhex(value.replace("-", ""))
    if len(data) != 16:  # would shift all that follows in the stream
        raise ValueError("A uuid must have 32 hexadecimal digits.")
    return _UUID_LENGTH + data


def _text(value: str) -> bytes:
    data = value.encode()
    return _size(len(data)) + data


def _numeric(scale: int) -> Callable[[int], bytes]:
    """Numbers scaled by ``10**scale`` in PostgreSQL's form: digits of base 10,000 and the weight of the first of them."""
    places = -(-scale // 4)
    shift = 10 ** (places * 4 - scale)

    def encode(value: int) -> bytes:
        digits: list[int] = []
        rest = abs(value) * shift
        while rest:
            rest, digit = divmod(rest, 10_000)
            digits.append(digit)
        weight = len(digits) - 1 - places if digits else 0
        digits.reverse()
        while digits and not digits[-1]:
            digits.pop()
        sign = _NEGATIVE if value < 0 else 0
        size = 8 + 2 * len(digits)
        return _numeric_head(size, len(digits), weight, sign, scale) + struct.pack(f">{len(digits)}h", *digits)

    return encode


_UUIDS = Cache(_uuid)
_TEXTS = Cache(_text)
_INTS = Cache(lambda value: _int4(4, value))
_DATES = Cache(lambda value: _int4(4, value - DAYS_TO_2000))
_BOOLS = {None: NULL, False: _size(1) + b"\x00", True: _size(1) + b"\x01"}
_NUMERICS: dict[int, Cache] = {}


def _numerics(scale: int) -> Cache:
    return _NUMERICS.setdefault(scale, Cache(_numeric(scale)))


@lru_cache(maxsize=256)
def encoder(table: Table) -> Encoder:
    """The function that makes binary COPY data (header, tuples, trailer) of plain rows: all columns as declared.

    A row that lacks a column raises KeyError with its name.
    """
    columns = list(table.columns)
    variables = [f"v{number}" for number in range(len(columns))]
    expressions = [_expression(column, name) for column, name in zip(columns, variables, strict=True)]
    source = "\n".join(
        (
            "def encode(rows):",
            "    parts = [HEADER]",
            "    for row in rows:",
            f"        {', '.join(variables)}, = fields(row)",
            f"        parts.append(b''.join((COUNT, {', '.join(expressions)})))",
            "    parts.append(TRAILER)",
            "    return b''.join(parts)",
        )
    )
    scope: dict[str, Any] = {
        **_SCOPE,
        **{f"numerics{scale}": _numerics(scale) for scale in map(scale_of, columns)},
        "COUNT": struct.pack(">h", len(columns)),
        "fields": itemgetter(*names_of(table)),
    }
    exec(compile(source, f"<encoder of {table.name}>", "exec"), scope)  # noqa: S102  made of constants and numbers only
    encode: Encoder = scope["encode"]
    return encode


_SCOPE: dict[str, Any] = {
    "HEADER": HEADER,
    "TRAILER": TRAILER,
    "NULL": NULL,
    "SHIFT": MICROS_TO_2000,
    "size": _size,
    "int8": _int8,
    "uuid": _uuid,
    "jsonb": _jsonb_head,
    "dumps": orjson.dumps,
    "uuids": _UUIDS,
    "texts": _TEXTS,
    "ints": _INTS,
    "dates": _DATES,
    "bools": _BOOLS,
}


def _expression(column: Column[Any], v: str) -> str:
    """The source that encodes variable ``v`` as a value of the column."""
    kind = kind_of(column)
    if kind == "numeric":
        return f"numerics{scale_of(column)}[{v}]"
    if kind in ("int4", "date", "bool"):
        return f"{kind.removesuffix('4')}s[{v}]"
    if kind == "uuid" and not _is_new(column):
        return f"uuids[{v}]"
    if kind == "text" and _repeats(column):
        return f"texts[{v}]"
    direct = {
        "uuid": f"uuid({v})",
        "text": f"size(len(b := {v}.encode())) + b",
        "char": f"size(len(b := {v}.encode())) + b",
        "int8": f"int8(8, {v})",
        "time": f"int8(8, {v} - SHIFT)",
        "json": f"jsonb(len(b := {v}.encode() if isinstance({v}, str) else dumps({v})) + 1, 1) + b",
        "bytes": f"size(len({v})) + {v}",
    }[kind]
    return f"NULL if {v} is None else {direct}"


def _is_new(column: Column[Any]) -> bool:
    """Whether nearly every row has another uuid here, which would only push the others out of what is kept."""
    keys = column.table.primary_key.columns.keys()
    return keys == [column.name] or column.name in ("event_id", "last_event_id")


def _repeats(column: Column[Any]) -> bool:
    """Whether a text is likely to come again, and may be kept."""
    if column.info.get("personal") or column.primary_key:
        return False
    if any(column.name in key.columns for key in column.table.constraints if isinstance(key, UniqueConstraint)):
        return False
    length = getattr(column.type, "length", None)
    return "enum" in column.info or (length is not None and length <= CACHED_LENGTH)


def opened(rows: Sequence[Row], table: Table, opener: Opener) -> Sequence[Row]:
    """The rows as they are written: sealed personal values opened, their sealed texts kept below ``fold_state``.

    The rows given are untouched, and those without sealed values are returned as they are. A value whose key was
    destroyed becomes NULL, its sealed text stays. A table without ``fold_state`` (audit trail, history) keeps none.
    In tables with both, an empty ``fold_state`` is written as NULL, so that a row is the same whether it was folded from
    the cache or from what was read back.
    """
    names = personal_of(table)
    if not names:
        return rows
    keeps = STATE in table.columns
    found: list[tuple[int, dict[str, str]]] = []
    for number, row in enumerate(rows):
        texts = {name: text for name in names if (text := row[name]) is not None and is_sealed(text)}
        if texts or (keeps and row[STATE] is not None and not loaded(row[STATE])):
            found.append((number, texts))
    if not found:
        return rows
    clear = iter(opener([text for _, texts in found for text in texts.values()]))
    written = list(rows)
    for number, texts in found:
        row = written[number] = rows[number].copy()
        for name in texts:
            row[name] = next(clear)
        if keeps:
            state = loaded(row[STATE]) or {}
            row[STATE] = ({**state, SEALED: texts} if texts else state) or None
    return written
