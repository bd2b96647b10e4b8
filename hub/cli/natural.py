"""Events as people read them: moments, days, decimals and JSON instead of the plain values of the hot path."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel

from hub.domain import units
from hub.log.avro_schema import declared
from hub.log.shape import FieldShape, shape_of


def natural(event: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event or observation, by its ``type``. Sealed values stay as they are."""
    return {"type": event["type"], **_fields(_declared()[event["type"]], event)}


@cache
def _declared() -> Mapping[str, type[BaseModel]]:
    return declared()


def _fields(model: type[BaseModel], told: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: _value(field, told[field.name]) for field in shape_of(model) if field.name in told}


def _value(field: FieldShape, value: Any) -> Any:
    if value is None:
        return None
    if field.kind == "record" and field.model is not None:
        return _fields(field.model, value)
    if field.kind == "decimal":
        return Decimal(value).scaleb(-field.scale)
    if field.kind == "instant":
        return units.moment(value)
    if field.kind == "date":
        return units.day(value)
    if field.kind == "json":
        return orjson.loads(value)
    # What a dry run shows was not sealed yet: it stands in the file of whoever asks.
    return getattr(value, "text", value) if field.kind == "sealed" else value
