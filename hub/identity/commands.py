"""Commands of identity: link and unlink accounts, and make enrollments follow their account."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from hub.deciding.commands import Body, Command
from hub.deciding.directory import body_of
from hub.deciding.envelope import HUB, Actor
from hub.deciding.learning import finished
from hub.deciding.view import View
from hub.domain import directory, enrollment_acts, ids
from hub.domain.learning import Context, Told
from hub.domain.rows import Row, value_of
from hub.errors import Refused

ENROLLMENT, LESSON = "lms_course_enrollment", "lms_learning_progress"


def link_account(
    company_id: str,
    account_id: str,
    employee_id: str,
    *,
    matched_by: str = "manual",
    actor: Actor = HUB,
    reason: str | None = None,
    command_id: str | None = None,
) -> Command:
    """Link an account to an employee, or to another one."""

    def decide(view: View, _: int) -> Body | None:
        row = _account(view, company_id, account_id)
        employee = view.row("employee", employee_id)
        if employee is None or employee["company_id"] != company_id:
            raise Refused("employee: is not known; expected an employee of the company", field="employee", rule="exists",
                          expected="a known employee number")  # fmt: skip
        if matched_by != "manual" and not directory.may_match(row):
            return None
        change = directory.account_linked(row, employee_id, matched_by)
        return (
            None if change is None else body_of(change) | {"affected_employees": 1 if row["employee_id"] is None else 2}
        )

    return _of_account("account.link", company_id, account_id, decide, actor, reason, command_id)


def unlink_account(company_id: str, account_id: str, *, actor: Actor = HUB, reason: str | None = None) -> Command:
    """Take the link of an account back."""

    def decide(view: View, _: int) -> Body | None:
        row = _account(view, company_id, account_id)
        change = directory.account_unlinked(row)
        return None if change is None else _body(change, row, 1)

    return _of_account("account.unlink", company_id, account_id, decide, actor, reason, None)


def _body(change: directory.Change, row: Row, affected: int) -> Body:
    return body_of(change) | {"integration_id": row["lms_integration_id"], "affected_employees": affected}


def _of_account(
    name: str, company_id: str, account_id: str, decide: Any, actor: Actor, reason: str | None, command_id: str | None
) -> Command:
    return Command(
        id=command_id or str(uuid4()), name=name, company_id=company_id, topic="lms.directory",
        stream=("account", account_id), decide=decide, actor=actor, reason=reason,
    )  # fmt: skip


def _account(view: View, company_id: str, account_id: str) -> Row:
    row = view.row("lms_account", account_id)
    if row is None or row["company_id"] != company_id:
        raise Refused("account: is not known; expected one of `hub accounts list`", field="account", rule="exists",
                      expected="a known account")  # fmt: skip
    return row


def relink_enrollment(company_id: str, stream: str, account_id: str, seen_version: int) -> Command:
    """Make all cycles and lessons of an enrollment say the employee that its account says.

    The event concerns the newest cycle that says another, and names the earlier ones: a retake may have begun with the
    new employee before the cycles that ended got it. The command's id holds the version that was seen, so that asking
    twice for the same thing is one command.
    """

    def decide(view: View, _: int) -> Body | None:
        wanted = value_of(view.row("lms_account", account_id), "employee_id")
        differing = [row for row in _cycles(view, stream) if row["employee_id"] != wanted]
        if not differing:
            return None
        row, *others = differing
        draft = enrollment_acts.unlinked(row) if wanted is None else enrollment_acts.linked(row, wanted)
        if draft is None:
            return None
        draft.extra["other_cycle_ids"] = [other["id"] for other in others]
        draft.extra["linked_lesson_ids"] = view.snapshot.stream_rows([one["id"] for one in differing])
        view.load_rows(LESSON, draft.extra["linked_lesson_ids"])
        body = finished(draft, _told(row, stream, account_id), row, Context(now=0))
        return body | {
            "employee_id": wanted,
            "integration_id": row["lms_integration_id"],
            "affected_employees": 1 if all(one["employee_id"] is None for one in differing) else 2,
        }

    return Command(
        id=ids.derived(stream, "relink", account_id, str(seen_version)), name="enrollment.relink", company_id=company_id,
        topic="lms.learning", stream=("enrollment", stream), decide=decide,
    )  # fmt: skip


def _cycles(view: View, stream: str) -> list[Row]:
    """All rows of an enrollment, the newest first."""
    newest = view.row(ENROLLMENT, view.head(stream).row_id)
    numbers = range(int(value_of(newest, "cycle") or 0), 0, -1)
    keys = [ids.enrollment_row(stream, number) for number in numbers]
    view.load_rows(ENROLLMENT, keys)
    return [row for key in keys if (row := view.row(ENROLLMENT, key)) is not None]


def _told(row: Row, stream: str, account_id: str) -> Told:
    return Told(stream, row["lms_integration_id"], account_id, value_of(row, "course_key"), None, 0)
