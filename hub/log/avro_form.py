"""Working with a schema as it is written: walking it, telling whether two are the same version.

Knows nothing of the declared types, so that whoever only writes and reads bytes need not load them.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

Schema = dict[str, Any]

_NOT_ON_THE_WIRE = frozenset({"doc", "hub.enum"})
"""Properties that may change without a new version: no byte and no reading depends on them."""


def traits_of(schema: Any) -> Schema:
    """A field's schema without the choice of null, as a dict."""
    inner = schema[1] if isinstance(schema, list) else schema
    return inner if isinstance(inner, dict) else {"type": inner}


def resolved(schema: Any, known: dict[str, Schema] | None = None) -> Any:
    """A copy for walking: where a record is only named, since it was defined before, its definition stands instead."""
    known = {} if known is None else known
    if isinstance(schema, list):
        return [resolved(one, known) for one in schema]
    if isinstance(schema, str):
        return known.get(schema, schema)
    if "fields" not in schema:
        return schema
    copy = {**schema, "fields": [{**field, "type": resolved(field["type"], known)} for field in schema["fields"]]}
    known[f"{schema['namespace']}.{schema['name']}"] = copy
    return copy


def on_the_wire(schema: Any) -> Any:
    """A copy of all that a reader depends on: two schemas equal in this are one version."""
    return _without(schema)


def fingerprint(schema: Schema) -> str:
    """SHA-256 (hex) of what a reader depends on.

    Avro's own canonical form leaves out defaults and logical types, which readers do depend on.
    """
    return hashlib.sha256(orjson.dumps(on_the_wire(schema), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _without(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "fields" in schema:
        fields = [_field_without(field) for field in schema["fields"]]
        return {**{key: value for key, value in schema.items() if key not in _NOT_ON_THE_WIRE}, "fields": fields}
    left = {key: _without(value) for key, value in schema.items() if key not in _NOT_ON_THE_WIRE}
    return left["type"] if set(left) == {"type"} else left


def _field_without(field: Schema) -> Schema:
    left = {key: value for key, value in field.items() if key not in _NOT_ON_THE_WIRE}
    return {**left, "type": _without(field["type"])}
