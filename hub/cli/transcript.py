"""``hub transcript``: one person's learning record over all LMSs, as of any day."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from hub.cli.asof import Known
from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example
from hub.cli.options import ActsAs, Company, Reason

COLUMNS = {
    "course_name": "course", "course_version": "version", "lms_code": "lms", "enrollment_status": "status",
    "enrollment_date": "enrolled", "completion_date": "completed", "valid_from": "valid from", "valid_until": "lapses",
    "is_valid": "valid", "certificate_id": "certificate", "score_achieved": "score", "enrollment_number": "enrollment",
}  # fmt: skip
KEPT = (
    "enrollment_number", "cycle", "course_id", "course_code", "course_name", "course_version", "lms_code", "lms_name",
    "enrollment_status", "is_completed", "is_valid", "is_waived", "enrollment_date", "start_date", "due_date",
    "completion_date", "valid_from", "valid_until", "revoked_on", "certificate_id", "certificate_issuer",
    "progress_percentage", "score_achieved", "max_score", "passing_score", "time_spent_seconds", "last_access_date",
    "enrollment_id", "version", "event_id", "recorded_at",
)  # fmt: skip
"""What a transcript tells of an enrollment; event_id and recorded_at say what it rests on."""


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(
        "transcript",
        short_help="Show one person's learning record, as of any day.",
        epilog=example(
            "hub transcript --employee E1001", "hub transcript --employee E1001 --on 2026-05-03 --format csv"
        ),
    )(transcript)


def transcript(
    employee: Annotated[str, typer.Option("--employee", metavar="NUMBER", help="The employee.")],
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], metavar="DAY", help="As of the end of this day; default: today."),
    ] = None,
    known: Known = None,
    format: Annotated[Literal["table", "json", "csv"], typer.Option(help="How to print it.")] = "table",
    user: ActsAs = None,
    reason: Reason = None,
    company: Company = None,
) -> None:
    """Show one person's learning record over all LMSs: status, certificates, validity and source.

    That it was given out, and to whom, is an event of the audit trail.
    """
    from hub.asof.putting_right import person as user_of
    from hub.asof.reading import Asked, rows, today
    from hub.audit.telling import Given, given_out

    with opened() as hub:
        company_id = company_of(hub, company)
        with hub.connection() as connection:
            day = today(connection, company_id) if on is None else on.date()
            asked = Asked(company_id, day, None if known is None else known.date(), employee)
            person = next(iter(rows(connection, "employees", asked)), None)
            found = [{name: row[name] for name in KEPT} for row in rows(connection, "enrollments", asked)]
            who = actor() if user is None else user_of(connection, company_id, user)
        about = None if person is None else str(person["employee_id"])
        given = Given("transcript", format, {"on": day, "known": asked.known}, "PII", about)
        given_out(hub, company_id, given, who, reason)
    head = {
        "employee_number": employee, "on": day, "known": asked.known,
        **{name: person and person[name] for name in ("employee_name", "department_code", "manager_number")},
    }  # fmt: skip
    _print(head, found, format)


def _print(head: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], format: str) -> None:
    from hub.cli import output

    if format == "json":
        output.print_json({**head, "enrollments": rows})
    elif format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(KEPT)
        writer.writerows([output.plain(row[name]) for name in KEPT] for row in rows)
    else:
        known = "now" if head["known"] is None else f"on {head['known']}"
        who = " ".join(filter(None, [head["employee_number"], head["employee_name"]]))
        typer.echo(output.plain(f"Learning record of {who} on {head['on']}, as known {known}."))
        output.show(rows, COLUMNS, as_json=False, empty="No enrollment had begun.")
