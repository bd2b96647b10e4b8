"""Breakdowns and trends of a dashboard's row, from numbers alone."""

from __future__ import annotations

from typing import Any

from projections.figures.dashboard_breakdown import SHOWN_COURSES, course_types, departments, percent
from projections.figures.dashboard_numbers import COURSE, COURSE_TYPE, DEPARTMENT, Numbers
from projections.figures.dashboard_scopes import NAME_LENGTH, TYPES, Scope
from projections.figures.dashboard_sql import FACTS, MEASURES, MEMBERSHIP, NOBODY, PERIOD, STATE, steps
from projections.tables.figures import DASHBOARD_TYPES

NAMES = {"1": ("id-1", "Yard"), "2": ("id-2", "Hall")}


def line(kind: str, name: str | None, **told: Any) -> Numbers:
    """Numbers with one line."""
    numbers = Numbers()
    numbers.take({"scope": 1, "kind": kind, "line": name, **told})
    return numbers


def test_a_percentage_of_nothing_is_unknown() -> None:
    """Never 0."""
    assert (percent(0, 0), percent(0, 3), percent(1, 3), percent(1, 8)) == (None, 0, 33.33, 12.5)


def test_departments_by_name_and_those_without_one_last() -> None:
    """A line that says nothing is left out; hours are unknown where no source tracks time."""
    numbers = Numbers()
    for number, total in (("0", 2), ("1", 1), ("2", 3), ("3", 0)):
        numbers.take({"scope": 1, "kind": DEPARTMENT, "line": number, "total": total, "completed": 1 if total else 0})
    lines = departments(numbers, NAMES, tracked=False)
    assert [(one["name"], one["total"]) for one in lines] == [("Hall", 3), ("Yard", 1), (None, 2)]
    assert [one["hours"] for one in lines] == [None] * 3


def test_measures_of_one_line_come_together() -> None:
    """Counts, people, time and compliance are answers of several measures."""
    numbers = line(COURSE_TYPE, "Workshop", total=4, completed=1)
    for told in ({"enrolled": 3}, {"seconds": 5400}, {"required": 2, "met": 1}, {"overdue": 1}):
        numbers.take({"scope": 1, "kind": COURSE_TYPE, "line": "Workshop", **told})
    (found,) = course_types(numbers, tracked=True)["lines"]
    assert found == {
        "course_type": "Workshop", "people": 3, "total": 4, "active": 0, "completed": 1, "overdue": 1, "completion_rate": 25,
        "compliance_completion": 50, "hours": 1.5,
    }  # fmt: skip


def test_ten_courses_with_most_and_with_least_completion() -> None:
    """By rate, then by id; a course of no known LMS says so."""
    numbers = Numbers()
    for number in range(12):
        key = f"{NOBODY if number == 0 else 'lms'} C{number:02}"
        numbers.take({"kind": COURSE, "line": key, "course_name": "x", "total": 12, "completed": 12 - number})
    told = course_types(numbers, tracked=True)
    assert [one["course_id"] for one in told["most_completed"]] == [f"C{number:02}" for number in range(SHOWN_COURSES)]
    assert [one["course_id"] for one in told["least_completed"]][:2] == ["C11", "C10"]
    assert told["most_completed"][0]["lms_integration_id"] is None


def test_every_type_of_dashboard_is_about_something() -> None:
    """And a name that is too long is cut, not refused."""
    assert {name for names in TYPES.values() for name in names} == set(DASHBOARD_TYPES)
    assert len(Scope(1, "department", "d", "x" * 300).dashboard_name("Manager")) == NAME_LENGTH


def test_every_step_is_one_query() -> None:
    """A step that is not found would be computed from nothing."""
    for file in (FACTS, STATE, MEMBERSHIP, PERIOD, MEASURES):
        for name, query in steps(file).items():
            code = "\n".join(line for line in query.splitlines() if not line.startswith("--"))
            assert code.startswith(("SELECT", "WITH")), name
            assert ";" not in code, name
