"""What the audit trail shows of a change: readable, exact, and never clear personal data or a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Numeric, Table

from hub.domain.rows import Row
from hub.domain.sealing import to_text
from hub.domain.units import moment
from projections.auditvalues import MASK, differences, iso_time
from projections.plain import names_of
from projections.tables import TABLES

ENROLLMENT = TABLES["lms_course_enrollment"]
ID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
SEALED = to_text(b"x" * 40)


def row(**given_values: Any) -> Row:
    return dict.fromkeys(names_of(ENROLLMENT)) | {"id": ID, "created_at": 1, "updated_at": 2} | given_values


def told(old: Row | None, changes: set[str], new: Row | None) -> tuple[Any, ...]:
    """What an auditor reads: the JSON of what is told."""
    return tuple(orjson.loads(orjson.dumps(part)) for part in differences(ENROLLMENT, old, changes, new))


def shown(table: Table, **given_values: Any) -> dict[str, Any]:
    """The values of a first row."""
    return differences(table, None, (), given_values)[1] or {}


def test_values_are_readable() -> None:
    """Each kind of value in the form that the module promises; row times and what is NULL are left out."""
    first = row(progress_percentage=85_50, due_date=19_846, last_access_date=1_714_731_330_000_001, is_mandatory=False)
    assert shown(ENROLLMENT, **first) == {
        "id": ID,
        "progress_percentage": 85.5,
        "due_date": "2024-05-03",
        "last_access_date": "2024-05-03T10:15:30.000001Z",
        "is_mandatory": False,
    }


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_times_are_exact_and_utc(value: int) -> None:
    """The text of a moment is read back as that moment, before 1970 too."""
    read = datetime.fromisoformat(iso_time(value))
    assert read == moment(value)
    assert read.tzinfo == UTC


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 8))
def test_numbers_lose_nothing(value: int, scale: int) -> None:
    """A numeric of up to 15 digits is a JSON number whose text is the exact decimal."""
    table = Table("t", MetaData(), Column("n", Numeric(15, scale)), info={"rules": ()})
    text = orjson.dumps(shown(table, n=value)["n"]).decode()
    assert Decimal(text) == Decimal(value).scaleb(-scale)


def test_long_numbers_are_text() -> None:
    """What a double could not hold is shown as text."""
    table = Table("t", MetaData(), Column("n", Numeric(20, 2)), info={"rules": ()})
    assert shown(table, n=12_345_678_901_234_567_890) == {"n": "123456789012345678.90"}


def test_an_update_shows_what_differs() -> None:
    """Only what differs, without row times and state; what has no column under its own name."""
    old = row(progress_percentage=40_00, grade_achieved=None, course_name="C", fold_state={"attempt": 1, "kept": 1})
    new = old | {
        "progress_percentage": 55_00,
        "grade_achieved": "A",
        "updated_at": 9,
        "fold_state": {"attempt": 2, "kept": 1},
    }
    changes = {"progress_percentage", "grade_achieved", "course_name", "attempt", "kept", "updated_at", "fold_state"}
    assert told(old, changes, new) == (
        {"attempt": 1, "grade_achieved": None, "progress_percentage": 40},
        {"attempt": 2, "grade_achieved": "A", "progress_percentage": 55},
        {"attempt": [1, 2], "grade_achieved": [None, "A"], "progress_percentage": [40, 55]},
    )


def test_a_first_row_and_a_removed_one_show_everything_known() -> None:
    """All columns that are not NULL, on one side only."""
    only = row(course_name="C", fold_state={"attempt": 1, "kept": 1})
    known = {"id": ID, "course_name": "C", "attempt": 1}
    assert told(None, {"attempt", "course_name"}, only) == (None, known, {k: [None, v] for k, v in known.items()})
    assert told(only, {"attempt"}, None) == (known, None, {k: [v, None] for k, v in known.items()})


@pytest.mark.parametrize("new", [row(course_name="C", updated_at=9), None])
def test_where_nothing_differs_nothing_is_told(new: Row | None) -> None:
    """No row, or a row that only has a new time: NULL in all three."""
    assert told(None if new is None else row(course_name="C"), {"course_name", "updated_at"}, new) == (None, None, None)


def test_json_is_compared_as_objects() -> None:
    """Text just folded and objects just read are equal where they mean the same; text is shown as JSON, not as a string."""
    old, new = row(next_courses=["a", "b"], prerequisite_courses='["x"]'), row(next_courses='[ "a","b" ]')
    assert told(old, {"next_courses", "prerequisite_courses"}, new) == (
        {"prerequisite_courses": ["x"]},
        {"prerequisite_courses": None},
        {"prerequisite_courses": [["x"], None]},
    )


def test_personal_values_stay_sealed() -> None:
    """A sealed text is shown as it is; a clear one, which must not be there, never leaves."""
    changed = told(row(instructor_name="Ada Lovelace"), {"instructor_name"}, row(instructor_name=SEALED))
    assert changed[2] == {"instructor_name": [MASK, SEALED]}
    feedback = TABLES["lms_learning_progress"]
    assert shown(feedback, feedback_data=SEALED) == {"feedback_data": SEALED}
    old, new = {"feedback_data": SEALED}, {"feedback_data": to_text(b"y" * 40)}
    assert differences(feedback, old, {"feedback_data"}, new)[0] == {"feedback_data": SEALED}


def test_secrets_are_masked_but_their_change_is_told() -> None:
    """That credentials changed is shown, what they are is not."""
    old, new = ({"authentication_config": {"token": token}} for token in ("one", "two"))
    parts = differences(TABLES["lms_integration_config"], old, {"authentication_config"}, new)
    assert parts[2] == {"authentication_config": [MASK, MASK]}
    assert "one" not in str(parts)
    assert "two" not in str(parts).replace("authentication", "")


def test_of_the_json_of_a_figure_only_what_differs_is_shown() -> None:
    """Members that are equal are left out at every depth, on both sides; a list is one value; other tables show all."""
    table = TABLES["lms_analytics_dashboard"]
    old = dict.fromkeys(names_of(table)) | {
        "additional_metrics": '{"parts":{"a":{"numerator":1,"denominator":2},"b":{"numerator":3}},"left":1,"gone":5}',
        "trend_data": '{"rows":[1,2],"change_to_previous":null}', "department_breakdown": "[1,2]",
    }  # fmt: skip
    new = old | {
        "additional_metrics": '{"parts":{"a":{"numerator":7,"denominator":2},"b":{"numerator":3}},"left":1,"new":6}',
        "trend_data": '{"rows":[1,3],"change_to_previous":null}', "department_breakdown": "[1,3]",
    }  # fmt: skip
    before, after, changes = differences(table, old, ("additional_metrics", "trend_data", "department_breakdown"), new)
    assert before == {
        "additional_metrics": {"parts": {"a": {"numerator": 1}}, "gone": 5}, "trend_data": {"rows": [1, 2]},
        "department_breakdown": [1, 2],
    }  # fmt: skip
    assert after == {
        "additional_metrics": {"parts": {"a": {"numerator": 7}}, "new": 6}, "trend_data": {"rows": [1, 3]},
        "department_breakdown": [1, 3],
    }  # fmt: skip
    assert changes == {name: [before[name], after[name]] for name in before}
    config = TABLES["lms_integration_config"]
    was = dict.fromkeys(names_of(config)) | {"field_mappings": '{"a":"x","b":"y"}'}
    shown_before, _, _ = differences(config, was, {"field_mappings"}, was | {"field_mappings": '{"a":"z","b":"y"}'})
    assert shown_before == {"field_mappings": {"a": "x", "b": "y"}}
