"""Decimals of a record that was just read: from the bytes that Avro has to the scaled integers of plain values."""

from __future__ import annotations

from typing import Any, NamedTuple

from hub.log.avro_form import Schema, traits_of


class Scales(NamedTuple):
    """Where the decimals of a record lie: its own fields, and its nested records that have any."""

    own: tuple[str, ...]
    nested: tuple[tuple[str, Scales], ...]


def scales_of(schema: Schema) -> Scales:
    """The places of the decimals, found once per schema."""
    fields = [(field["name"], traits_of(field["type"])) for field in schema["fields"]]
    own = tuple(name for name, traits in fields if traits.get("logicalType") == "decimal")
    nested = [(name, scales_of(traits)) for name, traits in fields if traits["type"] == "record"]
    return Scales(own, tuple((name, scales) for name, scales in nested if any(scales)))


def read_decimals(record: dict[str, Any], scales: Scales) -> None:
    """Turn the decimals of a record that was just read from bytes into scaled integers, in place."""
    for name in scales.own:
        if (raw := record[name]) is not None:
            record[name] = int.from_bytes(raw, "big", signed=True)
    for name, below in scales.nested:
        if (inner := record[name]) is not None:
            read_decimals(inner, below)
