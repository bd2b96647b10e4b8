"""The rules of an integration: they do what they say, and what is wrong in them is refused before the first record."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.expressions import as_expression, compile_expression
from connectors.mapping import RecordMapping, compile_mapping, own_fields
from hub.errors import Refused, Unusable
from tests.support.sealing import file_config

STATUS_TABLE = {"values": {"PASSED": "Completed", "Open": "In Progress", "1": "Failed"}, "default": "error"}


def mapping(flat: bool = False, **columns: Any) -> RecordMapping:
    return compile_mapping(file_config(**columns), flat=flat)


def refusal(**columns: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        mapping(**columns)
    assert str(caught.value)
    assert caught.value.expected
    return caught.value


@pytest.mark.parametrize("header", ["Course Name", "E-Mail", "Kurs-Nr.", "Fortschritt %", "Prüfung"])
def test_a_plain_header_needs_no_quoting(header: str) -> None:
    """Headers with blanks and common signs are written as they stand."""
    assert mapping(field_mappings={"course_name": header}).apply({header: "Safety"}) == {"course_name": "Safety"}


@pytest.mark.parametrize("header", ["Score (%)", "a.b", 'say "x"', "user[id]", "Kurs"])
def test_any_header_can_be_quoted(header: str) -> None:
    """What is proposed for a header reads exactly that header."""
    rule = as_expression(header)
    assert mapping(field_mappings={"course_name": rule}).apply({header: "Safety"}) == {"course_name": "Safety"}


def test_an_exact_header_goes_before_an_expression() -> None:
    """``user.name`` is a path, unless the source has a column of that name."""
    rules = mapping(field_mappings={"display_name": "user.name"})
    assert rules.apply({"user": {"name": "Ada"}}) == {"display_name": "Ada"}
    assert rules.apply({"user": {"name": "Ada"}, "user.name": "Grace"}) == {"display_name": "Grace"}
    assert rules.apply({}) == {"display_name": None}


def test_expressions_and_functions() -> None:
    """JMESPath over nested records, with the functions of the hub."""
    rules = mapping(
        field_mappings={
            "display_name": "join(' ', [first, last])",
            "email": "lower(trim(mail))",
            "course_id": "replace(course.code, ' ', '-')",
            "login_name": "trim(missing)",
        }
    )
    source = {"first": "Ada", "last": "Lovelace", "mail": " ADA@example.org ", "course": {"code": "SAFE 101"}}
    assert rules.apply(source) == {
        "display_name": "Ada Lovelace",
        "email": "ada@example.org",
        "course_id": "SAFE-101",
        "login_name": None,
    }


@pytest.mark.parametrize("value", [7, None, {"a": 1}])
def test_a_function_that_cannot_take_a_value_rejects_the_record(value: object) -> None:
    """The record is unusable and the error names the rule, not the value."""
    with pytest.raises(Unusable) as caught:
        mapping(field_mappings={"email": "replace(mail, 'a', to_string(x) && x)"}).apply({"mail": "a", "x": value})
    assert caught.value.field == "email"
    assert caught.value.rule == "field_mappings.email"


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"field_mappings": {"course_id": "length("}}, "field_mappings.course_id"),
        ({"field_mappings": {"course_id": "nofunction(a)"}}, "field_mappings.course_id"),
        ({"field_mappings": {"course_id": "trim(a, b)"}}, "field_mappings.course_id"),
        ({"field_mappings": {"course_id": "a[?contains(b)]"}}, "field_mappings.course_id"),
        ({"field_mappings": {"course_id": ""}}, "field_mappings.course_id"),
        ({"field_mappings": {"course_id": 7}}, "field_mappings.course_id"),
        ({"field_mappings": {"shoe_size": "a"}}, "field_mappings.shoe_size"),
        ({"field_mappings": ["a"]}, "field_mappings"),
        ({"transformation_rules": {"course_id": "record.("}}, "transformation_rules.course_id"),
        ({"transformation_rules": {"course_type": {"value": {}}}}, "transformation_rules.course_type"),
        (
            {"transformation_rules": {"course_type": {"values": {"a": 1, "A ": 2}}}},
            "transformation_rules.course_type.values",
        ),
        ({"validation_rules": {"type": "objekt"}}, "validation_rules.type"),
        (
            {"validation_rules": {"properties": {"email": {"pattern": "("}}}},
            "validation_rules.properties.email.pattern",
        ),
        ({"validation_rules": {"$ref": "https://schemas.example/x"}}, "validation_rules"),
        ({"validation_rules": {"$ref": "#/$defs/none"}}, "validation_rules"),
        ({"validation_rules": {"$ref": "#"}}, "validation_rules"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_column_and_key(columns: dict[str, Any], key: str) -> None:
    """Nothing wrong waits for the first record; no reference is fetched."""
    assert refusal(**columns).field == key


@pytest.mark.parametrize("name", ["enrollment_status", "progress_status"])
def test_a_status_table_needs_a_default_and_known_statuses(name: str) -> None:
    """A status table says what becomes of unknown values, and gives only statuses that the hub knows."""
    missing = refusal(transformation_rules={name: {"values": {"PASSED": "Completed"}}})
    assert missing.field == f"transformation_rules.{name}.default"
    assert refusal(transformation_rules={name: {"values": {"PASSED": "Done"}, "default": "error"}})
    assert refusal(transformation_rules={name: {"values": {"PASSED": "Completed"}, "default": "Done"}})


def test_a_table_of_values() -> None:
    """Compared without case and blanks; an unknown value is an error that names what is known; nothing stays nothing."""
    rules = mapping(
        field_mappings={"enrollment_status": "state"}, transformation_rules={"enrollment_status": STATUS_TABLE}
    )
    found = [rules.apply({"state": state})["enrollment_status"] for state in ("passed ", "OPEN", 1, None, "")]
    assert found == ["Completed", "In Progress", "Failed", None, ""]
    with pytest.raises(Unusable) as caught:
        rules.apply({"state": "LOST"})
    assert caught.value.field == "enrollment_status"
    assert "passed" in caught.value.expected
    assert "LOST" not in str(caught.value)


def test_defaults_of_tables() -> None:
    """A default value stands for unknown values; a table that is not of a status may have none."""
    table = {"values": {"WBT": "eLearning"}}
    keep = mapping(flat=True, transformation_rules={"course_type": table})
    other = mapping(flat=True, transformation_rules={"course_type": table | {"default": "Blended"}})
    source = {"course_type": "Webinar"}
    assert (keep.apply(source), other.apply(source)) == ({"course_type": "Webinar"}, {"course_type": "Blended"})


def test_every_transformation_sees_the_record_as_mapped() -> None:
    """Rules have no order: one does not see what another makes."""
    rules = {"course_id": "join('-', [source.site, record.course_code])", "course_code": "lower(record.course_id)"}
    source = {"course_code": "C1", "course_id": "X", "site": "WIEN"}
    assert mapping(flat=True, transformation_rules=rules).apply(source) == {"course_code": "x", "course_id": "WIEN-C1"}


@pytest.mark.parametrize(
    ("schema", "field", "word"),
    [
        ({"required": ["course_id", "email"]}, "email", "required"),
        ({"properties": {"course_id": {"pattern": "^SAFE-"}}}, "course_id", "pattern"),
        ({"properties": {"due_date": {"format": "date"}}}, "due_date", "format"),
        (
            {"properties": {"course_id": {"$ref": "#/$defs/short"}}, "$defs": {"short": {"maxLength": 2}}},
            "course_id",
            "maxLength",
        ),
        ({"minProperties": 9}, "record", "minProperties"),
    ],
)
def test_validation(schema: dict[str, Any], field: str, word: str) -> None:
    """A record that breaks the schema is unusable; field and rule are named, the value is not."""
    with pytest.raises(Unusable) as caught:
        mapping(flat=True, validation_rules=schema).apply({"course_id": "SECRET", "due_date": "soon"})
    assert caught.value.field == field
    assert word in caught.value.rule
    assert "SECRET" not in str(caught.value)


def test_own_names_in_any_spelling() -> None:
    """Columns that have a field's name are understood; others, and bare facts, are not; a mapping goes before."""
    source = {"Course Name": "Safety", "COURSE_ID": "C", "E-Mail": "a@b", "Completed": "2024-03-13", "Title": "Other"}
    expected = {"course_name": "Safety", "course_id": "C", "email": "a@b"}
    assert mapping(flat=True).apply(source) == expected
    assert mapping(flat=True, field_mappings={"course_name": "Title"}).apply(source) == expected | {
        "course_name": "Other"
    }
    assert mapping().apply(source) == {}


def test_two_spellings_of_one_field_are_refused() -> None:
    """Which one counts is not guessed."""
    with pytest.raises(Unusable) as caught:
        own_fields(["Course Name", "course_name"])
    assert caught.value.field == "course_name"


def test_what_a_file_lacks() -> None:
    """Missing keys and mapped headers that are not there are known before the first row."""
    rules = mapping(flat=True, field_mappings={"course_id": "Kurs", "email": '"Mail (neu)"', "due_date": "trim(Frist)"})
    assert rules.missing_keys(["Kurs"]) == []
    assert mapping(flat=True).missing_keys(["Course Name", "Name"]) == ["learner", "course_id"]
    assert rules.absent_headers(["Kurs"]) == {"email": "Mail (neu)"}


def test_explain() -> None:
    """A dry run shows source, mapped, transformed and validated; where a step fails, that step has the problem."""
    rules = mapping(
        field_mappings={"enrollment_status": "state"},
        transformation_rules={"enrollment_status": STATUS_TABLE},
        validation_rules={"required": ["course_id"]},
        flat=True,
    )
    good = rules.explain({"state": "PASSED", "course_id": "C"})
    assert [step.name for step in good] == ["source", "mapped", "transformed", "validated"]
    assert [step.record["enrollment_status"] for step in good[1:]] == ["PASSED", "Completed", "Completed"]
    assert not any(step.problem for step in good)
    unknown = rules.explain({"state": "LOST", "course_id": "C"})
    assert [(step.name, step.problem is None) for step in unknown][1:] == [("mapped", True), ("transformed", False)]
    invalid = rules.explain({"state": "PASSED"})
    assert (invalid[-1].name, invalid[-1].problem and invalid[-1].problem.field) == ("validated", "course_id")


def test_the_key_of_an_expression() -> None:
    """Only a plain key is one; a path or a call is not."""
    keys = [
        compile_expression(text, "field_mappings.x").key for text in ("Kurs", '"Kurs Id"', "Kurs Id", "a.b", "trim(a)")
    ]
    assert keys == ["Kurs", "Kurs Id", "Kurs Id", None, None]
