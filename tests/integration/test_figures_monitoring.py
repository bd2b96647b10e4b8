"""Monitoring from the tables: one integration, one day in Berlin, every column worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from hub.domain.figures import FigureRow
from hub.domain.periods import period
from hub.domain.units import days, micros
from hub.log.sql import statement
from hub.vault import store
from projections import migrations
from projections.figures import monitoring
from projections.figures.definitions import figures_of

COMPANY, LMS, QUIET, OFF, RUN = (UUID(int=number) for number in range(1, 6))
DAY = days(date(2026, 3, 10))
NOW = micros(datetime(2026, 3, 12, 12, tzinfo=UTC))
# In Berlin the day is from 23:00 UTC of the 9th to 23:00 UTC of the 10th.
REQUESTS = {
    "requests": 20, "outcomes": {"ok": 17, "timeout": 1, "error": 1, "throttled": 1}, "answered": 18, "milliseconds": 1800,
    "histogram": {"100": 18}, "connects": 2, "connect_milliseconds": 20, "hours": {"1": 20}, "waited_seconds": 30,
    "courses": {"count": 2, "seconds": 3},
}  # fmt: skip
SAMPLES = {
    "run_seconds": 100, "processors": 2, "processor_seconds": 50, "memory_mib": 150, "load": {"count": 4, "sum": 2},
    "disk_wait_ms": 12, "folding": {"count": 10, "milliseconds": 1234}, "latency": {"histogram": {"20": 3}},
}  # fmt: skip


def insert(connection: psycopg.Connection[Any], table: str, **values: Any) -> None:
    """One row of a table, by its column names."""
    query = psycopg.sql.SQL("INSERT INTO hub.{} ({}) VALUES ({})").format(
        psycopg.sql.Identifier(table),
        psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values)),
        psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() * len(values)),
    )
    connection.execute(query, [Jsonb(value) if isinstance(value, dict) else value for value in values.values()])


def run(connection: psycopg.Connection[Any], number: int, started: str, ended: str, **more: Any) -> str:
    """A run of the integration; its id."""
    key = str(UUID(int=100 + number))
    told = {"kind": "sync", "status": "completed", "trigger": "schedule", "rejected": 0, **more}
    insert(connection, "sync_run", id=key, company_id=COMPANY, lms_integration_id=LMS, started_at=started, ended_at=ended,
           **told)  # fmt: skip
    return key


def event(connection: psycopg.Connection[Any], number: int, at: str, kind: str, *, lms: UUID = LMS, entity: str = "LMS Config",
          changes: dict[str, Any] | None = None, **context: Any) -> None:  # fmt: skip
    """A row of the audit trail."""
    told = {"event_type": f"lms.{kind}.v1", "transitions": [kind], "occurred_at": at, "actor": "system/hub", **context}
    insert(connection, "lms_audit_trail", id=UUID(int=1000 + number), company_id=COMPANY, lms_integration_id=lms,
           entity_type=entity, entity_id=lms, timestamp=at, field_changes=changes, additional_context=told)  # fmt: skip


def fill(connection: psycopg.Connection[Any]) -> None:
    """A day with three runs, a loss of two hours, a breaker, a correction, a rejected record, a mapping set back."""
    insert(connection, "company", id=COMPANY, code="ACME", time_zone="Europe/Berlin")
    for key, code, active in ((LMS, "moodle", True), (QUIET, "canvas", True), (OFF, "old", False)):
        insert(connection, "lms_integration_config", id=key, company_id=COMPANY, lms_name=code, lms_code=code,
               is_active=active, connection_status="Connected" if key == LMS else "Disconnected", sync_frequency="Every 15 mins",
               created_at="2026-03-01Z", fold_state={})  # fmt: skip
    run(connection, 0, "2026-03-09 22:00Z", "2026-03-09 22:10Z")  # still the 9th in Berlin
    run(connection, 1, "2026-03-09 23:30Z", "2026-03-10 00:00Z", requests=REQUESTS, samples=SAMPLES, trigger="person")
    failed = run(connection, 2, "2026-03-10 08:00Z", "2026-03-10 08:05Z", status="failed", kind="full sync", failing_since="2026-03-10 08:01Z",
                 requests={"requests": 2, "outcomes": {"timeout": 2}, "failing_since": micros(datetime(2026, 3, 10, 8, 1, tzinfo=UTC))})  # fmt: skip
    run(connection, 3, "2026-03-10 10:00Z", "2026-03-10 10:01Z", rejected=2)
    change = {"connection_status": ["Connected", "Error"]}
    event(connection, 1, "2026-03-10 08:05Z", "sync.failed", changes=change, correlation_id=failed,
          transitions=["sync.failed", "connection.lost", "breaker.opened"])  # fmt: skip
    event(connection, 2, "2026-03-10 10:01Z", "sync.completed", changes={"connection_status": ["Error", "Connected"]},
          transitions=["sync.completed", "connection.restored", "breaker.closed"])  # fmt: skip
    event(connection, 3, "2026-03-10 12:00Z", "enrollment.corrected", entity="Course Enrollment", actor="system/cli")
    event(connection, 4, "2026-03-10 12:05Z", "enrollment.corrected", entity="Course Enrollment", actor="integration/x")
    event(connection, 5, "2026-03-01 12:00Z", "integration.changed", changes={"field_mappings": [{"v": 1}, {"v": 2}]})
    event(connection, 6, "2026-03-10 13:00Z", "integration.changed", changes={"field_mappings": [{"v": 2}, {"v": 1}]})
    for number, at in enumerate(("2026-03-10 10:00Z", "2026-03-10 23:30Z")):
        insert(connection, "dead_letter", id=UUID(int=2000 + number), company_id=COMPANY, lms_integration_id=LMS,
               kind="rejected", recorded_at=at)  # fmt: skip


@pytest.fixture(scope="module")
def connection(make_database: Callable[[str | None], str]) -> Iterator[psycopg.Connection[Any]]:
    """A database with that day; read only, by agreement."""
    url = make_database(None)
    migrations.upgrade(url)
    with psycopg.connect(url, autocommit=True) as found:
        store.create(found)
        found.execute(statement("schema"))
        fill(found)
        yield found


def rows(connection: psycopg.Connection[Any], as_of: int = NOW, *on: int) -> dict[tuple[str | None, int], FigureRow]:
    wanted = [period("Daily", one) for one in on or (DAY,)] + [period("Weekly", DAY)]
    found = monitoring.compute(connection, str(COMPANY), wanted, as_of)
    return {(one.integration_id, one.period.start): one for one in found}


def test_every_column_of_the_day(connection: psycopg.Connection[Any]) -> None:
    """Worked out by hand from the rows above."""
    row = rows(connection)[str(LMS), DAY]
    # Observed from 23:30 UTC (first contact) to 23:00 UTC: 23.5 h. Down from 08:01 to 10:01: 2 h.
    availability = 9_149  # 21.5 / 23.5
    # 30 * 91.4893617 + 25 * 66.6666667 + 15 * (100 - 400/22) + 15 * 100, over 85
    performance = 8_398
    assert row.values == {
        "monitoring_date": DAY,
        "api_response_time_ms": 100,
        "sync_success_rate": 6_667,
        "data_accuracy_score": None,
        "error_rate": 1_818,  # 4 of 22
        "throughput_requests_per_hour": 20,
        "availability_percentage": availability,
        "data_latency_minutes": 20,
        "connection_drops": 1,
        "timeout_incidents": 3,
        "validation_failures": 2,  # two in one run; one letter of the day
        "compliance_violations": None,
        "manual_interventions": 2,  # a run by a person, a correction from the command line
        "rollback_incidents": 1,
        "performance_score": performance,
        "sla_compliance": False,
        "critical_incidents": 2,  # the breaker, and the loss when it was an hour old
        "warning_incidents": 4,  # retries exhausted; twice the last success older than 30 minutes; throttled
        "system_load_percentage": 5_000,
        "memory_usage_mb": 150,
        "cpu_usage_percentage": 2_500,
        "network_latency_ms": 10,
        "disk_io_wait_ms": 12,
        "enrollment_processing_time_avg": 12_340,
        "progress_sync_accuracy": None,
        "course_data_sync_time_avg": 150,
    }
    assert row.parts["warning_incidents"] == {"retries_exhausted": 1, "freshness_missed": 2, "throttled": 1}
    assert row.parts["availability_percentage"] == {"numerator": 77_400, "denominator": 84_600}
    assert {name for name in row.values if row.values[name] is None} == set(row.reasons)
    assert set(row.reasons.values()) == {"not_run"}
    assert row.parts["sla_compliance"]["targets"] == {
        "availability": False, "success": False, "latency": True, "critical_hours": True,
    }  # fmt: skip


def test_a_day_without_a_run_is_no_data(connection: psycopg.Connection[Any]) -> None:
    """Switched on and silent: NULL with reasons, counts are 0. Switched off all day: no row."""
    found = rows(connection)
    assert set(found) == {(str(LMS), DAY), (str(QUIET), DAY)}
    quiet = found[str(QUIET), DAY]
    counts = {one.column for one in figures_of("lms_integration_monitoring") if not one.reasons}
    assert {name for name, value in quiet.values.items() if value == 0} == counts
    assert all(quiet.reasons[name] in ("no_data", "not_run") for name, value in quiet.values.items() if value is None)
    assert "sla_compliance" in quiet.reasons


def test_days_in_the_zone_of_the_company(connection: psycopg.Connection[Any]) -> None:
    """What happens at 23:30 UTC is the next day in Berlin; a day that has not begun has no row."""
    found = rows(connection, NOW, DAY - 1, DAY, DAY + 1, DAY + 20)
    assert found[str(LMS), DAY - 1].values["sync_success_rate"] == 10_000
    assert found[str(LMS), DAY + 1].values["validation_failures"] == 1
    assert found[str(LMS), DAY + 1].values["sync_success_rate"] is None
    assert (str(LMS), DAY + 20) not in found


def test_today_ends_now(connection: psycopg.Connection[Any]) -> None:
    """While it is down, it is down until now; what comes later is not known."""
    at = micros(datetime(2026, 3, 10, 9, 1, tzinfo=UTC))
    today = rows(connection, at)[str(LMS), DAY]
    # Observed from 23:30 to 09:01; the loss of 08:01 ended later, so it lasts until now: an hour.
    assert today.parts["availability_percentage"]["denominator"] == 34_260
    assert today.parts["availability_percentage"]["numerator"] == 34_260 - 3_600
