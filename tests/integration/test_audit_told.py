"""What the audit tells of itself: data given out, a broken chain, another signing key; and that it is found again by index."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from hub.audit import show
from hub.audit.offline import Finding
from hub.audit.part import seals_of
from hub.audit.telling import Given, chain_broken, given_out, given_out_of_all, key_rotated
from hub.bootstrap import Hub
from hub.deciding.envelope import HUB
from tests.support.site import COMPANY

TRAIL = """
SELECT audit_type, action, entity_type, entity_id::text, risk_level, data_sensitivity_level, regulatory_impact, affected_employees,
       action_reason, impact_assessment FROM hub.lms_audit_trail WHERE additional_context ->> 'event_type' = %s ORDER BY timestamp
"""
STAFF = 25
BAD = Finding("changed", "lms.learning/3", "the record is another one", 17)


def told(hub: Hub, event_type: str) -> list[tuple[Any, ...]]:
    with hub.connection() as connection:
        return connection.execute(TRAIL, (event_type,)).fetchall()


def somebody(hub: Hub) -> tuple[str, str]:
    with hub.connection() as connection:
        row = connection.execute("SELECT id::text, employee_number FROM hub.employee ORDER BY 2 LIMIT 1").fetchone()
    assert row is not None
    return row[0], row[1]


def test_what_is_given_out_of_one_person_stands_with_the_person(hub: Hub) -> None:
    """Who, what, when and why; `hub audit show --person` finds it."""
    person, number = somebody(hub)
    given = Given("evidence pack", "zip", {"course": "C1", "on": "2026-05-03"}, "PII", person, b"\x07" * 32)
    given_out(hub, COMPANY, given, HUB, "asked for by the auditor")
    assert told(hub, "lms.data.given_out.v1") == [
        ("Access Control", "Export", "Employee Data", person, "Medium", "PII", "GDPR", 1, "asked for by the auditor",
         "Given out: evidence pack (zip)."),
    ]  # fmt: skip
    with hub.connection() as connection:
        about = show.subject(connection, COMPANY, "person", number)
        found = show.events(connection, COMPANY, about)
    assert "lms.data.given_out.v1" in {one["event_type"] for one in found}


def test_each_giving_is_an_event_and_its_class_is_that_of_what_was_given(hub: Hub) -> None:
    """The log is given out with its values sealed, of all employees."""
    given = Given("export of the log", "folder", {"topics": ["lms.learning"]}, "Learning Data")
    given_out_of_all(hub, given, HUB)
    given_out_of_all(hub, given, HUB)
    rows = told(hub, "lms.data.given_out.v1")
    assert [(row[5], row[7]) for row in rows] == [("Learning Data", STAFF)] * 2


def test_restricted_data_has_a_high_risk(hub: Hub) -> None:
    """Figures 7: Medium, High over 1,000 people or where it is Restricted."""
    given_out(hub, COMPANY, Given("export of the log", "folder", {}, "Restricted"), HUB)
    assert [row[4] for row in told(hub, "lms.data.given_out.v1")] == ["High"]


def test_a_broken_chain_is_told_once_for_each_finding(hub: Hub) -> None:
    """A security incident of the highest risk; verified every hour, it is still one event."""
    other = BAD._replace(offset=18)
    chain_broken(hub, [BAD])
    chain_broken(hub, [BAD, other])
    chain_broken(hub, [])
    rows = told(hub, "lms.chain.broken.v1")
    assert [row[:3] + row[4:8] for row in rows] == [
        ("Security Incident", "Reject", "Content Data", "Critical", "Restricted", "GDPR", STAFF)
    ] * 2
    assert rows[0][9] == "The log is not what was sealed: changed: lms.learning/3: the record is another one"


def test_another_key_is_told_with_its_reason(hub: Hub) -> None:
    """The event names the key in force and the one that signed it."""
    first = seals_of(hub).seal()[0]
    line = seals_of(hub).rotate("yearly")
    key_rotated(hub, line, HUB, "yearly")
    ((*_, reason, impact),) = told(hub, "lms.signing_key.rotated.v1")
    assert reason == "yearly"
    assert str(impact).endswith(f"signs in place of {first.key}.")


@pytest.mark.parametrize("kind", ["person", "enrollment", "course", "row"])
def test_events_are_found_by_index(hub: Hub, kind: show.Kind) -> None:
    """No question about one thing reads the whole trail: with reading it forbidden, a plan without it is found."""
    with hub.connect() as connection:
        connection.execute("SET enable_seqscan = off")
        about = show.subject(connection, COMPANY, kind, key_of(connection, kind))
        asked = vars(about) | {"company": COMPANY, "since": None, "until": None, "limit": 100}
        plan = connection.execute(f"EXPLAIN {show.EVENTS}".encode(), asked).fetchall()
        assert "Seq Scan on lms_audit_trail" not in str(plan)
        assert show.events(connection, COMPANY, about)


def test_a_row_of_a_lesson_shows_its_own_events_alone(hub: Hub) -> None:
    """Also those that were decided before its enrollment was there; not those of the enrollment's other lessons."""
    lessons = "SELECT id, enrollment_id FROM hub.lms_learning_progress ORDER BY id LIMIT 20"
    with hub.connect() as connection:
        for lesson, enrollment in connection.execute(lessons).fetchall():
            wanted = connection.execute(
                "SELECT id::text FROM hub.lms_audit_trail WHERE entity_id = %s", (lesson,)
            ).fetchall()
            about = show.subject(connection, COMPANY, "row", str(lesson))
            assert {one["event_id"] for one in show.events(connection, COMPANY, about)} == {row[0] for row in wanted}
            whole = show.subject(connection, COMPANY, "enrollment", str(enrollment))
            assert {row[0] for row in wanted} <= {one["event_id"] for one in show.events(connection, COMPANY, whole)}


def key_of(connection: psycopg.Connection[Any], kind: str) -> str:
    query = {
        "person": "SELECT p.employee_number FROM hub.employee p JOIN hub.lms_course_enrollment e ON e.employee_id = p.id LIMIT 1",
        "enrollment": "SELECT enrollment_number FROM hub.lms_course_enrollment LIMIT 1",
        "course": "SELECT course_id FROM hub.lms_course_enrollment LIMIT 1",
        "row": "SELECT id::text FROM hub.lms_course_enrollment LIMIT 1",
    }[kind]
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    assert kind != "row" or UUID(row[0])
    return str(row[0])
