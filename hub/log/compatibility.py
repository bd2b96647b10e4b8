"""Whether a new shape of a type fits an old one in both directions, and in words what does not and what to do instead.

FULL_TRANSITIVE: today's folds read every record ever written, and subscribers who still read by any released version can
read what is written today. The library ``avro`` is the judge of that by Avro's rules. The hub is stricter where Avro is
not: a field keeps its exact type (Avro reads text as bytes, and knows nothing of digits, sealing or JSON), and a default
never changes, since records without the field would suddenly read otherwise and a table built again would differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from hub.log.avro_form import on_the_wire, resolved, traits_of
from hub.log.findings import Finding

Schema = dict[str, Any]

_NONE: Any = object()


def findings(old: Schema, version: int, new: Schema) -> list[Finding]:
    """What makes ``new`` incompatible with ``old``, which was released as ``version``; empty where all is well."""
    type_name = f"{new['namespace']}.{new['name']}"
    worded = [
        Finding(type_name, False, text) for text in _differences(resolved(old), version, resolved(new), type_name, "")
    ]
    return worded or [
        Finding(
            type_name,
            False,
            f"{type_name}: {who} by Avro's rules ({why}). Take the change back, or declare a new type {_next(type_name)}.",
        )
        for who, why in _judged(old, version, new)
    ]


def _judged(old: Schema, version: int, new: Schema) -> Iterator[tuple[str, str]]:
    old_parsed, new_parsed = (parse(orjson.dumps(schema).decode()) for schema in (old, new))
    for reader, writer, who in (
        (new_parsed, old_parsed, f"records of version {version} can no longer be read"),
        (old_parsed, new_parsed, f"subscribers who read by version {version} could not read today's records"),
    ):
        # A new judge each time: it remembers verdicts by the identity of objects that may be gone.
        judge = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
        result = judge.get_compatibility(reader=reader, writer=writer)
        if result.compatibility is not SchemaCompatibilityType.compatible:
            yield who, "; ".join(sorted(result.messages))


def _differences(old: Schema, version: int, new: Schema, type_name: str, prefix: str) -> Iterator[str]:
    before = {field["name"]: field for field in old["fields"]}
    after = {field["name"]: field for field in new["fields"]}
    for name in sorted(before.keys() | after.keys()):
        where = f"The field {prefix}{name} of {type_name}"
        if name not in before:
            yield from _added(where, version, after[name])
        elif name not in after:
            yield from _removed(where, version, before[name], type_name)
        else:
            yield from _defaults(where, version, before[name], after[name], type_name)
            yield from _types(where, version, before[name], after[name], type_name, f"{prefix}{name}.")


def _added(where: str, version: int, field: Schema) -> Iterator[str]:
    if "default" not in field:
        yield (
            f"{where} was added without a default: records of version {version} do not have it, so nothing could read them any more. "
            "Give it a default (None where it may be unknown)."
        )


def _removed(where: str, version: int, field: Schema, type_name: str) -> Iterator[str]:
    if "default" not in field:
        yield (
            f"{where} was removed, and version {version} has no default for it: subscribers who read by version {version} "
            f"could not read today's records. Keep the field, or declare a new type {_next(type_name)}."
        )


def _defaults(where: str, version: int, before: Schema, after: Schema, type_name: str) -> Iterator[str]:
    old, new = before.get("default", _NONE), after.get("default", _NONE)
    if old is _NONE or old == new:
        return
    if new is _NONE:
        yield (
            f"{where} lost its default: records of writers who leave it out, as version {version} allows, could not be made or read. "
            f"Give it back the default {_json(old)}, or declare a new type {_next(type_name)}."
        )
    else:
        yield (
            f"{where} had the default {_json(old)} in version {version} and now has {_json(new)}: old records without it would read otherwise, "
            "and a table built again would differ. Take the old default back."
        )


def _types(where: str, version: int, before: Schema, after: Schema, type_name: str, prefix: str) -> Iterator[str]:
    old, new = before["type"], after["type"]
    old_inner, new_inner = traits_of(old), traits_of(new)
    if (
        old_inner["type"] == new_inner["type"] == "record"
        and isinstance(old, list) == isinstance(new, list)
        and old_inner["name"] == new_inner["name"]
    ):
        yield from _differences(old_inner, version, new_inner, type_name, prefix)
    elif on_the_wire(old) != on_the_wire(new):
        yield (
            f"{where} was {_words(old)} in version {version} and now is {_words(new)}: neither old records nor old subscribers would be understood. "
            f"Take the change back and add another field beside it, or declare a new type {_next(type_name)}."
        )


def _words(schema: Any) -> str:
    inner = traits_of(schema)
    if inner.get("logicalType") == "decimal":
        name = f"a decimal({inner['precision']}, {inner['scale']})"
    elif inner.get("hub.sealed"):
        name = "a sealed text"
    elif inner.get("hub.json"):
        name = "a JSON text"
    elif inner["type"] == "record":
        name = f"a record {inner['name']}"
    else:
        name = str(inner.get("logicalType", inner["type"]))
    return f"{name} or null" if isinstance(schema, list) else name


def _next(type_name: str) -> str:
    stem, _, number = type_name.rpartition(".v")
    return f"{stem}.v{int(number) + 1}"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
