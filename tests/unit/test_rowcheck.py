"""The row check names the first violation and what was expected; that it agrees with PostgreSQL is shown there."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.rows import Row
from hub.errors import Unusable
from projections.plain import names_of
from projections.rowcheck import LAST_DAY, LAST_MICRO, checker
from projections.tables import TABLES

ENROLLMENT = TABLES["lms_course_enrollment"]
INTEGRATION = TABLES["lms_integration_config"]
ID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


def enrollment(**values: Any) -> Row:
    row: Row = dict.fromkeys(names_of(ENROLLMENT))
    row |= {"id": ID, "company_id": ID, "enrollment_number": "E-1", "course_id": "c", "course_name": "C"}
    return row | {"course_code": "c", "enrollment_date": 1, "created_at": 1, "updated_at": 1} | values


@pytest.mark.parametrize(
    ("column", "value", "rule", "expected"),
    [
        ("company_id", None, "required", "given"),
        ("created_at", None, "required", "given"),
        ("id", ID.upper(), "uuid", "a uuid in lower-case letters (8-4-4-4-12)"),
        ("id", ID + "\n", "uuid", "a uuid in lower-case letters (8-4-4-4-12)"),
        ("course_name", "x" * 201, "length", "text of at most 200 characters"),
        ("course_name", "a\x00", "NUL", "text without the character NUL"),
        ("course_type", "elearning", "enum", "one of eLearning, Instructor-led, "),
        ("progress_percentage", 100_01, "chk_progress_range", "from 0 to 100"),
        ("progress_percentage", -1, "chk_progress_range", "from 0 to 100"),
        ("score_achieved", 1_000_00, "range", "a number with at most 3 digits before the point and 2 after it"),
        ("time_spent_minutes", -1, "chk_positive_values", "at least 0"),
        ("total_access_count", True, "range", "a whole number from -2147483648 to 2147483647"),
        ("due_date", LAST_DAY + 1, "range", "a day of the years 1 to 9999"),
        ("last_access_date", LAST_MICRO + 1, "range", "a time of the years 1 to 9999"),
        ("fold_state", {"a": ["\x00"]}, "json", "JSON without the character NUL that can be"),
        ("next_courses", "[1,", "json", "JSON without the character NUL that can be"),
        ("next_courses", [float("inf")], "json", "JSON without the character NUL that can be"),
    ],
)
def test_a_violation_is_named(column: str, value: Any, rule: str, expected: str) -> None:
    """Field, rule and expectation, as data and in one sentence; limits are told in the column's unit."""
    with pytest.raises(Unusable) as error:
        checker(ENROLLMENT)(enrollment(**{column: value}))
    assert (error.value.field, error.value.rule) == (column, rule)
    assert error.value.expected.startswith(expected)
    assert str(error.value) == f"{column} of lms_course_enrollment must be {error.value.expected} (rule: {rule})."


def test_limits_themselves_pass() -> None:
    """The whole range passes, in scaled values and in characters, not bytes."""
    checker(ENROLLMENT)(enrollment(progress_percentage=100_00, course_name="é" * 200, score_achieved=999_99))
    checker(ENROLLMENT)(enrollment(progress_percentage=0, due_date=LAST_DAY, last_access_date=LAST_MICRO))
    checker(ENROLLMENT)(enrollment(fold_state={"a": "\\u0000"}, next_courses='[null, "NaN"]'))


def test_the_first_violation_by_column_is_told() -> None:
    """Of several violations the one of the first column is raised, with ``changed`` too."""
    row = enrollment(course_id=None, next_courses="{", grade_achieved="x" * 11)
    for changed in (None, {"next_courses", "grade_achieved", "course_id"}):
        with pytest.raises(Unusable) as error:
            checker(ENROLLMENT)(row, changed)
        assert error.value.field == "course_id"


def test_only_what_changed_is_checked() -> None:
    """Columns that did not change are not looked at, unless a rule joins them; a name below the state checks the state."""
    row = enrollment(course_id=None, fold_state={"attempt": "\x00"})
    checker(ENROLLMENT)(row, {"course_name"})
    checker(ENROLLMENT)(row, ())
    with pytest.raises(Unusable, match="fold_state"):
        checker(ENROLLMENT)(row, {"attempt"})


@pytest.mark.parametrize("changed", [None, {"error_count"}, {"max_retry_attempts"}])
def test_a_rule_on_two_columns_is_checked_with_either(changed: set[str] | None) -> None:
    """Lowering the limit breaks the rule as much as raising the count; NULL on either side does not."""
    row: Row = dict.fromkeys(names_of(INTEGRATION)) | {"error_count": 4, "max_retry_attempts": 3}
    row |= {"id": ID, "company_id": ID, "lms_name": "L", "lms_code": "LMS", "created_at": 1, "updated_at": 1}
    with pytest.raises(Unusable) as error:
        checker(INTEGRATION)(row, changed)
    assert (error.value.field, error.value.rule) == ("error_count", "chk_error_count_valid")
    assert error.value.expected == "at most max_retry_attempts"
    checker(INTEGRATION)(row | {"error_count": 3}, changed)
    checker(INTEGRATION)(row | {"max_retry_attempts": None}, changed)


def test_no_message_repeats_a_value() -> None:
    """What is refused may be personal, so it does not stand in the error."""
    with pytest.raises(Unusable) as error:
        checker(ENROLLMENT)(enrollment(instructor_name="Ada" * 100))
    assert "Ada" not in str(error.value)
