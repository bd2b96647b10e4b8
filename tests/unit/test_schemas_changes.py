"""Changes over time, on tiny types of the test's own: what is compatible, what is not, and what old bytes read as."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import orjson
import pytest
from pydantic import BaseModel, Field, create_model

from hub.domain.events import Wire
from hub.domain.events.base import Declared
from hub.domain.values import UUID, EnrollmentStatus, JsonText, LessonStatus, Percent, Sealed
from hub.errors import Refused, Unusable
from hub.log.avro_schema import schema_of
from hub.log.codec import Codec
from hub.log.compatibility import findings
from hub.log.schema_files import check, export, load
from hub.log.schema_registry import Registry, unpack

NAME = "lms.tiny.happened.v1"
TOPIC = "lms.tiny"
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
Types = dict[str, type[Wire]]
Fields = dict[str, tuple[Any, Any]]

BASE: Fields = {
    "id": (UUID, ...),
    "share": (Percent | None, None),
    "word": (str, "none"),
    "status": (EnrollmentStatus, ...),
}


def tiny(fields: Fields, name: str = NAME, topic: str = TOPIC, doc: str = "Something tiny happened.") -> Types:
    """A declared type outside of the hub's own registry (which takes classes that name their type in their body)."""
    model: Any = create_model("Tiny", __base__=Wire, __doc__=doc, **fields)
    model.type, model.topic = name, topic
    return {name: model}


def nested(fields: Fields) -> Any:
    return create_model("Inner", __base__=Declared, **fields)


def registry(root: Path) -> Registry:
    """What a process of an installed package would know."""
    return Registry(unpack((root / "hub/log/released.json").read_bytes()))


def codec_of(root: Path) -> Codec:
    known = registry(root)
    return Codec(lambda: known)


def texts(root: Path, types: Types) -> str:
    return "\n".join(one.text for one in check(root, types))


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_export_is_idempotent_and_whole(tmp_path: Path) -> None:
    """The first export writes everything, the second nothing, and the check finds nothing."""
    assert export(tmp_path, types=tiny(BASE)) == [
        "hub/log/released.json",
        "schemas/golden/lms.tiny.happened.v1.1.bin",
        "schemas/golden/lms.tiny.happened.v1.1.json",
        "schemas/ids.json",
        "schemas/lms.tiny/lms.tiny.happened.v1.avsc",
        "schemas/lms.tiny/released/lms.tiny.happened.v1.1.avsc",
    ]
    assert export(tmp_path, types=tiny(BASE)) == []
    assert check(tmp_path, tiny(BASE)) == []


def test_an_older_shape_is_lifted(tmp_path: Path) -> None:
    """Records of an old version read as the newest: added fields have their defaults, dropped ones are gone."""
    export(tmp_path, types=tiny({**BASE, "inner": (nested({"a": (int, 1), "b": (Percent | None, None)}) | None, None)}))
    old = codec_of(tmp_path).encode(
        {"type": NAME, "id": ID, "share": -1250, "word": "gone", "status": "Failed", "inner": {"b": 7}}
    )
    newer = {name: one for name, one in BASE.items() if name != "word"}
    newer |= {"note": (str | None, None), "count": (int, 3), "cost": (Percent | None, None)}
    newer |= {"inner": (nested({"b": (Percent | None, None), "a": (int, 1), "c": (str, "new")}) | None, None)}
    export(tmp_path, types=tiny(newer))

    codec = codec_of(tmp_path)
    expected = {"type": NAME, "id": ID, "share": -1250, "status": "Failed", "note": None, "count": 3, "cost": None}
    assert codec.decode(old) == {**expected, "inner": {"a": 1, "b": 7, "c": "new"}}
    assert int.from_bytes(codec.encode(codec.decode(old))[1:5], "big") == 2
    assert check(tmp_path, tiny(newer)) == []


def test_ids_are_assigned_once(tmp_path: Path) -> None:
    """Every new shape gets the next id; known ones keep theirs, whatever is declared in between."""
    other = tiny({"x": (int, 1)}, name="lms.aaa.first.v1")
    export(tmp_path, types=tiny(BASE))
    export(tmp_path, types={**tiny(BASE), **other})
    export(tmp_path, types={**tiny({**BASE, "more": (int, 0)}), **other})
    assert [(one.id, one.type, one.version) for one in load(tmp_path)] == [
        (1, NAME, 1),
        (2, "lms.aaa.first.v1", 1),
        (3, NAME, 2),
    ]


def test_a_golden_example_of_an_old_version_keeps_its_bytes(tmp_path: Path) -> None:
    """A compatible change never touches what was released, only what it reads as."""
    export(tmp_path, types=tiny(BASE))
    before = snapshot(tmp_path)
    export(tmp_path, types=tiny({**BASE, "more": (int, 0)}))
    after = snapshot(tmp_path)
    for name in ("schemas/golden/lms.tiny.happened.v1.1.bin", "schemas/lms.tiny/released/lms.tiny.happened.v1.1.avsc"):
        assert after[name] == before[name]
    assert orjson.loads(after["schemas/golden/lms.tiny.happened.v1.1.json"])["more"] == 0


def test_words_and_enumerations_are_no_new_version(tmp_path: Path) -> None:
    """Documentation and values of an enumeration change no byte: same id, newest file written anew."""
    export(tmp_path, types=tiny(BASE))
    changed = tiny(
        {**BASE, "status": (LessonStatus, ...), "id": (UUID, Field(description="Which one"))}, doc="Told better."
    )
    assert "not what the declarations give" in texts(tmp_path, changed)
    assert export(tmp_path, types=changed) == ["schemas/lms.tiny/lms.tiny.happened.v1.avsc"]
    assert check(tmp_path, changed) == []


def test_fresh_starts_again(tmp_path: Path) -> None:
    """Before the first release, versions and ids may be forgotten; what is not declared any more leaves no file."""
    export(tmp_path, types=tiny(BASE, name="lms.old.name.v1"))
    export(tmp_path, types=tiny({"n": (int, ...)}), fresh=True)
    assert [(one.id, one.type, one.version) for one in load(tmp_path)] == [(1, NAME, 1)]
    assert not [name for name in snapshot(tmp_path) if "lms.old" in name]
    assert check(tmp_path, tiny({"n": (int, ...)})) == []


Loose = Annotated[Decimal, Field(max_digits=7, decimal_places=2)]

INCOMPATIBLE: list[tuple[str, Fields, str]] = [
    (
        "removed without default",
        {"id": None},
        "field id of .* was removed.*version 1 could not read.*lms.tiny.happened.v2",
    ),  # type: ignore[dict-item]
    ("added without default", {"more": (str, ...)}, "field more of .* added without a default.*Give it a default"),
    ("lost its default", {"word": (str, ...)}, 'field word of .* lost its default.*"none".*lms.tiny.happened.v2'),
    ("another default", {"word": (str, "other")}, 'field word of .* had the default "none".*now has "other"'),
    ("another type", {"word": (int, 0)}, "field word of .* was string in version 1 and now is long"),
    ("text to bytes", {"status": (bytes, ...)}, "field status of .* was string in version 1 and now is bytes"),
    (
        "more digits",
        {"share": (Loose | None, None)},
        r"field share of .* was a decimal\(5, 2\) or null .* now is a decimal\(7, 2\) or null",
    ),
    (
        "required to nullable",
        {"word": (str | None, None)},
        "field word of .* was string in version 1 and now is string or null",
    ),
    (
        "nullable to required",
        {"share": (Percent, ...)},
        r"field share of .* was a decimal\(5, 2\) or null .* now is a decimal\(5, 2\):",
    ),
    (
        "sealed to clear",
        {"name": (str | None, None)},
        "field name of .* was a sealed text or null .* now is string or null",
    ),
    (
        "JSON to text",
        {"document": (str | None, None)},
        "field document of .* was a JSON text or null .* now is string or null",
    ),
    (
        "nested",
        {"inner": (nested({"a": (str, "1")}), ...)},
        "field inner.a of .* was long in version 1 and now is string",
    ),
]


@pytest.mark.parametrize(
    ("change", "says"), [case[1:] for case in INCOMPATIBLE], ids=[case[0] for case in INCOMPATIBLE]
)
def test_an_incompatible_change_is_refused_in_words(tmp_path: Path, change: Fields, says: str) -> None:
    """Export writes nothing, and both export and check say what is wrong, whom it hurts and what to do instead."""
    base = {
        **BASE,
        "name": (Sealed | None, None),
        "document": (JsonText | None, None),
        "inner": (nested({"a": (int, 1)}), ...),
    }
    export(tmp_path, types=tiny(base))
    before = snapshot(tmp_path)
    changed = tiny({name: one for name, one in {**base, **change}.items() if one is not None})
    with pytest.raises(Refused) as caught:
        export(tmp_path, types=changed)
    assert re.search(says, str(caught.value))
    assert snapshot(tmp_path) == before
    assert re.search(says, texts(tmp_path, changed))


def test_the_library_avro_has_the_last_word() -> None:
    """What the hub's own rules have no words for is still found, by Avro's rules, in both directions."""
    old = schema_of(tiny(BASE)[NAME])
    assert findings(old, 1, old) == []
    said = [one.text for one in findings({**old, "name": "other"}, 1, old)]
    assert [text.split(" by Avro")[0] for text in said] == [
        f"{NAME}: records of version 1 can no longer be read",
        f"{NAME}: subscribers who read by version 1 could not read today's records",
    ]


def test_compatibility_is_with_every_version(tmp_path: Path) -> None:
    """A name given up in one version and taken again with another type hurts readers of the first."""
    export(tmp_path, types=tiny(BASE))
    export(tmp_path, types=tiny({name: one for name, one in BASE.items() if name != "word"}))
    with pytest.raises(Refused, match=r"field word .* was string in version 1 and now is long"):
        export(tmp_path, types=tiny({**BASE, "word": (int, 0)}))


def test_a_released_type_stays_declared_on_its_topic(tmp_path: Path) -> None:
    """Records of a type that nobody declares could not be read, and one that moves is missed by its subscribers."""
    export(tmp_path, types=tiny(BASE))
    assert "no longer declared" in texts(tmp_path, {})
    assert "moved from lms.tiny to lms.other" in texts(tmp_path, tiny(BASE, topic="lms.other"))


def test_a_change_that_is_not_exported_is_found(tmp_path: Path) -> None:
    """A compatible change or a new type must be exported before it can be written."""
    export(tmp_path, types=tiny(BASE))
    assert "not exported" in texts(tmp_path, tiny({**BASE, "more": (int, 0)}))
    assert "lms.new.one.v1" in texts(tmp_path, {**tiny(BASE), **tiny(BASE, name="lms.new.one.v1")})
    with pytest.raises(Unusable, match="more"):
        codec_of(tmp_path).encode({"type": NAME, "id": ID, "status": "Failed", "more": 1})


def _replace(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("schemas/golden/lms.tiny.happened.v1.1.json", b'"share": 1235', b'"share": 1236', "no longer read as"),
        (
            "schemas/golden/lms.tiny.happened.v1.1.bin",
            b"\x00\x00\x00\x00\x01",
            b"\x00\x00\x00\x00\x09",
            "can no longer be read",
        ),
        (
            "schemas/lms.tiny/lms.tiny.happened.v1.avsc",
            b"tiny happened.",
            b"big happened.",
            "not what the declarations give",
        ),
        (
            "schemas/lms.tiny/released/lms.tiny.happened.v1.1.avsc",
            b'"precision": 5',
            b'"precision": 6',
            "not what was released under id 1",
        ),
        ("schemas/ids.json", b'"id":1', b'"id":2', "not what the declarations give"),
        ("hub/log/released.json", b'"id":1', b'"id":2', "not what the declarations give"),
    ],
)
def test_the_check_bites(tmp_path: Path, file: str, old: bytes, new: bytes, says: str) -> None:
    """Every file of the contract is looked at: one altered byte is found and named."""
    export(tmp_path, types=tiny(BASE))
    _replace(tmp_path / file, old, new)
    assert says in texts(tmp_path, tiny(BASE))


def test_an_encoder_that_writes_other_bytes_is_found(tmp_path: Path) -> None:
    """Bytes that read alike and are not what the encoder makes today: an event decided twice would differ."""
    export(tmp_path, types=tiny(BASE))
    path = tmp_path / "schemas/golden/lms.tiny.happened.v1.1.bin"
    # A decimal with a needless leading byte: Avro allows it, and it is the same number.
    _replace(path, b"\x02\x04\x04\xd3", b"\x02\x06\x00\x04\xd3")
    assert "no longer gives the same bytes" in texts(tmp_path, tiny(BASE))


@pytest.mark.parametrize("ending", ["bin", "json"])
def test_a_missing_golden_example_is_found(tmp_path: Path, ending: str) -> None:
    """The bytes of a released version cannot be made again, so export does not pretend to."""
    export(tmp_path, types=tiny(BASE))
    (tmp_path / f"schemas/golden/lms.tiny.happened.v1.1.{ending}").unlink()
    assert export(tmp_path, types=tiny(BASE)) == []
    assert "is missing; restore it" in texts(tmp_path, tiny(BASE))


def test_a_lost_released_schema_is_found(tmp_path: Path) -> None:
    """Without the schema of an id its records are lost; the check says so instead of failing."""
    export(tmp_path, types=tiny(BASE))
    (tmp_path / "schemas/lms.tiny/released/lms.tiny.happened.v1.1.avsc").unlink()
    assert "Restore schemas/" in texts(tmp_path, tiny(BASE))


def test_a_file_that_belongs_to_nothing_is_found(tmp_path: Path) -> None:
    """What lies in schemas/ is the contract, so nothing else may."""
    export(tmp_path, types=tiny(BASE))
    (tmp_path / "schemas/lms.tiny/lms.tiny.forgotten.v1.avsc").write_text("{}")
    assert "belongs to no declared type" in texts(tmp_path, tiny(BASE))


def test_a_record_used_twice_is_named_once(tmp_path: Path) -> None:
    """Avro lets a name be defined once: the second use refers to the first, and both can be written and read."""
    inner: type[BaseModel] = nested({"a": (Percent, ...)})
    types = tiny({"one": (inner, ...), "other": (inner | None, None)})
    export(tmp_path, types=types)
    event = {"type": NAME, "one": {"a": 1}, "other": {"a": 2}}
    codec = codec_of(tmp_path)
    assert codec.decode(codec.encode(event)) == event
