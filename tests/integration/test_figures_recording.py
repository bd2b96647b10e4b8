"""Figures from facts to rows: an open period, a close, a restatement, each an event; and the same rows when replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from hub.domain import ids
from hub.domain.figures import DASHBOARD, MONITORING, FigureRow
from hub.domain.periods import Period, period
from hub.domain.units import DAY, days, micros
from hub.enrollments import commands as acts
from hub.figures.clock import FiguresReactor, wanted
from hub.figures.service import FigureService, Outcome
from hub.integrations import commands as runs
from hub.log import codec
from projections import folds, migrations
from projections.figures import monitoring
from projections.figures.base import Cells, figure_row
from projections.figures.definitions import figures_of
from projections.figures.reading import Facts, Told
from projections.tables import TABLES
from tests.support.pg_scene import COMPANY, INTEGRATION, PARTITIONS, Scene

START = micros(datetime(2026, 3, 10, 9, tzinfo=UTC))
TODAY = days(date(2026, 3, 10))
HOUR = 3600 * 1_000_000
COUNT = """
SELECT count(*), count(*) FILTER (WHERE completion_date >= %(start)s AND completion_date < %(end)s)
FROM hub.lms_course_enrollment WHERE company_id = %(company)s AND enrollment_date < %(end)s
"""


def counted(
    connection: psycopg.Connection[Any],
    company_id: str,
    wanted: Sequence[Period],
    as_of: int,
    chosen: str | None = None,
) -> list[FigureRow]:
    """A dashboard of two figures: how many enrollments there are, and how many were completed."""
    rows = []
    for one in wanted:
        span = {"start": date.fromordinal(one.start + 719_163), "end": date.fromordinal(one.end + 719_163)}
        total, completed = connection.execute(COUNT, {"company": company_id, **span}).fetchone() or (0, 0)
        cells = Cells(DASHBOARD)
        for figure in figures_of(DASHBOARD):
            if figure.unit == "JSON":
                cells.put(figure.column, {})
            elif figure.reasons:
                cells.none(figure.column, figure.reasons[0])
            else:
                cells.value(figure.column, 0)
        cells.value("total_enrollments", total)
        cells.value("completed_enrollments", completed)
        cells.ratio("completion_rate", completed, total, times=100)
        cells.put("dashboard_name", "Executive: Acme")
        cells.put("dashboard_type", "Executive")
        cells.put("analysis_period", one.kind)
        cells.put("report_date", one.report_date(as_of // DAY))
        cells.put("created_by_user_id", None)
        if total:
            rows.append(figure_row(cells, DASHBOARD, company_id, None, one, kind="Executive"))
    return rows


class Story:
    """A scene whose time moves, and the clock of figures over it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.now = START
        scene.around = replace(scene.around, clock=lambda: self.now)
        scene.prepared()
        self.now += 60_000_000
        self.reactor = self.begun()

    def begun(self) -> FiguresReactor:
        """A clock that has just been started."""
        from hub.deciding.commands import Commands

        commands = Commands(self.scene.around)
        computations = {MONITORING: monitoring.compute, DASHBOARD: counted}
        self.service = FigureService(commands, self.scene.pool.connection, computations, lambda: self.now)
        return FiguresReactor(self.service, Facts(self.scene.pool.connection), lambda: self.now)

    def enrolled(self, course: str, on: int, **facts: Any) -> str:
        """An enrollment of that day becomes known now."""
        stream = self.scene.tell(
            course,
            0,
            observed_at=self.now,
            source_time=self.now,
            facts={"registered": True, "enrolled_on": on, **facts},
        )
        self.scene.decide()
        return stream

    def react(self, hours: float = 0) -> Outcome:
        self.now += int(hours * HOUR)
        return self.reactor.react()

    def row(self, kind: str, start: int, column: str) -> Any:
        query = f"SELECT {column}, (fold_state->>'closed')::boolean FROM hub.lms_analytics_dashboard " \
                "WHERE analysis_period = %s AND (fold_state->>'period_start')::integer = %s"  # fmt: skip
        (found,) = self.scene.ask(query, kind, start)
        return found

    def events(self) -> list[dict[str, Any]]:
        return [codec.decode(one.value) for one in self.scene.records(["lms.operations"])]


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    migrations.upgrade(database_url)
    with ExitStack() as stack:
        yield Story(Scene(database_url, stack))


def test_open_close_and_restatement(story: Story) -> None:
    """A day is told while it is open, closed on its third day, and told again when a later fact touches it."""
    stream = story.enrolled("c", TODAY)
    first = story.react()
    assert (first.recorded, first.restated, first.closed) == (7, 0, 0)  # six periods and a day of the integration
    assert story.row("Daily", TODAY, "total_enrollments") == (1, False)
    told = len(story.events())

    assert story.react().computed == 0, "nothing happened: nothing is computed"
    assert story.react(2).computed == 0
    story.enrolled("d", TODAY)
    assert story.react(0.5).recorded > 0, "two hours after the last computation"
    story.enrolled("e", TODAY)
    assert story.react(0.5).computed == 0, "at most once an hour"
    assert story.react(0.6).recorded > 0
    assert story.row("Daily", TODAY, "total_enrollments") == (3, False)
    assert len(story.events()) > told

    story.now = START + 3 * DAY
    assert story.react().closed == 2  # the day of the company, and of the integration
    assert story.row("Daily", TODAY, "total_enrollments") == (3, True)
    assert story.row("Daily", TODAY, "report_date::text")[0] == "2026-03-10"
    assert story.row("Weekly", TODAY - 1, "total_enrollments") == (3, False)

    story.now += 2 * HOUR
    story.scene.execute(acts.correct(COMPANY, stream, {"enrollment_status": "Completed", "completion_date": TODAY},
                                     reason="told by telephone"))  # fmt: skip
    again = story.react(1)
    assert again.restated == 1
    assert story.row("Daily", TODAY, "completed_enrollments") == (1, True)
    event = next(one for one in story.events() if one["type"] == "lms.figures.restated.v1")
    assert event["dashboard"]["completed_enrollments"] == 1
    assert '"completed_enrollments":0' in event["previous"]
    assert "2026-03-10" in event["reason"]
    assert event["positions"]
    trail = "SELECT risk_level, field_changes->'completed_enrollments' FROM hub.lms_audit_trail WHERE id = %s"
    assert story.scene.ask(trail, event["event_id"]) == [("High", [0, 1])]
    assert story.react(2).restated == 0, "told once"


def test_a_new_clock_tells_nothing_twice(story: Story) -> None:
    """Begun anew it computes all once more, and finds that nothing differs; another company's news is not this one's."""
    story.enrolled("c", TODAY)
    story.react()
    told = len(story.events())
    story.reactor = story.begun()
    assert story.react().computed > 0
    assert len(story.events()) == told


def test_what_was_missed_is_made_up_for(story: Story) -> None:
    """Nobody served for a week: each day in between has its row, closed where it is due."""
    story.enrolled("c", TODAY)
    story.react()
    story.now = START + 7 * DAY
    story.reactor = story.begun()
    story.react()
    found = story.scene.ask(
        "SELECT report_date - DATE '2026-03-10', (fold_state->>'closed')::boolean FROM hub.lms_analytics_dashboard "
        "WHERE analysis_period = 'Daily' ORDER BY 1"
    )
    assert found == [(number, number <= 4) for number in range(8)]


def test_a_replay_gives_equal_rows(story: Story) -> None:
    """Folded once more from the log alone, without a computation, both tables are the same."""
    story.enrolled("c", TODAY)
    story.react()
    story.now = START + 3 * DAY
    story.react()
    tables = [f"hub.{name}" for name in (MONITORING, DASHBOARD)]
    before = [story.scene.ask(f"SELECT to_jsonb(t) FROM {name} t ORDER BY id") for name in tables]
    assert all(before)
    with story.scene.connect() as connection:
        connection.execute("DELETE FROM hub.projection_offset WHERE topic = 'lms.operations'")
        connection.execute("DELETE FROM hub.stream_head WHERE kind = 'figure'")
        connection.execute("DELETE FROM hub.lms_audit_trail WHERE additional_context->>'topic' = 'lms.operations'")
        for name in tables:
            connection.execute(f"DELETE FROM {name}")
    story.scene.fold()
    assert [story.scene.ask(f"SELECT to_jsonb(t) FROM {name} t ORDER BY id") for name in tables] == before


def test_a_row_with_nothing_left_is_told_as_empty(story: Story) -> None:
    """When what it counted moved to another time, the row of the day says 0, and is closed like any other."""
    stream = story.enrolled("c", TODAY)
    story.react()
    story.now += 2 * HOUR
    story.scene.execute(acts.correct(COMPANY, stream, {"enrollment_date": TODAY + 300}, reason="a slip"))
    story.react(1)
    assert story.row("Daily", TODAY, "total_enrollments") == (0, False)
    assert story.row("Daily", TODAY, "completion_rate") == (None, False)
    story.now = START + 3 * DAY
    story.react()
    assert story.row("Daily", TODAY, "total_enrollments") == (0, True)


def test_monitoring_has_a_row_per_integration_and_day(story: Story) -> None:
    """Keyed by integration and day; its parts and reasons lie beside it, since the table has no column for them."""
    story.react()
    key = ids.derived(COMPANY, "figure", MONITORING, INTEGRATION, "", "Daily", "2026-03-10", "")
    query = "SELECT id::text, monitoring_date::text, sync_success_rate, fold_state->'reasons'->>'sync_success_rate' FROM hub.lms_integration_monitoring"
    assert story.scene.ask(query) == [(key, "2026-03-10", None, "no_data")]


def test_monitoring_of_real_events(story: Story) -> None:
    """A run, a loss, a run that ends it, told by the events of the hub itself; four hours since it was set up."""
    requests = {"requests": 4, "outcomes": {"ok": 4}, "answered": 4, "milliseconds": 40, "hours": {"1": 4}}
    failing = {"requests": 2, "outcomes": {"cut": 2}, "failing_since": START + HOUR + 30_000_000}

    def run(number: int, at: int, ends: str, told: dict[str, Any]) -> None:
        key = ids.derived(COMPANY, "run", str(number))
        begun = {"kind": "sync", "started_at": at, "trigger": "schedule"}
        story.now = at
        story.scene.execute(runs.sync_started(COMPANY, INTEGRATION, key, begun))
        story.now = at + 60_000_000
        ended = begun | {"requests": json.dumps(told), "unreachable": ends == "failed"}
        if ends == "failed":
            ended["failing_since"] = told["failing_since"]
        act = runs.sync_failed if ends == "failed" else runs.sync_completed
        story.scene.execute(act(COMPANY, INTEGRATION, key, ended))

    run(1, START + HOUR // 2, "completed", requests)
    run(2, START + HOUR, "failed", failing)
    run(3, START + 3 * HOUR - 60_000_000, "completed", requests)
    story.now = START + 4 * HOUR
    story.react()
    query = "SELECT availability_percentage, sync_success_rate, error_rate, connection_drops, critical_incidents, " \
            "fold_state->'parts'->'availability_percentage' FROM hub.lms_integration_monitoring"  # fmt: skip
    (row,) = story.scene.ask(query)
    # Down from 10:00:30 to 12:00 of the time from 9:00 to 13:00; over an hour, so it is an incident.
    assert row[:5] == (Decimal("50.21"), Decimal("66.67"), Decimal("20.00"), 1, 1)
    assert row[5] == {"numerator": 7_230, "denominator": 14_400}


def test_what_is_wanted() -> None:
    """Today's periods, those not closed, and those since the last that has rows; nothing of the time before."""
    today = TODAY
    assert wanted([], ["Daily"], today, 1) == [period("Daily", today)]
    closed = Told(period("Daily", today - 9), closed=True, as_of=0)
    still_open = Told(period("Weekly", today - 20), closed=False, as_of=0)
    found = wanted([closed, still_open], ["Daily", "Weekly"], today, 1)
    assert [one.start for one in found if one.kind == "Daily"] == list(range(today - 8, today + 1))
    assert period("Weekly", today - 20) in found
    assert not [one for one in found if one.kind == "Monthly"]
    asked_for = Told(period("Daily", today - 90), closed=True, as_of=today * DAY)
    assert wanted([asked_for], ["Daily"], today, 1) == [period("Daily", today)], "nobody asked for the days since then"
    ytd = period("YTD", today)
    assert wanted([Told(ytd, closed=False, as_of=0)], ["YTD"], today, 1) == [ytd], "not those of the months before"


def test_the_topic_is_folded_like_any_other() -> None:
    """Both tables are written from it, after what they refer to."""
    assert [one.name for one in folds.BY_TOPIC["lms.operations"]] == [MONITORING, DASHBOARD]
    assert folds.WRITE_ORDER.index(DASHBOARD) > folds.WRITE_ORDER.index("lms_integration_config")
    assert PARTITIONS > 1
    assert TABLES[DASHBOARD].info["part"] == "specification"
