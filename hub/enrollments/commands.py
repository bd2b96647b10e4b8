"""Commands about one enrollment: correct, waive, set the deadline, revoke; and what time alone changes.

Each names the stream, and acts on its newest cycle; the clock names the row of a cycle, since a certificate lapses also
where a newer cycle was opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from hub.deciding.commands import Body, Command
from hub.deciding.envelope import HUB, Actor
from hub.deciding.learning import finished
from hub.deciding.view import View
from hub.domain import enrollment_acts as acts
from hub.domain import ids
from hub.domain.learning import Context, Draft, Told
from hub.domain.rows import Row, loaded, value_of
from hub.domain.units import day_in
from hub.errors import Refused

TABLE = "lms_course_enrollment"

Act = Callable[[Row, int, int], Draft | None]
"""(row, the day in the company's zone on which it happens, when it happens) → draft"""


def _command(
    name: str,
    company_id: str,
    stream: str,
    act: Act,
    *,
    actor: Actor = HUB,
    reason: str | None = None,
    justification: str | None = None,
    occurred_at: int | None = None,
    command_id: str | None = None,
    row_id: str | None = None,
) -> Command:
    def decide(view: View, now: int) -> Body | None:
        row = view.row(TABLE, row_id or view.head(stream).row_id)
        if row is None or row["company_id"] != company_id or not _is_of(stream, row):
            raise Refused("enrollment: is not known; expected an enrollment of the company", field="enrollment",
                          rule="exists", expected="a known enrollment")  # fmt: skip
        zone = value_of(view.row("company", company_id), "time_zone") or "UTC"
        at = now if occurred_at is None else occurred_at
        draft = act(row, day_in(at, zone), at)
        if draft is None:
            return None
        settings = loaded(
            value_of(view.row("lms_integration_config", row["lms_integration_id"]), "compliance_settings")
        )
        told = Told(
            stream, row["lms_integration_id"], value_of(row, "account_id"), value_of(row, "course_key"), None, now
        )
        body = finished(draft, told, row, Context(now=now, zone=zone, settings=settings or {}))
        return body | {"integration_id": row["lms_integration_id"]}

    return Command(
        id=command_id or str(uuid4()), name=name, company_id=company_id, topic="lms.learning", stream=("enrollment", stream),
        decide=decide, actor=actor, reason=reason, justification=justification, occurred_at=occurred_at,
    )  # fmt: skip


def _is_of(stream: str, row: Row) -> bool:
    """Whether a row is a cycle of the stream."""
    return bool(row["id"] == ids.enrollment_row(stream, int(value_of(row, "cycle") or 1)))


def correct(
    company_id: str, stream: str, values: Mapping[str, Any], cleared: tuple[str, ...] = (), **who: Any
) -> Command:
    """Put values right (plain values by column), with a reason."""
    return _command(
        "enrollment.correct", company_id, stream, lambda row, _, __: acts.corrected(row, values, cleared), **who
    )


def waive(company_id: str, stream: str, **who: Any) -> Command:
    """Excuse somebody: it counts as completed today."""
    return _command("enrollment.waive", company_id, stream, acts.waived, **who)


def set_due_date(company_id: str, stream: str, day: int | None, **who: Any) -> Command:
    """Set, move or lift the deadline (days since 1970)."""
    return _command("enrollment.due", company_id, stream, lambda row, _, __: acts.due_date_changed(row, day), **who)


def revoke_certificate(company_id: str, stream: str, **who: Any) -> Command:
    """Take the certificate back."""
    return _command("enrollment.revoke", company_id, stream, lambda row, today, _: acts.revoked(row, today), **who)


def lapse(company_id: str, stream: str, **who: Any) -> Command:
    """The certificate's validity ended."""
    return _command("enrollment.lapse", company_id, stream, acts.lapsed, **who)


def end_access(company_id: str, stream: str, **who: Any) -> Command:
    """The last day of access passed."""
    return _command("enrollment.expire", company_id, stream, acts.access_ended, **who)


def become_overdue(company_id: str, stream: str, **who: Any) -> Command:
    """The due date passed without completion."""
    return _command("enrollment.overdue", company_id, stream, lambda row, today, _: acts.overdue(row, today), **who)


def warn_of_expiry(company_id: str, stream: str, days_left: int, **who: Any) -> Command:
    """The certificate lapses in 90, 60 or 30 days."""
    return _command("enrollment.expiring", company_id, stream, lambda row, _, __: acts.expiring(row, days_left), **who)
