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
from hub.domain.learning import Context, Draft, Told
from hub.domain.rows import Row, value_of
from hub.errors import Refused

ENROLLMENT = "lms_course_enrollment"


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

    The command's id holds the version that was seen, so that asking twice for the same thing is one command.
    """

    def decide(view: View, _: int) -> Body | None:
        row = view.row(ENROLLMENT, view.head(stream).row_id)
        if row is None:
            return None
        wanted = value_of(view.row("lms_account", account_id), "employee_id")
        draft = enrollment_acts.unlinked(row) if wanted is None else enrollment_acts.linked(row, wanted)
        if draft is None:
            return None
        cycles = [ids.enrollment_row(stream, cycle) for cycle in range(1, draft.cycle)]
        draft.extra["other_cycle_ids"] = cycles
        draft.extra["linked_lesson_ids"] = view.snapshot.stream_rows([draft.row_id, *cycles])
        _load_lessons(view, draft)
        body = finished(draft, _told(row, stream, account_id), row, Context(now=0))
        return body | {
            "employee_id": wanted,
            "integration_id": row["lms_integration_id"],
            "affected_employees": 1 if row["employee_id"] is None else 2,
        }

    return Command(
        id=ids.derived(stream, "relink", account_id, str(seen_version)), name="enrollment.relink", company_id=company_id,
        topic="lms.learning", stream=("enrollment", stream), decide=decide,
    )  # fmt: skip


def _load_lessons(view: View, draft: Draft) -> None:
    view.load_rows("lms_learning_progress", draft.extra["linked_lesson_ids"])
    view.load_rows(ENROLLMENT, draft.extra["other_cycle_ids"])


def _told(row: Row, stream: str, account_id: str) -> Told:
    return Told(stream, row["lms_integration_id"], account_id, value_of(row, "course_key"), None, 0)
