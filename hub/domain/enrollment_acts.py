"""Decisions about an enrollment that come from people, reactors and the clock instead of an LMS.

Each takes the newest cycle's row and yields a draft, or none where nothing would change. They do not count as states of
the LMS: no act makes a later observation late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.domain.learning import Draft
from hub.domain.rows import Changes, Row, value_of
from hub.domain.status import ENDED
from hub.domain.values import EnrollmentStatus as E
from hub.errors import Refused

CORRECTABLE = frozenset({
    "enrollment_status", "enrollment_date", "start_date", "end_date", "completion_date", "due_date", "progress_percentage",
    "score_achieved", "max_score", "passing_score", "grade_achieved", "credits_earned", "cost_amount", "currency_code",
    "is_mandatory", "is_compliance_training", "valid_from", "valid_until", "course_version",
})  # fmt: skip
"""What a person may put right."""
NEVER_UNKNOWN = frozenset({"enrollment_status", "enrollment_date"})


def _draft(row: Row, transition: str, changes: Mapping[str, Any], cleared: tuple[str, ...] = ()) -> Draft:
    return Draft(
        int(value_of(row, "cycle") or 1),
        str(row["id"]),
        transitions={f"enrollment.{transition}"},
        enrollment=dict(changes),
        enrollment_cleared=cleared,
    )


def linked(row: Row, employee_id: str) -> Draft | None:
    """The account of the enrollment is linked to this employee."""
    if row.get("employee_id") == employee_id:
        return None
    return _draft(row, "linked", {"employee_id": employee_id})


def unlinked(row: Row) -> Draft | None:
    """The account of the enrollment is linked to nobody."""
    if row.get("employee_id") is None:
        return None
    return _draft(row, "unlinked", {}, ("employee_id",))


def waived(row: Row, day: int, at: int) -> Draft | None:
    """Somebody is excused: it counts as completed on this day, with the grade "Waived"."""
    if row["enrollment_status"] in ENDED:
        raise Refused(
            f"enrollment_status: is {row['enrollment_status']}; expected an enrollment that has not ended",
            field="enrollment_status", rule="not ended", expected="Not Started, In Progress or On Hold",
        )  # fmt: skip
    values = {
        "enrollment_status": E.COMPLETED.value,
        "completion_date": day,
        "grade_achieved": "Waived",
        "waived": True,
    }
    return _draft(row, "waived", values | {"ended_at": at})


def due_date_changed(row: Row, day: int | None) -> Draft | None:
    """The deadline is this day, or none; it may be missed anew."""
    if row.get("due_date") == day:
        return None
    missed = Changes(row).unknown("overdue")
    if day is None:
        return _draft(row, "due_date_changed", {}, ("due_date", *missed))
    return _draft(row, "due_date_changed", {"due_date": day}, missed)


def corrected(row: Row, values: Mapping[str, Any], cleared: tuple[str, ...] = ()) -> Draft | None:
    """A person puts values right.

    Raises:
        Refused: a value that no person may set, or one cleared that every enrollment has.
    """
    for name in (*values, *cleared):
        if name not in CORRECTABLE:
            raise Refused(
                f"{name}: cannot be corrected by hand; expected one of {', '.join(sorted(CORRECTABLE))}",
                field=name, rule="correctable", expected=", ".join(sorted(CORRECTABLE)),
            )  # fmt: skip
    for name in cleared:
        if name in NEVER_UNKNOWN or values.get(name) is not None:
            raise Refused(
                f"{name}: cannot be cleared; expected a value", field=name, rule="required", expected="a value"
            )
    changes = Changes(row)
    for name, value in values.items():
        changes.put(name, value)
    gone = changes.unknown(*cleared)
    return _draft(row, "corrected", changes.new, gone) if changes.new or gone else None


def lapsed(row: Row, today: int, at: int) -> Draft | None:
    """``today`` is past the certificate's last valid day: Expired, with its completion date kept. The cycle ended before."""
    until = value_of(row, "valid_until")
    if row["enrollment_status"] != E.CERTIFIED or until is None or until > today:
        return None
    ended = {} if value_of(row, "ended_at") is not None else {"ended_at": at}
    return _draft(row, "certificate_lapsed", {"enrollment_status": E.EXPIRED.value} | ended)


def access_ended(row: Row, today: int, at: int) -> Draft | None:
    """The last day of access passed without completion: Expired."""
    ends = row.get("end_date")
    if row["enrollment_status"] in ENDED or ends is None or ends >= today:
        return None
    return _draft(row, "expired", {"enrollment_status": E.EXPIRED.value, "ended_at": at})


def overdue(row: Row, today: int) -> Draft | None:
    """The due date passed without completion."""
    due = row.get("due_date")
    done = row.get("completion_date") is not None or row["enrollment_status"] in (E.DROPPED, E.ON_HOLD)
    if due is None or due >= today or done or value_of(row, "overdue"):
        return None
    return _draft(row, "became_overdue", {"overdue": True})


def expiring(row: Row, days_left: int) -> Draft | None:
    """The certificate lapses in 90, 60 or 30 days. Each is told once of a validity, and none after a nearer one."""
    until = value_of(row, "valid_until")
    if row["enrollment_status"] != E.CERTIFIED or until is None:
        return None
    if value_of(row, "warned_until") == until and (value_of(row, "warned_days") or 0) <= days_left:
        return None
    draft = _draft(row, "certificate_expiring", {"warned_until": until, "warned_days": days_left})
    draft.extra["days_left"] = days_left
    return draft


def revoked(row: Row, day: int) -> Draft | None:
    """The certificate is taken back: Completed again."""
    if row["enrollment_status"] != E.CERTIFIED:
        return None
    return _draft(row, "certificate_revoked", {"enrollment_status": E.COMPLETED.value, "revoked_on": day})
