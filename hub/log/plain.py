"""From natural values to plain ones and back: the border between declared models and the hot path.

Models (UUID, aware datetime, date, Decimal, enumerations) are what connectors, the API and tests handle; plain values
(``hub.domain.units``) are what is decided, folded and stored. Both ways are exact: nothing is rounded, a moment keeps
its microseconds, and what would not fit is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from hub.domain import units
from hub.domain.events import Wire
from hub.errors import Unusable
from hub.log.avro_schema import declared
from hub.log.shape import FieldShape, shape_of

Convert = Callable[[Any], Any]


def to_plain(event: Wire) -> dict[str, Any]:
    """The plain values of an event: ``type`` and every field of its schema, absent ones as None.

    A nested record in which nothing must be said has only what is, as it is read from the log.

    Raises:
        Unusable: a decimal has more places than its field; the message names it.
    """
    return {"type": event.type, **_to_plain(event)}


def from_plain(plain: dict[str, Any]) -> Wire:
    """The event of plain values, held against its declaration. Moments are in UTC.

    Raises:
        Unusable: the type is not declared, or a value breaks the declaration; the message names the field.
    """
    model = _declared().get(plain.get("type", ""))
    if model is None:
        raise Unusable(
            f"There is no declared type {plain.get('type')!r}.",
            field="type",
            rule="declared type",
            expected="the name of an event type",
        )
    try:
        return model.model_validate(
            _from_plain(model, {name: value for name, value in plain.items() if name != "type"})
        )
    except ValidationError as problem:
        raise _broken(model.type, problem) from None


@cache
def _declared() -> dict[str, type[Wire]]:
    return declared()


def _to_plain(record: BaseModel) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, convert in _converters(type(record), _plain_converter).items():
        value = getattr(record, name)
        result[name] = value if value is None or convert is None else convert(value)
    return result


def _nested_to_plain(record: BaseModel) -> dict[str, Any]:
    plain = _to_plain(record)
    if all(field.nullable for field in shape_of(type(record))):
        return {name: value for name, value in plain.items() if value is not None}
    return plain


def _from_plain(model: type[BaseModel], record: dict[str, Any]) -> dict[str, Any]:
    converters = _converters(model, _natural_converter)
    result: dict[str, Any] = {}
    for name, value in record.items():
        convert = converters.get(name)
        try:
            result[name] = value if value is None or convert is None else convert(value)
        except (TypeError, ValueError, OverflowError, AttributeError):
            raise Unusable(
                f"The field {name} of {model.__name__} does not hold a plain value of its kind.",
                field=name,
                rule="plain value",
                expected="see hub.domain.units",
            ) from None
    return result


@cache
def _converters(model: type[BaseModel], choose: Callable[[FieldShape], Convert | None]) -> dict[str, Convert | None]:
    return {field.name: choose(field) for field in shape_of(model)}


def _plain_converter(field: FieldShape) -> Convert | None:
    if field.kind == "decimal":
        return lambda value: _exactly_scaled(field, value)
    if field.kind == "enum":
        return lambda value: value.value if isinstance(value, Enum) else value
    return _TO_PLAIN.get(field.kind)


def _natural_converter(field: FieldShape) -> Convert | None:
    if field.kind == "decimal":
        return lambda value: units.unscaled(value, field.scale)
    if field.model is not None:
        model = field.model
        return lambda value: _from_plain(model, value)
    return _FROM_PLAIN.get(field.kind)


_TO_PLAIN: dict[str, Convert] = {
    "uuid": str,
    "instant": units.micros,
    "date": units.days,
    "texts": list,
    "uuids": lambda value: [str(one) for one in value],
    "record": _nested_to_plain,
}

_FROM_PLAIN: dict[str, Convert] = {
    "instant": units.moment,
    "date": units.day,
}


def _exactly_scaled(field: FieldShape, value: Decimal) -> int:
    result = units.scaled(value, field.scale)
    if units.unscaled(result, field.scale) != value:
        raise Unusable(
            f"The field {field.name} has more than {field.scale} decimal places.",
            field=field.name,
            rule="exact",
            expected=f"at most {field.scale} decimal places",
        )
    return result


def _broken(type_name: str, problem: ValidationError) -> Unusable:
    first = problem.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return Unusable(
        f"The field {field} of {type_name} breaks its declaration: {first['msg']}.",
        field=field,
        rule=first["type"],
        expected=first["msg"],
    )
