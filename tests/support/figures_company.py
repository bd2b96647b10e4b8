"""A company with people, courses and learning, made by hand, and written into the tables as the folds leave them.

Everything is told as versions: what a row was after each event, when it happened and when the hub recorded it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

COMPANY = UUID(int=1)
LATER = datetime(2031, 1, 1, tzinfo=UTC)
"""When the hub knows of everything."""
EVENT = UUID(int=77)
HISTORY_OF_PERSON = (
    "employment_status",
    "hire_date",
    "termination_date",
    "leave_start_date",
    "leave_end_date",
    "department_id",
)


@dataclass
class Version:
    """A row after one event."""

    values: dict[str, Any]
    happened: datetime
    recorded: datetime
    own: bool = False
    late: bool = False
    retracted: bool = False


@dataclass
class Enrollment:
    """An enrollment: what never changes, and its versions."""

    id: UUID
    fixed: dict[str, Any]
    versions: list[Version] = field(default_factory=list)


@dataclass
class Lesson:
    """A lesson of an enrollment."""

    id: UUID
    enrollment_id: UUID
    results: list[dict[str, Any]] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)


@dataclass
class World:
    """Everything that the tables hold."""

    zone: str = "UTC"
    currency: str = "USD"
    fiscal_month: int = 1
    departments: dict[UUID, list[tuple[date, datetime, dict[str, Any]]]] = field(default_factory=dict)
    """Versions of each: effective from, recorded, values."""
    people: dict[UUID, list[tuple[date, datetime, dict[str, Any]]]] = field(default_factory=dict)
    integrations: dict[UUID, str] = field(default_factory=dict)
    courses: list[dict[str, Any]] = field(default_factory=list)
    enrollments: dict[UUID, Enrollment] = field(default_factory=dict)
    lessons: dict[UUID, Lesson] = field(default_factory=dict)
    runs: list[tuple[UUID, datetime]] = field(default_factory=list)
    """Integration and end of completed runs."""
    made: int = 100

    def new_id(self) -> UUID:
        """An id of its own."""
        self.made += 1
        return UUID(int=self.made)

    def at(self, day: date, hour: int = 12, minute: int = 0) -> datetime:
        """A moment by the company's clock."""
        return datetime.combine(day, time(hour, minute), ZoneInfo(self.zone)).astimezone(UTC)

    def department(self, name: str, parent: UUID | None = None, since: date = date(2020, 1, 1)) -> UUID:
        """A department since a day."""
        made = self.new_id()
        values = {"code": name[:50], "name": name, "parent_department_id": parent}
        self.departments[made] = [(since, self.at(since), values)]
        return made

    def person(self, department: UUID | None = None, hired: date = date(2020, 1, 1), **more: Any) -> UUID:
        """An employee since a day."""
        made = self.new_id()
        values = dict.fromkeys(HISTORY_OF_PERSON) | {
            "employment_status": "Active", "hire_date": hired, "department_id": department, **more,
        }  # fmt: skip
        self.people[made] = [(hired, self.at(hired), values)]
        return made

    def changed(self, who: UUID, since: date, recorded: datetime | None = None, **values: Any) -> None:
        """A later version of an employee or department."""
        versions = self.people.get(who) or self.departments[who]
        versions.append((since, recorded or self.at(since), versions[-1][2] | values))

    def integration(self, name: str) -> UUID:
        """An LMS."""
        made = self.new_id()
        self.integrations[made] = name
        return made

    def course(self, integration: UUID, course_id: str, **values: Any) -> dict[str, Any]:
        """A course of the catalog."""
        made = {
            "lms_integration_id": integration,
            "course_id": course_id,
            "course_name": f"Course {course_id}",
            **values,
        }
        self.courses.append(made)
        return made

    def enroll(self, who: UUID | None, integration: UUID, course_id: str, on: date, **more: Any) -> Enrollment:
        """An enrollment that is registered, and not started, on a day. ``more``: what of it differs."""
        fixed = {
            "lms_integration_id": integration, "course_id": course_id, "course_name": f"Course {course_id}",
            "course_type": "eLearning", "instructor_id": None, "is_mandatory": False, "is_compliance_training": False,
            "cost_amount": None, "currency_code": None,
        }  # fmt: skip
        fixed |= {name: more.pop(name) for name in list(more) if name in fixed}
        made = Enrollment(self.new_id(), fixed)
        self.enrollments[made.id] = made
        values = dict.fromkeys(OF_ENROLLMENT) | {
            "employee_id": who, "enrollment_status": "Not Started", "enrollment_date": on, **more,
        }  # fmt: skip
        made.versions.append(Version(values, self.at(on), self.at(on)))
        return made

    def tell(
        self, row: Enrollment | Lesson, at: date | datetime, recorded: datetime | None = None,
        own: bool = True, late: bool = False, retracted: bool = False, **values: Any,
    ) -> None:  # fmt: skip
        """A later version of an enrollment or lesson."""
        happened = at if isinstance(at, datetime) else self.at(at)
        known = row.versions[-1].values if row.versions else dict.fromkeys(OF_LESSON)
        row.versions.append(Version(known | values, happened, recorded or happened, own, late, retracted))

    def lesson(self, enrollment: Enrollment, results: list[dict[str, Any]] | None = None) -> Lesson:
        """A lesson of an enrollment, of which nothing was told yet."""
        made = Lesson(self.new_id(), enrollment.id, results or [])
        self.lessons[made.id] = made
        return made


OF_ENROLLMENT = (
    "employee_id", "enrollment_status", "enrollment_date", "start_date", "end_date", "completion_date", "due_date",
    "progress_percentage", "score_achieved", "max_score", "passing_score", "last_access_date", "time_spent_seconds",
    "valid_from", "valid_until", "revoked_on", "waived",
)  # fmt: skip
OF_LESSON = (
    "employee_id", "progress_status", "completion_date", "time_spent_seconds", "score_achieved", "max_score", "attempts_count",
    "completion_percentage", "last_access_date",
)  # fmt: skip


# -- into the tables ------------------------------------------------------------------------------------------------


def write(connection: psycopg.Connection[Any], world: World) -> None:
    """Write it into empty tables."""
    own = {"company_id": COMPANY}
    _insert(connection, "company", id=COMPANY, code="ACME", name="Acme", time_zone=world.zone, currency_code=world.currency,
            fiscal_year_start_month=world.fiscal_month)  # fmt: skip
    for table, rows in (("department", world.departments), ("employee", world.people)):
        for row_id, versions in rows.items():
            since, _, values = versions[-1]
            _insert(connection, table, id=row_id, effective_from=since, **own, **values)
            for number, (effective, recorded, told) in enumerate(versions, 1):
                _insert(connection, f"{table}_history", id=row_id, version=number, event_id=EVENT, effective_from=effective,
                        recorded_at=recorded, created_at=recorded, updated_at=recorded, **own, **told)  # fmt: skip
    for row_id, name in world.integrations.items():
        _insert(connection, "lms_integration_config", id=row_id, lms_code=name, lms_name=f"LMS {name}", **own)
    for values in world.courses:
        _insert(connection, "course", id=world.new_id(), course_key=values["course_id"], created_at=world.at(date(2020, 1, 1)),
                **own, **values)  # fmt: skip
    for integration, ended in world.runs:
        _insert(
            connection,
            "sync_run",
            id=world.new_id(),
            lms_integration_id=integration,
            status="completed",
            ended_at=ended,
            **own,
        )
    for enrollment in world.enrollments.values():
        _write_enrollment(connection, enrollment)
    for lesson in world.lessons.values():
        _write_lesson(connection, world, lesson)


def _write_enrollment(connection: psycopg.Connection[Any], row: Enrollment) -> None:
    last = row.versions[-1].values
    state = {name: str(last[name]) for name in ("valid_from", "valid_until", "revoked_on") if last[name]}
    present = {name: last[name] for name in OF_ENROLLMENT if name not in (*IN_STATE, "time_spent_seconds")}
    _insert(connection, "lms_course_enrollment", id=row.id, company_id=COMPANY, enrollment_number=f"E-{row.id.int}",
            course_code=row.fixed["course_id"], fold_state=state, **row.fixed, **present)  # fmt: skip
    kept = {name: row.fixed[name] for name in ("lms_integration_id", "course_id")}
    for number, version in enumerate(row.versions, 1):
        _insert(
            connection,
            "lms_course_enrollment_history",
            **_of_version(row.id, number, version),
            **kept,
            **version.values,
        )


IN_STATE = ("valid_from", "valid_until", "revoked_on", "waived")


def _write_lesson(connection: psycopg.Connection[Any], world: World, row: Lesson) -> None:
    enrollment = world.enrollments[row.enrollment_id]
    of = {"enrollment_id": row.enrollment_id, "lesson_id": f"L{row.id.int}"}
    integration = {name: enrollment.fixed[name] for name in ("lms_integration_id", "course_id")}
    _insert(connection, "lms_learning_progress", id=row.id, company_id=COMPANY, assessment_results=row.results, **of, **integration,
            **row.versions[-1].values)  # fmt: skip
    for number, version in enumerate(row.versions, 1):
        _insert(
            connection, "lms_learning_progress_history", **_of_version(row.id, number, version), **of, **version.values
        )


def _of_version(row_id: UUID, number: int, version: Version) -> dict[str, Any]:
    return {
        "id": row_id, "version": number, "event_id": EVENT, "company_id": COMPANY, "recorded_at": version.recorded,
        "occurred_at": version.happened, "own_activity": version.own, "late": version.late, "retracted": version.retracted,
    }  # fmt: skip


def _insert(connection: psycopg.Connection[Any], table: str, **values: Any) -> None:
    query = psycopg.sql.SQL("INSERT INTO hub.{} ({}) VALUES ({})").format(
        psycopg.sql.Identifier(table),
        psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values)),
        psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() * len(values)),
    )
    connection.execute(query, [Jsonb(v) if isinstance(v, dict | list) else v for v in values.values()])
