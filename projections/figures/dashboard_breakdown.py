"""The breakdowns of a row: a line per department and per form of course, and the courses completed most and least."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from projections.figures.base import rounded
from projections.figures.dashboard_numbers import COURSE, COURSE_TYPE, DEPARTMENT, Numbers
from projections.figures.dashboard_sql import NOBODY

SHOWN_COURSES = 10
NONE = "0"
"""The number of no department."""
COUNTS = {"people": "enrolled", "total": "total", "active": "active", "completed": "completed", "overdue": "overdue"}
"""Field of a line → its measure."""


def departments(
    numbers: Numbers, names: Mapping[str, tuple[str, str | None]], *, tracked: bool
) -> list[dict[str, Any]]:
    """A line per department of its own people, by name; those without a department are the last line."""
    lines = []
    for department, told in numbers.lines[DEPARTMENT].items():
        known, name = names.get(department or NONE, (None, None))
        head = {"department_id": known, "name": name}
        lines.append(head | _line(told, tracked=tracked))
    kept = [line for line in lines if _says_something(line)]
    return sorted(
        kept, key=lambda line: (line["department_id"] is None, line["name"] or "", line["department_id"] or "")
    )


def course_types(numbers: Numbers, *, tracked: bool) -> dict[str, Any]:
    """Lines per form of course (the unknown form last), and the ten courses with most and with least completion."""
    lines = [{"course_type": name} | _line(told, tracked=tracked) for name, told in numbers.lines[COURSE_TYPE].items()]
    kept = [line for line in lines if _says_something(line)]
    courses = [_course(key or "", told) for key, told in numbers.lines[COURSE].items()]
    best = sorted(courses, key=lambda one: (-_rate(one), *_name(one)))
    worst = sorted(courses, key=lambda one: (_rate(one), *_name(one)))
    return {
        "lines": sorted(kept, key=lambda line: (line["course_type"] is None, line["course_type"] or "")),
        "most_completed": best[:SHOWN_COURSES],
        "least_completed": worst[:SHOWN_COURSES],
    }


def _line(told: Mapping[str, Any], *, tracked: bool) -> dict[str, Any]:
    line: dict[str, Any] = {name: told.get(of) or 0 for name, of in COUNTS.items()}
    line["completion_rate"] = percent(line["completed"], line["total"])
    line["compliance_completion"] = percent(told.get("met") or 0, told.get("required") or 0)
    line["hours"] = rounded(Fraction(told.get("seconds") or 0, 3600), 2) / 100 if tracked else None
    return line


def _course(key: str, told: Mapping[str, Any]) -> dict[str, Any]:
    integration, _, course = key.partition(" ")
    return {
        "course_id": course,
        "course_name": told["course_name"],
        "lms_integration_id": None if integration == NOBODY else integration,
        "total": told["total"],
        "completed": told["completed"],
        "completion_rate": percent(told["completed"], told["total"]),
    }


def percent(numerator: int, denominator: int) -> float | None:
    """A percentage with two decimals; None where there is nothing to divide by."""
    return rounded(Fraction(numerator, denominator) * 100, 2) / 100 if denominator else None


def _rate(course: Mapping[str, Any]) -> Fraction:
    return Fraction(course["completed"], course["total"])


def _name(course: Mapping[str, Any]) -> tuple[str, str]:
    return course["course_id"], course["lms_integration_id"] or ""


def _says_something(line: Mapping[str, Any]) -> bool:
    return any(line[name] for name in COUNTS) or bool(line["hours"]) or line["compliance_completion"] is not None
