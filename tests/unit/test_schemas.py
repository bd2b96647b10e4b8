"""The schemas that are derived and committed: what they say, and that they are what the declarations give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import avro.schema
import orjson
import pytest
from pydantic import Field, create_model

from hub.domain.events import Wire
from hub.domain.values import EnrollmentStatus
from hub.log.avro_form import fingerprint
from hub.log.avro_schema import declared, schema_of
from hub.log.schema_files import check
from hub.log.schema_registry import packaged

ROOT = Path(__file__).parents[2]
SCHEMAS = {name: schema_of(model) for name, model in declared().items()}


def field(type_name: str, path: str) -> dict[str, Any]:
    schema: Any = SCHEMAS[type_name]
    for name in path.split("."):
        found = next(one for one in schema["fields"] if one["name"] == name)
        schema = found["type"][1] if isinstance(found["type"], list) else found["type"]
    return found


def test_the_committed_contract_is_whole() -> None:
    """schemas/, the packed copy and the golden examples are what the declarations give, and fit all that was released."""
    assert [one.text for one in check(ROOT)] == []


def test_the_package_carries_every_type() -> None:
    """A process finds each declared type in the package data, in the shape that is declared."""
    assert packaged().types() == tuple(sorted(declared()))
    assert {name: packaged().newest(name).fingerprint for name in SCHEMAS} == {
        name: fingerprint(one) for name, one in SCHEMAS.items()
    }


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_valid_and_named_like_its_type(name: str) -> None:
    """Another implementation accepts it; record name, subject and type are one name, and it says what happened."""
    parsed = avro.schema.parse(orjson.dumps(SCHEMAS[name]).decode())
    assert parsed.fullname == name
    assert parsed.doc


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("event_id", {"type": "string", "logicalType": "uuid"}),
        ("occurred_at", {"type": "long", "logicalType": "timestamp-micros"}),
        ("version", "long"),
        ("payload_sha256", ["null", "bytes"]),
        ("transitions", {"type": "array", "items": "string"}),
        ("reported", ["null", {"type": "string", "hub.json": True}]),
        ("enrollment.completion_date", ["null", {"type": "int", "logicalType": "date"}]),
        (
            "enrollment.progress_percentage",
            ["null", {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}],
        ),
        ("enrollment.raw_score", ["null", {"type": "bytes", "logicalType": "decimal", "precision": 14, "scale": 4}]),
        ("enrollment.instructor_name", ["null", {"type": "string", "hub.sealed": True}]),
        (
            "enrollment.enrollment_status",
            ["null", {"type": "string", "hub.enum": [one.value for one in EnrollmentStatus]}],
        ),
    ],
)
def test_each_kind_has_its_form(path: str, expected: Any) -> None:
    """How a kind of value looks in the public schema is part of the contract."""
    assert field("lms.enrollment.progressed.v1", path)["type"] == expected


def test_defaults_are_carried() -> None:
    """Optional is null first with the default null; other defaults are kept; what is required has none."""
    defaults = {
        one["name"]: one.get("default", "required") for one in SCHEMAS["lms.enrollment.progressed.v1"]["fields"]
    }
    names = ("event_id", "follows", "actor_kind", "backfill", "transitions", "affected_employees", "regulation")
    assert [defaults[name] for name in names] == ["required", None, "system", False, [], 0, "None"]


@pytest.mark.parametrize(
    ("annotation", "default", "complaint"),
    [
        (float, ..., "no form in an event"),
        (dict[str, str], ..., "no form in an event"),
        (str | int, ..., "choice of several types"),
        (str | None, ..., "give it the default None"),
        (str | None, "x", "must have the default None"),
        ("Decimal", ..., "max_digits"),
        (list[str], Field(default_factory=list), "constant"),
        (bytes, b"x", "can be defaults"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_name(annotation: Any, default: Any, complaint: str) -> None:
    """A mistake in a declaration is found when the schema is made, and the error names the field."""
    from decimal import Decimal

    model = create_model("Odd", __base__=Wire, odd=(Decimal if annotation == "Decimal" else annotation, default))
    model.type = "lms.odd.happened.v1"
    with pytest.raises(TypeError, match=complaint) as caught:
        schema_of(model)
    assert "Odd.odd" in str(caught.value)


@pytest.mark.parametrize("name", ["lms.odd.happened", "Lms.odd.v1", "v1", "lms.odd-one.v1", "lms.odd.v0"])
def test_a_type_name_has_words_and_a_version(name: str) -> None:
    """A name that Avro or a topic could not carry, or without its version, is refused."""
    model = create_model("Odd", __base__=Wire)
    model.type = name
    with pytest.raises(TypeError, match="ending in a version"):
        schema_of(model)
