"""What the fields of a declared type are, read once from its pydantic model.

The Avro schema of a type and its way between natural and plain values come from the same reading, so that they
cannot disagree. A field that cannot travel (an unknown type, a decimal without digits, a default that a reader could
not be given) is a mistake in the declaration and is refused here, with its name.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hub.domain.values import JsonMark, SealedMark

REQUIRED: Any = object()
"""Stands for "has no default"."""

_SCALARS: dict[object, str] = {
    UUID: "uuid",
    AwareDatetime: "instant",
    datetime: "instant",
    date: "date",
    bool: "boolean",
    int: "integer",
    str: "text",
    bytes: "bytes",
}

_LISTS: dict[object, str] = {tuple[str, ...]: "texts", tuple[UUID, ...]: "uuids"}


@dataclass(frozen=True)
class FieldShape:
    """One field as it travels.

    ``kind`` is one of uuid, instant, date, boolean, integer, text, bytes, decimal, enum, sealed, json, texts, uuids, record.
    ``default`` is in plain form, or ``REQUIRED``.
    """

    name: str
    kind: str
    nullable: bool
    default: Any
    doc: str
    precision: int = 0
    scale: int = 0
    values: tuple[str, ...] = ()
    model: type[BaseModel] | None = None


@cache
def shape_of(model: type[BaseModel]) -> tuple[FieldShape, ...]:
    """The fields of a declared model, in the order of their declaration (those of its bases first).

    Raises:
        TypeError: a field cannot be carried by Avro; the message names it and what is possible.
    """
    return tuple(_field(f"{model.__name__}.{name}", name, info) for name, info in model.model_fields.items())


def _field(where: str, name: str, info: FieldInfo) -> FieldShape:
    annotation, nullable = _without_none(where, info.annotation)
    annotation, marks = _unwrap(annotation)
    marks = [*marks, *info.metadata]
    default = _default(where, info, nullable)
    traits = _traits(where, annotation, marks)
    return FieldShape(name, nullable=nullable, default=default, doc=info.description or "", **traits)


def _without_none(where: str, annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    others = [one for one in get_args(annotation) if one is not types.NoneType]
    if len(others) != 1 or len(others) == len(get_args(annotation)):
        raise TypeError(f"{where} is a choice of several types; only 'one type or None' can travel")
    return others[0], True


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """The bare type and the marks that stand around it."""
    marks: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for mark in more:
            marks += mark.metadata if isinstance(mark, FieldInfo) else [mark]
    return annotation, marks


def _traits(where: str, annotation: Any, marks: list[Any]) -> dict[str, Any]:
    if annotation is str and (special := _marked(marks)):
        return {"kind": special}
    if annotation in _SCALARS:
        return {"kind": _SCALARS[annotation]}
    if annotation is Decimal:
        return {"kind": "decimal", **_digits(where, marks)}
    if annotation in _LISTS:
        return {"kind": _LISTS[annotation]}
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {"kind": "enum", "values": tuple(one.value for one in annotation)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {"kind": "record", "model": annotation}
    raise TypeError(
        f"{where} has the type {annotation!r}, which has no form in an event; see hub/log/shape.py for those that have"
    )


def _marked(marks: list[Any]) -> str | None:
    for mark in marks:
        if isinstance(mark, SealedMark):
            return "sealed"
        if isinstance(mark, JsonMark):
            return "json"
    return None


def _digits(where: str, marks: list[Any]) -> dict[str, int]:
    precision = next((mark.max_digits for mark in marks if getattr(mark, "max_digits", None) is not None), None)
    scale = next((mark.decimal_places for mark in marks if getattr(mark, "decimal_places", None) is not None), None)
    if precision is None or scale is None:
        raise TypeError(f"{where} is a decimal without max_digits and decimal_places; both are part of its form")
    return {"precision": precision, "scale": scale}


def _default(where: str, info: FieldInfo, nullable: bool) -> Any:
    if info.default_factory is not None:
        raise TypeError(f"{where} has a default factory; a reader needs a default that is a constant")
    if info.default is PydanticUndefined:
        if nullable:
            raise TypeError(f"{where} may be None and has no default; give it the default None")
        return REQUIRED
    if nullable:
        if info.default is not None:
            raise TypeError(f"{where} may be None and must have the default None, which old and new readers agree on")
        return None
    value = info.default.value if isinstance(info.default, Enum) else info.default
    if value == ():
        return []
    if isinstance(value, bool | int | str):
        return value
    raise TypeError(
        f"{where} has the default {value!r}; only numbers, texts, truth values and the empty tuple can be defaults"
    )
