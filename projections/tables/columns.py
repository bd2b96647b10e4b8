"""The kinds of column there are, each with the comment that the database and the data dictionary show.

How the words of the specification are read: TIMESTAMP is timestamptz (UTC), JSON is jsonb, ENUM is varchar with a named
check, DECIMAL is numeric. Whether a column may be NULL is told by its annotation (``Mapped[str]`` or
``Mapped[str | None]``). A default is a server default: what a row made by hand gets, never what a fold relies on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import CHAR, BigInteger, Boolean, Date, Integer, LargeBinary, Numeric, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine


def _column(
    kind: TypeEngine[Any],
    comment: str,
    *,
    default: str | None = None,
    personal: bool = False,
    enum: tuple[str, ...] = (),
    primary: bool = False,
) -> MappedColumn[Any]:
    info: dict[str, Any] = {}
    if personal:
        info["personal"] = True
    if enum:
        info["enum"] = enum
    server_default = None if default is None else text(default)
    return mapped_column(kind, primary_key=primary, comment=comment, server_default=server_default, info=info)


def key(
    comment: str = "Identifier of the row: UUIDv5 of its natural key, equal after every rebuild.",
) -> MappedColumn[Any]:
    """A uuid that is the primary key, or part of it."""
    return _column(Uuid(), comment, primary=True)


def uuid(comment: str) -> MappedColumn[Any]:
    """A uuid."""
    return _column(Uuid(), comment)


def company() -> MappedColumn[Any]:
    """The company that the row belongs to."""
    return _column(Uuid(), "Company that the row belongs to.")


def varchar(
    length: int, comment: str, *, default: str | None = None, personal: bool = False, primary: bool = False
) -> MappedColumn[Any]:
    """Text of at most ``length`` characters; ``default`` is the plain text."""
    quoted = None if default is None else "'" + default.replace("'", "''") + "'"
    return _column(String(length), comment, default=quoted, personal=personal, primary=primary)


def char(length: int, comment: str) -> MappedColumn[Any]:
    """Text of exactly ``length`` characters."""
    return _column(CHAR(length), comment)


def long_text(comment: str, *, personal: bool = False) -> MappedColumn[Any]:
    """Text of any length."""
    return _column(Text(), comment, personal=personal)


def enum(values: type[StrEnum] | tuple[str, ...], comment: str) -> MappedColumn[Any]:
    """One of ``values``, held by the check ``chk_<column>_enum``."""
    return _column(String(), comment, enum=tuple(str(value) for value in values))


def integer(comment: str, *, default: int | None = None, primary: bool = False) -> MappedColumn[Any]:
    """A whole number of 32 bits."""
    return _column(Integer(), comment, default=None if default is None else str(default), primary=primary)


def big_integer(comment: str, *, default: int | None = None) -> MappedColumn[Any]:
    """A whole number of 64 bits."""
    return _column(BigInteger(), comment, default=None if default is None else str(default))


def decimal(precision: int, scale: int, comment: str, *, default: str | None = None) -> MappedColumn[Any]:
    """An exact number of ``precision`` digits, ``scale`` of them after the point; ``default`` as it is written."""
    return _column(Numeric(precision, scale), comment, default=default)


def boolean(comment: str, *, default: bool | None = None) -> MappedColumn[Any]:
    """True or false."""
    return _column(Boolean(), comment, default=None if default is None else str(default).lower())


def day(comment: str) -> MappedColumn[Any]:
    """A day of the calendar, without a time zone."""
    return _column(Date(), comment)


def moment(comment: str, *, auto: bool = False) -> MappedColumn[Any]:
    """A point in time (timestamptz, UTC); ``auto`` gives a row made by hand the time of its transaction."""
    return _column(TIMESTAMP(timezone=True), comment, default="now()" if auto else None)


def json(comment: str, *, personal: bool = False) -> MappedColumn[Any]:
    """A JSON value (jsonb)."""
    return _column(JSONB(), comment, personal=personal)


def binary(comment: str) -> MappedColumn[Any]:
    """Bytes."""
    return _column(LargeBinary(), comment)


def created_at() -> MappedColumn[Any]:
    """When the hub knew of the first event of the row."""
    return moment("When the hub recorded the first event of this row (UTC).", auto=True)


def updated_at() -> MappedColumn[Any]:
    """When the hub knew of the last event that changed the row."""
    return moment("When the hub recorded the last event that changed this row (UTC).", auto=True)


def fold_state() -> MappedColumn[Any]:
    """What decisions must know and no column says."""
    return json(
        "What decisions must know and no column says: times and raw values of the source, cycle, validity. No personal data."
    )
