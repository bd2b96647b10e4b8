"""A schema for fastavro that describes the same bytes as the public one and asks for no natural value."""

from __future__ import annotations

from typing import Any

MEANING = frozenset({"logicalType", "precision", "scale", "doc", "hub.enum", "hub.sealed", "hub.json"})


def bare(schema: Any) -> Any:
    """A copy without logical types, documentation and properties of the hub."""
    if isinstance(schema, list):
        return [bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    left = {key: bare(value) for key, value in schema.items() if key not in MEANING and key != "default"}
    if "default" in schema:
        left["default"] = schema["default"]
    return left["type"] if set(left) == {"type"} else left
