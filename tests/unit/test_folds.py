"""Folds: a row is a function of its stream's events alone."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from hub.domain import enrollment_acts as acts
from hub.domain import ids
from hub.domain.events import all_types
from hub.domain.rows import Row
from hub.domain.units import DAY
from projections.folds import BY_TOPIC, WRITE_ORDER, fold, targets
from projections.folds.directory import TABLE_OF
from projections.rowcheck import checker
from projections.tables import TABLES
from tests.support.told import ACCOUNT, COMPANY, EMPLOYEE, INTEGRATION, NOON, OTHER, TODAY, Stream

ENVELOPE = {
    "company_id": COMPANY,
    "integration_id": INTEGRATION,
    "recorded_at": NOON,
    "occurred_at": NOON - 3 * DAY,
    "performed_by": None,
}
USER = ids.derived(COMPANY, "user", "u")


def nothing(_: str, __: str) -> Row | None:
    return None


def test_every_topic_and_table_is_known() -> None:
    """Every declared event is folded or has no row; what is referred to is written before what refers to it."""
    topics = {model.topic for model in all_types().values() if model.topic != "lms.observations"}
    assert topics == set(BY_TOPIC)
    for name in WRITE_ORDER:
        before = WRITE_ORDER[: WRITE_ORDER.index(name)]
        for key in TABLES[name].foreign_keys:
            table = key.column.table.name
            assert table == name or table not in WRITE_ORDER or table in before or (name, table) in CIRCLES


CIRCLES = {("department", "employee"), ("team", "employee"), ("employee", "user"), ("lms_integration_config", "user")}


def learned() -> Stream:
    stream = Stream()
    stream.tell(0, progress=40_00, seconds_total=119, time_zone="Asia/Tokyo")
    stream.tell(1, lesson_key="l", worked=True)
    stream.tell(2, completed=True)
    stream.tell(60, registered=True)
    stream.tell(61, lesson_key="l", progress=5_00)
    return stream


def test_folding_changes_nothing_that_it_is_given() -> None:
    """(row, event) → row, without any effect; folded again from nothing it gives the same rows."""
    stream = learned()
    rows: dict[tuple[str, str], Row] = {}

    def known(table: str, key: str) -> Row | None:
        return rows.get((table, key))

    for event in stream.events:
        before = deepcopy(rows)
        new = fold(event, known)
        assert rows == before
        rows |= new
    assert rows == stream.rows


def test_an_enrollment_has_whole_minutes_and_its_numbers() -> None:
    """lms-apis 0.1: floor division, seconds are kept; the number and the times follow from the stream."""
    stream = learned()
    first = stream.cycle(1)
    assert (first["time_spent_minutes"], first["fold_state"]["time_spent_seconds"]) == (1, 119)
    assert first["enrollment_number"] == ids.enrollment_number(first["id"])
    assert first["fold_state"]["source_time_zone"] == "Asia/Tokyo"
    assert (first["created_at"], first["updated_at"]) == (NOON, NOON + 2)
    assert stream.cycle(2)["created_at"] == NOON + 3


def test_who_commanded_is_on_the_row() -> None:
    """created_by_user_id, updated_by_user_id: the person of the first, last command; NULL: a system."""
    stream = learned()
    event = dict(stream.events[3])
    rows = fold({**event, "performed_by": USER}, nothing)
    assert {(row["created_by_user_id"], row["updated_by_user_id"]) for row in rows.values()} == {(USER, USER)}
    system = fold(event, nothing)
    assert {(row["created_by_user_id"], row["updated_by_user_id"]) for row in system.values()} == {(None, None)}


def test_a_link_reaches_all_rows_of_the_stream() -> None:
    """design rule 1: one event, the rows of its own stream: earlier cycles and all lessons."""
    stream = learned()
    for employee in (EMPLOYEE, None, OTHER):
        draft = acts.unlinked(stream.row or {}) if employee is None else acts.linked(stream.row or {}, employee)
        assert draft is not None
        draft.extra["other_cycle_ids"] = [stream.cycle(1)["id"]]
        draft.extra["linked_lesson_ids"] = [key for table, key in stream.rows if table == "lms_learning_progress"]
        stream.act(lambda _, draft=draft: draft)
        assert {row["employee_id"] for row in stream.rows.values()} == {employee}
    lessons = [row for (table, _), row in stream.rows.items() if table == "lms_learning_progress"]
    assert len(lessons) == 2


def test_a_late_fact_without_effect_leaves_the_row() -> None:
    """The row keeps its updated_at; only the trail tells of it."""
    stream = learned()
    before = dict(stream.rows)
    stream.tell(-50, single=True, lesson_key="l", completed=True)
    assert stream.rows == before


def config_event(name: str, **values: Any) -> dict[str, Any]:
    body = {
        "config_id": INTEGRATION,
        "config": None,
        "config_cleared": (),
        "demoted_id": None,
        "run_id": None,
        "run": None,
    }
    stream = {"stream_kind": "settings", "stream_id": ids.settings_stream(COMPANY)}
    return {**ENVELOPE, **stream, "type": f"lms.{name}.v1", **body, **values}


def test_the_primary_one_moves_in_one_event() -> None:
    """figures 9.1: setting it moves it: two rows of one stream."""
    other = ids.integration_id(COMPANY, "other")
    known = {
        ("lms_integration_config", key): {"id": key, "is_primary_lms": key == other, "fold_state": {}}
        for key in (other, INTEGRATION)
    }
    event = config_event("integration.changed", config={"is_primary_lms": True}, demoted_id=other)
    rows = fold(event, lambda table, key: known.get((table, key)))
    assert {key: row["is_primary_lms"] for (_, key), row in rows.items()} == {INTEGRATION: True, other: False}


def test_a_run_begins_and_ends_in_one_row() -> None:
    """sync_run is a row per run; a run that changes nothing of its configuration leaves that alone."""
    config = {"id": INTEGRATION, "fold_state": {}, "updated_at": 1}
    run = ids.run_id(COMPANY, INTEGRATION, 1, "n")
    start = config_event("sync.started", run_id=run, run={"kind": "sync", "status": "running", "started_at": NOON})
    rows = fold(start, lambda table, _: config if table == "lms_integration_config" else None)
    assert list(rows) == [("sync_run", run)]
    end = config_event(
        "sync.completed", run_id=run, run={"status": "completed", "records_read": 3}, config={"watermark": 5}
    )
    known = rows | {("lms_integration_config", INTEGRATION): config}
    rows = fold(end | {"recorded_at": NOON + 9}, lambda table, key: known.get((table, key)))
    assert (rows["sync_run", run]["status"], rows["sync_run", run]["kind"], rows["sync_run", run]["records_read"]) == (
        "completed",
        "sync",
        3,
    )
    assert (rows["sync_run", run]["created_at"], rows["sync_run", run]["updated_at"]) == (NOON, NOON + 9)
    assert rows["lms_integration_config", INTEGRATION]["fold_state"] == {"watermark": 5}


def directory_event(kind: str, stream: str, name: str, change: dict[str, Any], **also: Any) -> dict[str, Any]:
    body = {"stream_kind": kind, "stream_id": stream, "type": f"lms.{kind}.{name}.v1", "change": change, "cleared": ()}
    return {**ENVELOPE, **body, "effective_from": None, **also}


FIRST: dict[str, dict[str, Any]] = {
    "company": {
        "name": "Acme",
        "code": "acme",
        "time_zone": "UTC",
        "currency_code": "USD",
        "fiscal_year_start_month": 1,
    },
    "department": {"code": "hr", "name": "HR"},
    "team": {"code": "t", "name": "T"},
    "user": {},
    "employee": {"employment_status": "Active"},
    "account": {"first_seen_at": 1, "last_seen_at": 1},
    "course": {"course_id": "c", "course_key": "c", "course_name": "C"},
}


@pytest.mark.parametrize("kind", list(TABLE_OF))
def test_a_row_of_the_directory(kind: str) -> None:
    """One row per stream, its id the stream's; effective from the day that is told, else the day it occurred."""
    name = {"account": "seen", "course": "seen", "employee": "hired"}.get(kind, "registered")
    stream = COMPANY if kind == "company" else ids.derived(COMPANY, kind, "x")
    event = directory_event(kind, stream, name, FIRST[kind])
    rows = fold(event, nothing)
    table = TABLES[TABLE_OF[kind]]
    row = rows[table.name, stream]
    checker(table)(row, None)
    assert [(projection.name, key) for projection, key in targets(event)] == [(table.name, stream)]
    assert row["created_at"] == row["updated_at"] == NOON
    again_is = "seen" if kind == "account" else "changed"
    changed = directory_event(kind, stream, again_is, {}, effective_from=TODAY + 5, recorded_at=NOON + 1)
    again = fold(changed, lambda *_: row)[table.name, stream]
    assert (again["created_at"], again["updated_at"]) == (NOON, NOON + 1)
    if "effective_from" in table.columns:
        assert (row["effective_from"], again["effective_from"]) == (TODAY - 3, TODAY + 5)
    if "is_active" in table.columns:
        assert row["is_active"] is True


def test_a_refused_command_has_no_row() -> None:
    """design 7: command.refused, no row changes."""
    refused = {
        **ENVELOPE,
        "type": "lms.command.refused.v1",
        "stream_kind": "settings",
        "stream_id": ids.settings_stream(COMPANY),
    }
    assert targets(refused) == []


def statement(name: str, **values: Any) -> dict[str, Any]:
    return {**ENVELOPE, "type": f"lms.statement.{name}.v1", "statement_id": "s", "target_stream": None, "digest": b"1", "kind": "passed",
            "voided_by": None, **values}  # fmt: skip


def test_a_statement_and_its_voiding_come_in_any_order() -> None:
    """Folding twice, or the other way round, gives the same row."""
    came, voided = statement("received", target_stream=ACCOUNT), statement("voided", voided_by="v")
    key = ("xapi_statement", ids.statement_row(INTEGRATION, "s"))
    one = fold(voided, lambda *_: fold(came, nothing)[key])[key]
    two = fold(came, lambda *_: fold(voided, nothing)[key])[key]
    assert one == two
    assert (one["digest"], one["voided_by"], one["stream_id"]) == (b"1", "v", ACCOUNT)
    assert fold(came, lambda *_: one) == fold(voided, lambda *_: one) == {}


def test_a_rejected_record_is_kept_once() -> None:
    """A rejected record, once however often it is seen, with its reason."""
    reason = {
        "field": "score",
        "rule": "range",
        "expected": "0 to 100",
        "message": "score: …",
        "record": None,
        "observation": b"x",
    }
    where = {"event_id": ACCOUNT, "stream_id": None, "record_size": 1, "record_sha256": b"h", "source_name": "f", "source_position": "1",
             "run_id": None}  # fmt: skip
    event = {**ENVELOPE, "type": "lms.record.rejected.v1", **reason, **where}
    row = fold(event, nothing)["dead_letter", ACCOUNT]
    assert (row["kind"], row["field"], row["rule"], row["record"]) == ("rejected", "score", "range", b"x")
    assert fold({**event, "record": "sealed:x"}, nothing)["dead_letter", ACCOUNT]["record"] == b"sealed:x"
    assert fold(event, lambda *_: row) == {}
