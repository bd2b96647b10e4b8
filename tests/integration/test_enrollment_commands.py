"""Acts on enrollments: each is one event, one changed row and one audit row, and says no where a rule does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import psycopg.rows
import pytest

from hub.bootstrap import Hub
from hub.deciding.envelope import Actor
from hub.domain.units import days
from hub.enrollments import commands as acts
from hub.errors import Refused
from hub.intake.service import Intake
from tests.support.site import COMPANY, furnish, site

CSV = """email,course_id,course_name,enrollment_status,progress_percentage,due_date,end_date,certificate_id,valid_from,valid_until,changed_at
learner0@example.org,C-1,Safety,In Progress,40,2026-01-31,,,,,2026-01-10T10:00:00Z
learner1@example.org,C-1,Safety,Certified,100,,,CERT-7,2026-01-10,2099-01-10,2026-01-10T10:00:00Z
"""
PERSON = Actor("user", "somebody")


@pytest.fixture(scope="module")
def hub(make_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("acts")
    (folder / "in.csv").write_text(CSV, encoding="utf-8")
    with site("postgresql", make_database(None), folder, None) as made, made.open() as opened:
        furnish(opened, 7)
        Intake(opened).import_file(COMPANY, "csv", str(folder / "in.csv"), {})
        yield opened


def enrollment(hub: Hub, email: str) -> dict[str, Any]:
    """The newest cycle of somebody, with its stream."""
    query = """
        SELECT h.stream_id::text AS stream, e.*, e.fold_state AS state FROM hub.stream_head h
        JOIN hub.lms_course_enrollment e ON e.id = h.row_id
        JOIN hub.lms_account a ON a.id = (e.fold_state->>'account_id')::uuid WHERE a.email = %s
    """
    with hub.connection() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        row = cursor.execute(query, (email,)).fetchone()
    assert row is not None
    return row


def trail(hub: Hub, event_id: str) -> dict[str, Any]:
    """The audit row of an event."""
    with hub.connection() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        row = cursor.execute("SELECT * FROM hub.lms_audit_trail WHERE id = %s", (event_id,)).fetchone()
    assert row is not None
    return row


def test_a_deadline_is_moved_and_overdue_is_told_once(hub: Hub) -> None:
    """A due date in the past makes the enrollment overdue, once; moving it is an event of its own."""
    stream = enrollment(hub, "learner0@example.org")["stream"]
    assert hub.commands.execute(acts.become_overdue(COMPANY, stream)).changed
    assert not hub.commands.execute(acts.become_overdue(COMPANY, stream)).changed
    later = days(date(2027, 5, 1))
    answer = hub.commands.execute(acts.set_due_date(COMPANY, stream, later, reason="illness"))
    assert answer.event is not None
    row = enrollment(hub, "learner0@example.org")
    assert row["due_date"].isoformat() == "2027-05-01"
    audit = trail(hub, answer.event["event_id"])
    assert audit["action_reason"] == "illness"
    assert audit["field_changes"]["due_date"] == ["2026-01-31", "2027-05-01"]


def test_a_correction_by_a_person_needs_a_justification(hub: Hub) -> None:
    """A correction has a high risk: without a business justification it is refused, and the refusal is an event."""
    stream = enrollment(hub, "learner0@example.org")["stream"]
    wrong = acts.correct(COMPANY, stream, {"progress_percentage": 5000}, actor=PERSON, reason="typo")
    with pytest.raises(Refused) as refused:
        hub.commands.execute(wrong)
    assert refused.value.field == "justification"
    with pytest.raises(Refused):
        hub.commands.execute(wrong)
    assert trail(hub, wrong.id)["action"] == "Reject"
    answer = hub.commands.execute(
        acts.correct(
            COMPANY, stream, {"progress_percentage": 5000}, actor=PERSON, reason="typo", justification="LMS was wrong"
        )
    )
    assert answer.event is not None
    audit = trail(hub, answer.event["event_id"])
    assert (audit["risk_level"], audit["business_justification"]) == ("High", "LMS was wrong")
    assert float(enrollment(hub, "learner0@example.org")["progress_percentage"]) == 50.0


def test_what_no_person_may_set_is_refused(hub: Hub) -> None:
    """A column that follows from the source is named in the refusal."""
    stream = enrollment(hub, "learner0@example.org")["stream"]
    with pytest.raises(Refused) as refused:
        hub.commands.execute(acts.correct(COMPANY, stream, {"employee_id": "x"}))
    assert refused.value.field == "employee_id"


def test_access_ends_and_the_certificate_lapses_by_time_alone(hub: Hub) -> None:
    """Access that ended before completion is Expired; a valid certificate does not lapse, a revoked one is gone."""
    first = enrollment(hub, "learner0@example.org")["stream"]
    second = enrollment(hub, "learner1@example.org")["stream"]
    assert not hub.commands.execute(acts.lapse(COMPANY, second)).changed
    assert hub.commands.execute(acts.warn_of_expiry(COMPANY, second, 90)).changed
    assert hub.commands.execute(acts.revoke_certificate(COMPANY, second, justification="fraud")).changed
    row = enrollment(hub, "learner1@example.org")
    assert row["enrollment_status"] == "Completed"
    assert row["completion_date"].isoformat() == "2026-01-10"
    assert "revoked_on" in row["state"]
    assert not hub.commands.execute(acts.end_access(COMPANY, first)).changed
    hub.commands.execute(acts.correct(COMPANY, first, {"end_date": days(date(2026, 2, 1))}))
    assert hub.commands.execute(acts.end_access(COMPANY, first)).changed
    assert enrollment(hub, "learner0@example.org")["enrollment_status"] == "Expired"
    with pytest.raises(Refused, match="enrollment_status"):
        hub.commands.execute(acts.waive(COMPANY, first))


def test_an_enrollment_of_another_company_is_not_known(hub: Hub) -> None:
    """Tenants never see each other."""
    stream = enrollment(hub, "learner1@example.org")["stream"]
    with pytest.raises(Refused, match="not known"):
        hub.commands.execute(acts.waive("11111111-1111-5111-8111-111111111111", stream))


def test_what_else_an_event_changed_is_told_as_json(hub: Hub) -> None:
    """A run's end changes the integration and the run: the one is the entity, the other stands beside it, by field."""
    query = """
        SELECT additional_context->'also_changed' FROM hub.lms_audit_trail
        WHERE additional_context->>'event_type' = 'lms.sync.completed.v1' LIMIT 1
    """
    with hub.connection() as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    ((name, fields),) = row[0].items()
    assert name.startswith("sync_run/")
    assert fields["status"] == ["running", "completed"]
