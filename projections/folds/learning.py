"""Folds of ``lms.learning``: enrollments and lessons."""

from __future__ import annotations

from hub.domain import ids
from hub.domain.rows import Row, applied
from projections.folds.base import PlainEvent, Projection, blank, columns_of
from projections.tables import TABLES

ENROLLMENT = TABLES["lms_course_enrollment"]
PROGRESS = TABLES["lms_learning_progress"]
ENROLLMENT_COLUMNS = columns_of(ENROLLMENT)
PROGRESS_COLUMNS = columns_of(PROGRESS)
IN_STATE = "time_spent_seconds"
"""Kept beside the enrollment's minutes, which are whole."""


def _enrollment_keys(event: PlainEvent) -> tuple[str, ...]:
    return (event["enrollment_row_id"], *event["other_cycle_ids"])


def _relinked(row: Row | None, event: PlainEvent) -> Row | None:
    """A further row of the stream gets the employee that the event names."""
    if row is None or row["employee_id"] == event["employee_id"]:
        return None
    return {**row, "employee_id": event["employee_id"], "updated_at": event["recorded_at"]}


def fold_enrollment(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
    """A cycle's row. The first event of a cycle makes it; a late fact may leave it as it is."""
    if row_id in event["other_cycle_ids"]:
        return _relinked(row, event)
    changes, cleared = event["enrollment"] or {}, event["enrollment_cleared"]
    if row is None:
        row = blank(ENROLLMENT)
        row["id"] = row_id
        row["company_id"] = event["company_id"]
        row["lms_integration_id"] = event["integration_id"]
        row["enrollment_number"] = ids.enrollment_number(row_id)
        row["created_at"] = event["recorded_at"]
        row["created_by_user_id"] = event["performed_by"]
        row["fold_state"] = {
            "cycle": event["cycle"],
            "account_id": event["account_id"],
            "course_key": event["course_key"],
        }
    elif not changes and not cleared:
        return None
    new = applied(row, ENROLLMENT_COLUMNS, changes, cleared)
    seconds = changes.get(IN_STATE)
    if seconds is not None:
        new["time_spent_minutes"] = seconds // 60
    elif IN_STATE in cleared:
        new["time_spent_minutes"] = None
    if event["performed_by"] is not None:
        new["updated_by_user_id"] = event["performed_by"]
    new["updated_at"] = event["recorded_at"]
    return new


def _lesson_keys(event: PlainEvent) -> tuple[str, ...]:
    own = (event["lesson_row_id"],) if event["lesson_row_id"] else ()
    return (*own, *event["linked_lesson_ids"])


def fold_lesson(row: Row | None, event: PlainEvent, row_id: str) -> Row | None:
    """A lesson's row. ``employee_id`` is copied when the row begins; a link later is an event of its own."""
    if row_id in event["linked_lesson_ids"]:
        return _relinked(row, event)
    changes, cleared = event["lesson"] or {}, event["lesson_cleared"]
    if row is None:
        row = blank(PROGRESS)
        row["id"] = row_id
        row["company_id"] = event["company_id"]
        row["lms_integration_id"] = event["integration_id"]
        row["enrollment_id"] = event["enrollment_row_id"]
        row["employee_id"] = event["employee_id"]
        row["course_id"] = ids.short_key(event["course_key"], 100)
        row["lesson_id"] = event["lesson_id"]
        row["created_at"] = event["recorded_at"]
    elif not changes and not cleared:
        return None
    new = applied(row, PROGRESS_COLUMNS, changes, cleared)
    new["updated_at"] = event["recorded_at"]
    return new


PROJECTIONS = (
    Projection(ENROLLMENT, _enrollment_keys, fold_enrollment, ENROLLMENT_COLUMNS),
    Projection(PROGRESS, _lesson_keys, fold_lesson, PROGRESS_COLUMNS),
)
