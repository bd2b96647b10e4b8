"""``hub enrollments``: what a person puts right about one enrollment, and its past.

Each act names the user of the directory who does it and why. Nothing is deleted: what was asked as known before stays as it
was answered.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import company_of, opened
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson, Company

if TYPE_CHECKING:
    from hub.asof.putting_right import Enrollment
    from hub.bootstrap import Hub
    from hub.deciding.commands import Answer, Command

app = new_group("Enrollments: put right what is wrong about one, with a reason, and see its past.")

Name = Annotated[
    str, typer.Argument(metavar="ENROLLMENT", help="Its number (E-...), its id, or the beginning of its id.")
]
User = Annotated[str, typer.Option("--as", metavar="USER", help="Login of the user of the directory who does it.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")]
Justification = Annotated[
    str | None,
    typer.Option(
        "--justification", metavar="TEXT", help="Why it is right for the business; demanded from risk High on."
    ),
]

FIELDS = "SELECT field_changes, risk_level FROM hub.lms_audit_trail WHERE id = %s"
HISTORY = """
SELECT a.event_id, a.recorded_at, a.occurred_at, a.event_type, a.actor, a.performed_by_login, a.action_reason,
       t.field_changes, h.version, h.enrollment_status, h.late, h.retracts,
       EXISTS (SELECT FROM hub.lms_course_enrollment_history r WHERE r.id = %(row)s AND r.retracts = a.event_id) AS is_retracted
FROM (
    SELECT event_id FROM hub.lms_course_enrollment_history WHERE id = %(row)s
    UNION SELECT id FROM hub.lms_audit_trail WHERE enrollment_id = %(row)s AND company_id = %(company)s
) e
JOIN analytics.audit a ON a.event_id = e.event_id
JOIN hub.lms_audit_trail t ON t.id = e.event_id
LEFT JOIN hub.lms_course_enrollment_history h ON h.id = %(row)s AND h.event_id = e.event_id
ORDER BY a.recorded_at, h.version NULLS LAST, a.event_id
"""
COLUMNS = {
    "event": "event", "recorded_at": "recorded", "occurred_at": "happened", "what": "what", "enrollment_status": "status after",
    "who": "by", "action_reason": "reason", "changes": "before → after",
}  # fmt: skip


@app.command(
    epilog=example(
        "hub enrollments correct E-7KQ2M4XW3ABC --set completion_date=2026-05-01 --as bo "
        '--reason "wrong day in the list" --justification "signed attendance sheet"'
    )
)
def correct(
    name: Name, user: User, reason: Why,
    wanted: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A value; may be repeated.")] = None,
    cleared: Annotated[list[str] | None, typer.Option("--clear", metavar="NAME", help="A value to be unknown.")] = None,
    justification: Justification = None, company: Company = None,
) -> None:  # fmt: skip
    """Put values right. They count for as long as the wrong ones did, and are known from now on."""
    from hub.asof.putting_right import values
    from hub.enrollments import commands

    if not wanted and not cleared:
        raise typer.BadParameter("expected at least one --set or --clear")
    told = values(wanted or ())
    _act(
        name, company, user, reason, justification, "corrected",
        lambda company_id, one, who: commands.correct(
            company_id, one.stream, told, tuple(cleared or ()), row_id=one.row_id, **who
        ),
    )  # fmt: skip


@app.command(epilog=example('hub enrollments waive E-7KQ2M4XW3ABC --as bo --reason "holds the licence"'))
def waive(
    name: Name, user: User, reason: Why, justification: Justification = None, company: Company = None
) -> None:  # fmt: skip
    """Excuse the person: it counts as completed today, and is left out of scores and hours."""
    from hub.enrollments import commands

    _act(
        name, company, user, reason, justification, "waived",
        lambda company_id, one, who: commands.waive(company_id, one.stream, row_id=one.row_id, **who),
    )  # fmt: skip


@app.command(epilog=example('hub enrollments revoke E-7KQ2M4XW3ABC --as bo --reason "copied answers"'))
def revoke(
    name: Name, user: User, reason: Why, justification: Justification = None, company: Company = None
) -> None:  # fmt: skip
    """Take the certificate back, from today on."""
    from hub.enrollments import commands

    _act(
        name, company, user, reason, justification, "certificate revoked",
        lambda company_id, one, who: commands.revoke_certificate(company_id, one.stream, row_id=one.row_id, **who),
    )  # fmt: skip


@app.command(epilog=example('hub enrollments due E-7KQ2M4XW3ABC 2026-12-31 --as bo --reason "long leave"'))
def due(
    name: Name, user: User, reason: Why,
    day: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], metavar="[DAY]", help="The deadline; none: it is lifted.")
    ] = None,
    justification: Justification = None, company: Company = None,
) -> None:  # fmt: skip
    """Set, move or lift the deadline."""
    from hub.domain.units import days
    from hub.enrollments import commands

    number = None if day is None else days(day.date())
    _act(
        name, company, user, reason, justification, "deadline changed",
        lambda company_id, one, who: commands.set_due_date(company_id, one.stream, number, row_id=one.row_id, **who),
    )  # fmt: skip


@app.command(epilog=example('hub enrollments retract 3f0c8f0b --as bo --reason "list of another site"'))
def retract(
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="Id of the event, or its beginning; see `hub enrollments history`.")
    ],
    user: User, reason: Why, justification: Justification = None, company: Company = None,
) -> None:  # fmt: skip
    """Take one fact out: the enrollment is as if it had not been told. The log keeps both."""
    from hub.asof.putting_right import event_of, person
    from hub.asof.retracting import retract_fact

    with opened() as hub:
        company_id = company_of(hub, company)
        with hub.connection() as connection:
            event_id, position = event_of(connection, company_id, event)
            actor = person(connection, company_id, user)
        stream = str(hub.around.decode(hub.around.read(*position))["stream_id"])
        answer = hub.commands.execute(
            retract_fact(
                company_id, stream, event_id, hub.around, actor=actor, reason=reason, justification=justification
            )
        )
        _tell(hub, f"Event {event_id}", "taken out", answer)


@app.command(epilog=example("hub enrollments history E-7KQ2M4XW3ABC"))
def history(name: Name, company: Company = None, as_json: AsJson = False) -> None:
    """Show all that was told of an enrollment, in the order in which the hub learnt it."""
    from psycopg.rows import dict_row

    from hub.asof.putting_right import enrollment
    from hub.cli import output

    with opened(runners=False) as hub, hub.connection() as connection:
        company_id = company_of(hub, company)
        one = enrollment(connection, company_id, name)
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(HISTORY, {"row": one.row_id, "company": company_id}).fetchall()
    if not as_json:
        rows = [row | _shown(row) for row in rows]
    output.show(rows, COLUMNS, as_json=as_json, empty="Nothing was told of it.", title=f"{one.number}: {one.course}")


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """What a person reads of an event: its name, what became of it, who told it, and its changes."""
    what = row["event_type"].removeprefix("lms.").removesuffix(".v1").replace("_", " ")
    notes = [text for name, text in (("late", "late"), ("is_retracted", "taken out later")) if row[name]]
    notes += [f"of {str(row['retracts'])[:8]}"] if row["retracts"] else []
    return {
        "event": str(row["event_id"])[:8],
        "what": what + (f" ({', '.join(notes)})" if notes else ""),
        "who": row["performed_by_login"] or row["actor"],
        "changes": _changes(row["field_changes"]),
    }


def _changes(fields: dict[str, Any] | None) -> str:
    from hub.cli.output import plain

    pairs = [(name, change) for name, change in (fields or {}).items() if isinstance(change, list) and len(change) == 2]
    return "; ".join(f"{name}: {plain(old) or 'none'} → {plain(new) or 'none'}" for name, (old, new) in pairs)


def _act(
    name: str, company: str | None, user: str, reason: str, justification: str | None, done: str,
    command: Callable[[str, Enrollment, dict[str, Any]], Command],
) -> None:  # fmt: skip
    """Give a command about the enrollment that is meant, and tell what became of it."""
    from hub.asof.putting_right import enrollment, person

    with opened() as hub:
        company_id = company_of(hub, company)
        with hub.connection() as connection:
            one = enrollment(connection, company_id, name)
            who = {"actor": person(connection, company_id, user), "reason": reason, "justification": justification}
        answer = hub.commands.execute(command(company_id, one, who))
        _tell(hub, f"Enrollment {one.number} ({one.course})", done, answer)


def _tell(hub: Hub, what: str, done: str, answer: Answer) -> None:
    from hub.cli.output import plain

    if not answer.changed or answer.event is None:
        typer.echo(plain(f"{what}: nothing was to be changed."))
        return
    with hub.connection() as connection:
        row = connection.execute(FIELDS, (answer.event["event_id"],)).fetchone()
    changes = _changes(row[0]) if row else ""
    typer.echo(plain(f"{what}: {done}{f' ({changes})' if changes else ''}; event {answer.event['event_id']}."))
