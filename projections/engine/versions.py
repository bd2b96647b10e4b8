"""The version of a row that an event made, as its history keeps it; a function of the row before and after and the event."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Table

from hub.domain.events.learning import OWN_ACTIVITY
from hub.domain.rows import STATE, Row
from projections import audit
from projections.plain import names_of
from projections.tables import HISTORY

Event = Mapping[str, Any]

OF_LEARNING = frozenset({"lms_course_enrollment", "lms_learning_progress"})
OF_EVENT = frozenset({
    "version", "event_id", "recorded_at", "occurred_at", "own_activity", "late", "retracted", "retracts", "corrected",
    "former_employee_id",
})  # fmt: skip
"""Columns of histories that the event fills, not the row."""


def version_of(table: Table, known: Row | None, new: Row, event: Event) -> Row:
    """The row of the history of ``table`` that goes with a row's new version."""
    columns, beside = _kept(table)
    version = {name: new[name] for name in columns}
    version["version"] = event["version"]
    version["event_id"] = event["event_id"]
    version["recorded_at"] = event["recorded_at"]
    if table.name in OF_LEARNING:
        version["occurred_at"] = event["occurred_at"]
        version["own_activity"] = _is_own_activity(event, known, new)
        version["late"] = event["late"]
        version["retracted"] = event["retracts"] is not None
        version["retracts"] = event["retracts"]
        version["corrected"] = True if "enrollment.corrected" in event["transitions"] else None
        state = new[STATE] or {}
        for name in beside:
            version[name] = state.get(name)
        if table.name == "lms_course_enrollment":
            version["former_employee_id"] = _former_employee(known, new)
    elif table.name == "course":
        version["course_version"] = new["version"]
        version["occurred_at"] = event["occurred_at"]
    return version


def _former_employee(known: Row | None, new: Row) -> Any:
    """Whom an enrollment belonged to, where that has changed."""
    former = None if known is None else known["employee_id"]
    return None if former == new["employee_id"] else former


def _is_own_activity(event: Event, known: Row | None, new: Row) -> bool:
    """Whether it shows the learner's own doing, told by a system."""
    if audit.by_person(event):
        return False
    accessed = None if known is None else known["last_access_date"]
    return not OWN_ACTIVITY.isdisjoint(event["transitions"]) or bool(new["last_access_date"] != accessed)


@lru_cache(maxsize=256)
def _kept(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a history keeps of a row: columns, and what lies below ``fold_state``."""
    kept = [name for name in names_of(HISTORY[table.name]) if name not in OF_EVENT]
    columns = tuple(name for name in kept if name in table.columns)
    return columns, tuple(name for name in kept if name not in columns)
