"""The contract on disk: ``schemas/`` and the packed copy that travels with the package.

    schemas/<topic>/<type>.avsc                 the newest schema, with its documentation
    schemas/<topic>/released/<type>.<n>.avsc    every released shape, never changed again
    schemas/ids.json                            type, topic, version, id and fingerprint of every released shape
    schemas/golden/<type>.<n>.bin, .json        a filled record of every released shape, and what it reads as today
    hub/log/released.json                       what a running process needs of it

``export`` writes, ``check`` compares. A shape is released once it stands in ``ids.json``; its id is never given to another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from hub.domain.events import Wire
from hub.errors import Refused, Unusable
from hub.log import compatibility
from hub.log.avro_form import fingerprint, on_the_wire, resolved
from hub.log.avro_schema import declared, schema_of
from hub.log.codec import Codec
from hub.log.findings import Finding
from hub.log.golden import example, readable
from hub.log.schema_registry import Registry, Released

Types = Mapping[str, type[Wire]]
Files = dict[str, bytes]

IDS = "schemas/ids.json"
PACKED_FILE = "hub/log/released.json"
_ADVICE = "Run `hub schemas export` and commit what it writes."


def export(root: Path, *, fresh: bool = False, types: Types | None = None) -> list[str]:
    """Write the contract of the declared types below ``root`` (the project's folder) and name the files written.

    Does nothing where all is up to date. A compatible change makes a new version with a new id. ``fresh`` forgets all that
    was released and starts with version 1 and id 1: only before anything was ever written by these ids.

    Raises:
        Refused: a change is not compatible with what was released; nothing was written.
    """
    if fresh:
        _forget(root)
    types = declared() if types is None else types
    released = load(root)
    problems = incompatibilities(released, types)
    if problems:
        raise Refused(
            "\n".join(one.text for one in problems),
            field=problems[0].name,
            rule="FULL_TRANSITIVE",
            expected="a compatible change",
        )
    added = _new_versions(released, types)
    files = _contract([*released, *added], types) | _golden([*released, *added], added, root)
    return [name for name, content in sorted(files.items()) if _write(root / name, content)]


def check(root: Path, types: Types | None = None) -> list[Finding]:
    """All that is wrong with the contract below ``root``, each in words with what to do; empty where it is whole."""
    types = declared() if types is None else types
    try:
        released = load(root)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        return [
            Finding(
                IDS, False, f"The released schemas cannot be read ({problem}). Restore schemas/ from version control."
            )
        ]
    found = [*_altered(released), *incompatibilities(released, types)]
    if found:
        return found
    added = _new_versions(released, types)
    found += [
        Finding(one.type, False, f"{one.type} has changed compatibly (or is new) and is not exported. {_ADVICE}")
        for one in added
    ]
    if not added:
        found += _outdated(root, _contract(released, types))
    return found + _golden_findings(root, released)


def incompatibilities(released: list[Released], types: Types) -> list[Finding]:
    """What in the declarations breaks a promise made to readers and writers of any released shape."""
    found = []
    for one in released:
        model = types.get(one.type)
        if model is None:
            text = f"{one.type} was released as version {one.version} and is no longer declared: its records could not be read. Declare it again."
            found.append(Finding(one.type, False, text))
        elif model.topic != one.topic:
            text = f"{one.type} moved from {one.topic} to {model.topic}: its subscribers would miss it. Take it back, or declare a new type."
            found.append(Finding(one.type, False, text))
        else:
            found += compatibility.findings(one.schema, one.version, schema_of(model))
    return found


def load(root: Path) -> list[Released]:
    """The released shapes below ``root``, by id, with their documentation; none where nothing was released."""
    path = root / IDS
    if not path.exists():
        return []
    entries = orjson.loads(path.read_bytes())
    return [Released(**entry, schema_text=(root / _released_file(**entry)).read_text()) for entry in entries]


def _new_versions(released: list[Released], types: Types) -> list[Released]:
    newest = _newest(released)
    next_id = max((one.id for one in released), default=0) + 1
    added: list[Released] = []
    for name, model in sorted(types.items(), key=lambda item: (item[1].topic, item[0])):
        schema = schema_of(model)
        known, mark = newest.get(name), fingerprint(schema)
        if known is None or known.fingerprint != mark:
            version = known.version + 1 if known else 1
            added.append(Released(name, model.topic, version, next_id + len(added), mark, _pretty(schema).decode()))
    return added


def _newest(released: list[Released]) -> dict[str, Released]:
    return {one.type: one for one in sorted(released, key=lambda one: one.version)}


def _contract(released: list[Released], types: Types) -> Files:
    files = {f"schemas/{model.topic}/{name}.avsc": _pretty(schema_of(model)) for name, model in types.items()}
    files |= {_released_file(**_entry(one)): one.schema_text.encode() for one in released}
    files[IDS] = _lines([_entry(one) for one in released])
    files[PACKED_FILE] = _lines(
        [{**_entry(one), "schema_text": orjson.dumps(on_the_wire(one.schema)).decode()} for one in released]
    )
    return files


def _golden(released: list[Released], added: list[Released], root: Path) -> Files:
    """Bytes of the new shapes; and of every shape of their types what it reads as now, since lifting may have added fields."""
    codec = Codec(lambda: Registry(released))
    files = {
        _golden_file(one, "bin"): codec.encode({"type": one.type, **example(resolved(one.schema))}) for one in added
    }
    for one in released:
        if one.type in {new.type for new in added}:
            name = _golden_file(one, "bin")
            files[_golden_file(one, "json")] = _reading(codec.decode(files.get(name) or (root / name).read_bytes()))
    return files


def _golden_findings(root: Path, released: list[Released]) -> list[Finding]:
    registry = Registry(released)
    codec = Codec(lambda: registry)
    return [
        Finding(one.type, False, f"{text} (golden example of {one.type}, version {one.version}).")
        for one in released
        for text in _golden_problems(root, one, codec, newest=registry.newest(one.type) is one)
    ]


def _golden_problems(root: Path, one: Released, codec: Codec, *, newest: bool) -> Iterator[str]:
    binary, reading = root / _golden_file(one, "bin"), root / _golden_file(one, "json")
    if not (binary.exists() and reading.exists()):
        yield f"{binary.name} or {reading.name} is missing; restore it from version control"
        return
    value = binary.read_bytes()
    try:
        event = codec.decode(value)
    except Unusable as problem:
        yield f"Records of released bytes can no longer be read: {problem} Correct the codec, not the example"
        return
    if _reading(event) != reading.read_bytes():
        yield f"Released bytes no longer read as {reading.name} says: tables built again would differ. Correct the codec, not the example"
    if newest and codec.encode(event) != value:
        yield "The same event no longer gives the same bytes, so an event decided twice would differ. Correct the codec, not the example"


def _altered(released: list[Released]) -> Iterator[Finding]:
    ids, shapes = set[int](), set[tuple[str, int]]()
    for one in released:
        name = _released_file(**_entry(one))
        if fingerprint(one.schema) != one.fingerprint:
            text = f"{name} is not what was released under id {one.id}: records in the log were written by it. Restore it from version control."
            yield Finding(one.type, False, text)
        if one.id in ids or (one.type, one.version) in shapes:
            text = f"Id {one.id} ({one.type}, version {one.version}) stands twice in {IDS}: an id is assigned once. Restore it from version control."
            yield Finding(one.type, False, text)
        ids.add(one.id)
        shapes.add((one.type, one.version))


def _outdated(root: Path, files: Files) -> Iterator[Finding]:
    for name, content in sorted(files.items()):
        path = root / name
        if not path.exists() or path.read_bytes() != content:
            yield Finding(name, False, f"{name} is not what the declarations give. {_ADVICE}")
    stray = {str(path.relative_to(root)) for path in (root / "schemas").glob("*/**/*.avsc")} - files.keys()
    for name in sorted(stray):
        yield Finding(name, False, f"{name} belongs to no declared type. Delete it.")


def _forget(root: Path) -> None:
    for pattern in ("*/**/*.avsc", "golden/*.bin", "golden/*.json", "ids.json"):
        for path in (root / "schemas").glob(pattern):
            path.unlink()


def _write(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def _released_file(type: str, topic: str, version: int, **_: object) -> str:
    return f"schemas/{topic}/released/{type}.{version}.avsc"


def _golden_file(one: Released, ending: str) -> str:
    return f"schemas/golden/{one.type}.{one.version}.{ending}"


def _entry(one: Released) -> dict[str, Any]:
    return {"type": one.type, "topic": one.topic, "version": one.version, "id": one.id, "fingerprint": one.fingerprint}


def _reading(event: dict[str, Any]) -> bytes:
    return _pretty(readable(event))


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _lines(entries: list[dict[str, Any]]) -> bytes:
    """A JSON list with one entry a line, so that a diff shows what was added."""
    return b"[\n" + b",\n".join(orjson.dumps(one) for one in entries) + b"\n]\n"
