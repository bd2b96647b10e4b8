"""What the decisions of enrollments and lessons share: their state, their context, and the draft of an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.domain import ids
from hub.domain.events.learning import ordered, type_of
from hub.domain.rows import Row, value_of

Facts = Mapping[str, Any]
"""The facts of an observation as plain values; None means not said."""


def said(facts: Facts) -> Facts:
    """Only what is said: an observation has a place for everything that may be."""
    if None not in facts.values():
        return facts
    return {name: value for name, value in facts.items() if value is not None}


class Told(NamedTuple):
    """Who is told of, and when: the parts of an observation that every decision needs."""

    stream: str
    integration_id: str
    account_id: str
    course_key: str
    source_time: int | None
    observed_at: int
    lesson_key: str | None = None
    course_name: str | None = None
    single: bool = False
    """A single fact with an identity of its own (an xAPI statement), not a state."""

    @property
    def time(self) -> int:
        """The state's own time, else when it was observed."""
        return self.observed_at if self.source_time is None else self.source_time


class Context(NamedTuple):
    """What else a decision may know; read in the same snapshot as the state."""

    now: int
    """When this is decided, microseconds."""
    zone: str = "UTC"
    """The company's time zone."""
    course: Row | None = None
    employee_id: str | None = None
    """The employee that the account is linked to."""
    settings: Mapping[str, Any] = MappingProxyType({})
    """``compliance_settings`` of the integration."""


@dataclass(slots=True)
class State:
    """The stream as it is: the newest cycle's row and, for a lesson, its row."""

    enrollment: Row | None = None
    lesson: Row | None = None

    @property
    def cycle(self) -> int:
        """The number of the newest cycle; 0 before the first."""
        return int(value_of(self.enrollment, "cycle") or 0)


@dataclass(slots=True)
class Draft:
    """What one decision yields: one event's body, before envelope and identity."""

    cycle: int
    row_id: str
    transitions: set[str] = field(default_factory=set)
    enrollment: dict[str, Any] = field(default_factory=dict)
    enrollment_cleared: tuple[str, ...] = ()
    lesson_id: str | None = None
    lesson_row_id: str | None = None
    lesson: dict[str, Any] = field(default_factory=dict)
    lesson_cleared: tuple[str, ...] = ()
    late: bool = False
    existed: bool = True
    """The cycle's row existed before."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The event's type: named after the strongest transition."""
        return type_of(ordered(self.transitions)[-1])

    def body(self, told: Told, compliance: bool) -> dict[str, Any]:
        """The event's body as plain values."""
        return {
            "transitions": list(ordered(self.transitions)),
            "account_id": told.account_id,
            "course_key": told.course_key,
            "cycle": self.cycle,
            "enrollment_row_id": self.row_id,
            "existing_enrollment_id": self.row_id if self.existed else None,
            "late": self.late,
            "compliance_training": compliance,
            "enrollment": self.enrollment or None,
            "enrollment_cleared": list(self.enrollment_cleared),
            "lesson_id": self.lesson_id,
            "lesson_row_id": self.lesson_row_id,
            "lesson": self.lesson or None,
            "lesson_cleared": list(self.lesson_cleared),
            "other_cycle_ids": [],
            "linked_lesson_ids": [],
            **self.extra,
        }


def opened(told: Told, context: Context) -> dict[str, Any]:
    """The values that a new cycle begins with, from the catalogue where it knows the course.

    What the specification requires and no source gives has a written default: the course's key (or its alias) stands
    for its code, its key for its name.
    """
    course = context.course
    short = ids.short_key(told.course_key, 100)
    name = told.course_name or value_of(course, "course_name") or told.course_key
    values = {
        "employee_id": context.employee_id,
        "course_id": short,
        "course_name": name if len(name) <= 200 or told.course_name else short,
        "course_code": value_of(course, "course_code") or ids.short_key(told.course_key, 50),
        "course_type": value_of(course, "course_type"),
        "is_mandatory": value_of(course, "is_mandatory"),
        "is_compliance_training": value_of(course, "is_compliance_training"),
        "passing_score": value_of(course, "passing_score"),
        "prerequisite_courses": value_of(course, "prerequisites"),
        "next_courses": value_of(course, "next_courses"),
        "course_version": value_of(course, "version"),
    }
    return {column: value for column, value in values.items() if value is not None}


def new_draft(told: Told, cycle: int) -> Draft:
    """A draft for a cycle that does not exist yet."""
    return Draft(cycle, ids.enrollment_row(told.stream, cycle), existed=False, transitions={"enrollment.registered"})


def same_draft(state: State) -> Draft:
    """A draft for the newest cycle."""
    row = state.enrollment
    if row is None:
        raise ValueError("a stream without rows has no newest cycle")
    return Draft(state.cycle, str(row["id"]))
