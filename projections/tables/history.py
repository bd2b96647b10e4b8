"""``<name>_history``: every version that a row ever had, derived from the declaration of its table.

The directory keeps whole rows. Enrollments and lessons move a hundred times as often: theirs are narrow, they hold what
figures and questions about a day in the past are answered from, and have no index but that by time, and one of the few
versions that changed whose the enrollment is. No foreign keys: each version is written in the transaction of its parent's
row, which has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, Column, Date, Index, Integer, PrimaryKeyConstraint, String, Table, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeEngine

from projections.tables.base import Base, add_checks
from projections.tables.catalog import Course
from projections.tables.enrollment import CourseEnrollment
from projections.tables.organization import Company, Department, Team
from projections.tables.people import Employee, User
from projections.tables.progress import LearningProgress
from projections.tables.rules import AtMostColumn, Rule

WHOLE = (Company, Department, Team, User, Employee)
"""The declarations whose rows keep their past versions whole."""

ENROLLMENT = (
    "id", "company_id", "lms_integration_id", "employee_id", "course_id", "enrollment_status", "enrollment_date", "start_date",
    "end_date", "completion_date", "due_date", "progress_percentage", "score_achieved", "max_score", "passing_score",
    "last_access_date",
)  # fmt: skip
"""Columns of an enrollment that its versions keep."""
PROGRESS = (
    "id", "company_id", "enrollment_id", "employee_id", "lesson_id", "progress_status", "completion_date", "time_spent_seconds",
    "score_achieved", "max_score", "attempts_count", "completion_percentage", "last_access_date",
)  # fmt: skip
"""Columns of a lesson that its versions keep."""
COURSE = (
    "id", "company_id", "lms_integration_id", "course_id", "course_code", "course_name", "validity_days", "leads_to_certificate",
    "retired_at",
)  # fmt: skip
"""Columns of a course that its versions keep."""


def _column(name: str, kind: TypeEngine[Any], comment: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, kind, nullable=nullable, comment=comment, info={})


def _of_version() -> list[Column[Any]]:
    """Which event made the version, and when."""
    return [
        _column("version", Integer(), "Version of the stream that the event made: 1, 2, 3, ..."),
        _column("event_id", Uuid(), "Event that made this version."),
        _column("recorded_at", TIMESTAMP(timezone=True), "When the hub recorded the event (UTC)."),
    ]


def _of_learning() -> list[Column[Any]]:
    """What else is to be known of an event that moved an enrollment or a lesson."""
    return [
        _column("occurred_at", TIMESTAMP(timezone=True), "When it happened, by the source's clock (UTC)."),
        _column(
            "own_activity",
            Boolean(),
            "True where it shows the learner's own doing: started, progressed, completed, failed, certified or accessed, "
            "and no person of the company told it by hand.",
        ),
        _column("late", Boolean(), "True where it is older than what was known; it moved nothing back."),
        _column("retracted", Boolean(), "True where the event took a fact out."),
        _column("retracts", Uuid(), "Event whose fact was taken out; NULL: none.", nullable=True),
        _column("corrected", Boolean(), "True where a person put values right; NULL: not.", nullable=True),
    ]


def _of_enrollment_state() -> list[Column[Any]]:
    """What the row of an enrollment keeps below ``fold_state``."""
    return [
        _column("time_spent_seconds", Integer(), "Learning time tracked by the LMS, in seconds.", nullable=True),
        _column("valid_from", Date(), "First day on which the certificate is valid.", nullable=True),
        _column(
            "valid_until", Date(), "First day on which it is no longer valid; NULL: no end is known.", nullable=True
        ),
        _column("revoked_on", Date(), "Day on which the certificate was taken back; NULL: it was not.", nullable=True),
        _column("waived", Boolean(), "True when the person was excused; NULL: nobody said so.", nullable=True),
        _column("course_version", String(), "Version of the course that was taken, where it is known.", nullable=True),
    ]


def _of_relinking() -> list[Column[Any]]:
    """Whose the enrollment was: what an employee once had is found without reading all versions."""
    return [
        _column(
            "former_employee_id",
            Uuid(),
            "Employee whom the row belonged to before this version, where it is another one; NULL: the same.",
            nullable=True,
        )
    ]


def _of_course() -> list[Column[Any]]:
    """What a completion on a day in the past is judged by; the table's own ``version`` would be the stream's here."""
    return [
        _column("course_version", String(50), "Version of the course, as the LMS names it.", nullable=True),
        _column("occurred_at", TIMESTAMP(timezone=True), "When it happened, by the source's clock (UTC)."),
    ]


def history_of(parent: Table, kept: Iterable[str], added: Iterable[Column[Any]], *, by_time: bool) -> Table:
    """The history of a table: what is ``kept`` of its columns, which event made the version, and what is ``added``.

    A column of the same name as one that is added is left out. ``by_time``: with an index by ``recorded_at``.
    """
    name = f"{parent.name}_history"
    own = {column.name: column for column in (*_of_version(), *added)}
    copied = [_copy(parent.columns[column]) for column in kept if column not in own]
    columns = {column.name for column in copied} | own.keys()
    history = Table(
        name,
        parent.metadata,
        *copied,
        *own.values(),
        PrimaryKeyConstraint("id", "version", name=f"{name}_pkey"),
        schema=parent.schema,
        comment=f"Every version that a row of {parent.name} had; the highest one is the present row.",
        info={"part": "history", "rules": tuple(rule for rule in parent.info["rules"] if _is_of(rule, columns))},
    )
    if by_time:
        Index(f"{name}_idx_recorded_at", history.columns["recorded_at"], postgresql_using="brin")
    add_checks(history)
    return history


def _is_of(rule: Rule, columns: set[str]) -> bool:
    """Whether a rule of the parent concerns what the history has."""
    return rule.column in columns and (not isinstance(rule, AtMostColumn) or rule.other in columns)


def _copy(column: Column[Any]) -> Column[Any]:
    return Column(column.name, column.type, nullable=column.nullable, comment=column.comment, info=dict(column.info))


def _whole(parent: Table) -> Table:
    kept = [name for name in parent.columns.keys() if name != "fold_state"]  # noqa: SIM118  no mapping
    since = _column("effective_from", Date(), "Day on which it happened: first day of this version.")
    return history_of(parent, kept, [since], by_time=False)


def _table(declaration: type[Base]) -> Table:
    return Base.metadata.tables[f"hub.{declaration.__tablename__}"]


HISTORY: dict[str, Table] = {
    **{declaration.__tablename__: _whole(_table(declaration)) for declaration in WHOLE},
    "lms_course_enrollment": history_of(
        _table(CourseEnrollment), ENROLLMENT, [*_of_enrollment_state(), *_of_learning(), *_of_relinking()], by_time=True
    ),
    "lms_learning_progress": history_of(_table(LearningProgress), PROGRESS, _of_learning(), by_time=True),
    "course": history_of(_table(Course), COURSE, _of_course(), by_time=False),
}
"""The history table of each table that has one, by the name of its parent."""

_RELINKED = HISTORY["lms_course_enrollment"].columns["former_employee_id"]
Index(
    "lms_course_enrollment_history_idx_former_employee_id", _RELINKED, postgresql_where=_RELINKED.is_not(None)
)  # costs nothing but where a link is changed
Index("employee_history_idx_department_id", HISTORY["employee"].columns["department_id"])  # who was in a department
