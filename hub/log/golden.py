"""Golden examples: one filled record of every released shape, and what it reads as.

An example is made from the schema alone, the same in every process, with every field filled, so that its bytes hold every
field's form. The bytes are kept for ever: they stand for the records that lie in somebody's log.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from hub.domain.sealing import to_text
from hub.log.avro_form import traits_of

_ROOT = UUID("0b6c1f0e-51c7-5a0e-9d4e-6f3b7a1c2d90")
_MOMENT = 1_714_731_630_123_456
"""2024-05-03T10:20:30.123456Z"""


def example(schema: dict[str, Any], path: str = "") -> dict[str, Any]:
    """A filled record (plain values) of a public schema; short and small enough for every declared limit."""
    return {
        field["name"]: _value(traits_of(field["type"]), f"{path}.{field['name']}", position)
        for position, field in enumerate(schema["fields"])
    }


def _value(traits: dict[str, Any], path: str, position: int) -> Any:
    kind = traits.get("logicalType", traits["type"])
    if kind == "record":
        return example(traits, path)
    if traits.get("hub.sealed"):
        return to_text(b"\x01" + uuid5(_ROOT, path).bytes * 3)
    if traits.get("hub.json"):
        return '{"a":[1,null,"ü"]}'
    if "hub.enum" in traits:
        return traits["hub.enum"][0]
    return {
        "uuid": str(uuid5(_ROOT, path)),
        "timestamp-micros": _MOMENT + position,
        "date": 19_846 + position,
        "decimal": 1_234 + position,
        "string": f"ö{position % 10}",
        "long": 1 + position % 9,
        "boolean": True,
        "bytes": uuid5(_ROOT, path).bytes * 2,
        "array": [str(uuid5(_ROOT, path))] if isinstance(traits.get("items"), dict) else [f"ä{position % 10}", "b"],
    }[kind]


def readable(value: Any) -> Any:
    """A plain value as JSON can show it: bytes become ``{"hex": "…"}``."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {name: readable(one) for name, one in value.items()}
    return value
