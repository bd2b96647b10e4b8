"""The Avro schema of every declared type, derived from its model; nobody writes one by hand.

A record is named like its type (``lms.enrollment.completed.v1``: the literal is a valid Avro name, and the subject in a
schema registry), records nested in it hang below that name. What Avro has no word for is said in properties that readers
may ignore: ``hub.enum`` (the values known today; enums travel as strings), ``hub.sealed`` (personal, a sealed
token as text), ``hub.json`` (a JSON document as text).

The schema carries logical types for other readers; the hub itself reads and writes by it without building a natural value
(``hub.log.avro_read``, ``hub.log.avro_write``).
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel

from hub.domain import observations
from hub.domain.events import Wire, all_types
from hub.log.avro_form import Schema
from hub.log.shape import REQUIRED, FieldShape, shape_of

TYPE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\.v[1-9][0-9]*")

_SIMPLE: dict[str, Any] = {
    "uuid": {"type": "string", "logicalType": "uuid"},
    "instant": {"type": "long", "logicalType": "timestamp-micros"},
    "date": {"type": "int", "logicalType": "date"},
    "boolean": "boolean",
    "integer": "long",
    "text": "string",
    "bytes": "bytes",
    "sealed": {"type": "string", "hub.sealed": True},
    "json": {"type": "string", "hub.json": True},
    "texts": {"type": "array", "items": "string"},
    "uuids": {"type": "array", "items": {"type": "string", "logicalType": "uuid"}},
}


def declared() -> dict[str, type[Wire]]:
    """Every type that travels on a topic, by name: events, raw records and observations."""
    # Importing the module is what declares the observations; naming a part of it keeps the import.
    return {**all_types(), observations.EnrollmentObserved.type: observations.EnrollmentObserved}


def schema_of(model: type[Wire]) -> Schema:
    """The public schema of a declared type.

    Raises:
        TypeError: its name is not of the form ``lms.thing.happened.v1``, or a field cannot be carried by Avro.
    """
    if not TYPE_NAME.fullmatch(model.type):
        raise TypeError(
            f"the type name {model.type!r} must be lower-case words joined by dots, ending in a version: lms.thing.happened.v1"
        )
    namespace, name = model.type.rsplit(".", 1)
    return _record(model, {"name": name, "namespace": namespace}, model.type, set())


def _record(model: type[BaseModel], head: Schema, type_name: str, known: set[type[BaseModel]]) -> Schema:
    known.add(model)
    doc = inspect.cleandoc(model.__doc__ or "")
    return {
        "type": "record",
        **head,
        "doc": doc,
        "fields": [_field(field, type_name, known) for field in shape_of(model)],
    }


def _field(field: FieldShape, type_name: str, known: set[type[BaseModel]]) -> Schema:
    schema = _schema(field, type_name, known)
    result: Schema = {"name": field.name, "type": ["null", schema] if field.nullable else schema}
    if field.doc:
        result["doc"] = field.doc
    if field.default is not REQUIRED:
        result["default"] = field.default
    return result


def _schema(field: FieldShape, type_name: str, known: set[type[BaseModel]]) -> Any:
    if field.kind == "decimal":
        return {"type": "bytes", "logicalType": "decimal", "precision": field.precision, "scale": field.scale}
    if field.kind == "enum":
        return {"type": "string", "hub.enum": list(field.values)}
    if field.model is None:
        return _SIMPLE[field.kind]
    if field.model in known:
        return f"{type_name}.{field.model.__name__}"
    return _record(field.model, {"name": field.model.__name__, "namespace": type_name}, type_name, known)
