"""Recording a figure: an event only where a value differs; a closed period is restated, with both values and the reason."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from hub.domain import ids
from hub.domain.events import all_types
from hub.domain.events.figures import DashboardFigures, MonitoringFigures
from hub.domain.figures import DASHBOARD, MONITORING, PART_OF, SCALE, Basis, FigureRow, completed, decide, row_id
from hub.domain.periods import period
from hub.domain.rows import Row
from hub.domain.units import days
from hub.log.shape import shape_of
from projections import audit
from projections.figures.base import Cells, figure_row, number, rounded
from projections.figures.definitions import FIGURES, REASONS, figure_of, figures_of
from projections.figures.emptied import emptied
from projections.folds import fold
from projections.plain import kind_of
from projections.rowcheck import checker
from projections.tables import TABLES

COMPANY = ids.company_id("ACME")
INTEGRATION = ids.integration_id(COMPANY, "lrs")
DAY = days(date(2026, 3, 10))
PERIOD = period("Daily", DAY)
NOW = 1_773_200_000_000_000
NAMING = {"id", "company_id", "lms_integration_id", "created_at", "updated_at", "fold_state"}


def basis(today: int = DAY, as_of: int = NOW) -> Basis:
    return Basis(as_of, {"lms.learning": {"0": 7}}, today, 1)


def figure(**values: Any) -> FigureRow:
    told = {"monitoring_date": DAY, **{one.column: None for one in figures_of(MONITORING)}, **values}
    return FigureRow(MONITORING, COMPANY, INTEGRATION, PERIOD, told)


def applied(row: Row | None, one: FigureRow, at: Basis, reason: str | None = None) -> Row | None:
    """The row once the event that was decided is folded; None: there was none."""
    body = decide(row, one, at, reason)
    if body is None:
        return None
    envelope = {"company_id": COMPANY, "stream_kind": "figure", "stream_id": one.id, "recorded_at": at.as_of}
    rows = fold({"monitoring": None, "dashboard": None, **envelope, **body}, lambda *_: row)
    (new,) = rows.values()
    checker(TABLES[one.table])(new)
    return new


@pytest.mark.parametrize(("table", "model"), [(MONITORING, MonitoringFigures), (DASHBOARD, DashboardFigures)])
def test_events_tables_and_definitions_have_the_same_figures(table: str, model: type[Any]) -> None:
    """Each column of a table is in its events, with the same digits; each but those that name the row has a definition."""
    columns = {column.name: column for column in TABLES[table].columns if column.name not in NAMING}
    assert list(model.model_fields) == list(columns)
    defined = {one.column for one in figures_of(table)}
    named = {
        "monitoring_date",
        "dashboard_name",
        "dashboard_type",
        "analysis_period",
        "report_date",
        "created_by_user_id",
    }
    assert defined == set(columns) - named
    for shape in shape_of(model):
        column = columns[shape.name]
        assert (shape.kind == "decimal") == (kind_of(column) == "numeric")
        if shape.kind == "decimal":
            assert (shape.precision, shape.scale) == (column.type.precision, SCALE)  # type: ignore[attr-defined]
    assert table in PART_OF


def test_every_reason_is_a_known_code() -> None:
    """Definitions name only codes that are explained; a figure with none is 0 where there was nothing."""
    for one in FIGURES:
        assert set(one.reasons) <= REASONS.keys()
        assert one.comment.endswith(f"{one.no_data}.")
        assert TABLES[one.table].columns[one.column].comment == one.comment
    assert figure_of("Completion_Rate").column == "completion_rate"
    assert figure_of("lms_analytics_dashboard.completion_rate").table == DASHBOARD


def test_the_first_time_everything_known_is_told() -> None:
    """What is NULL is absent, with its reason beside it."""
    one = figure(sync_success_rate=9_950, connection_drops=0)
    one.reasons = {"error_rate": "no_data"}
    body = decide(None, one, basis())
    assert body is not None
    assert body["type"] == "lms.figures.recorded.v1"
    assert body["monitoring"] == {"monitoring_date": DAY, "sync_success_rate": 9_950, "connection_drops": 0}
    assert json.loads(body["reasons"]) == {"error_rate": "no_data"}
    assert (body["period_start"], body["period_end"], body["closed"]) == (DAY, DAY + 1, False)


def test_the_same_values_are_no_event() -> None:
    """Told again with the same values, from whatever parts: nothing. Unknown for another reason: an event."""
    one = figure(sync_success_rate=10_000)
    one.reasons = {"error_rate": "no_data"}
    row = applied(None, one, basis())
    one.parts = {"sync_success_rate": {"numerator": 2, "denominator": 2}}
    assert decide(row, one, basis(as_of=NOW + 1)) is None
    one.reasons = {"error_rate": "not_reported_by_source"}
    body = decide(row, one, basis())
    assert body is not None
    assert body["monitoring"] is None


def test_what_became_unknown_is_cleared() -> None:
    """A figure that is NULL now is named, and the row has it no more."""
    row = applied(None, figure(error_rate=150, timeout_incidents=0), basis())
    one = figure(timeout_incidents=0)
    body = decide(row, one, basis())
    assert body is not None
    assert body["cleared"] == ["error_rate"]
    changed = applied(row, one, basis())
    assert changed is not None
    assert changed["error_rate"] is None
    assert changed["timeout_incidents"] == 0


def test_a_period_closes_once_and_then_stays() -> None:
    """On its third day it is closed, by an event even where no value differs; without a reason nothing changes it then."""
    one = figure(connection_drops=1)
    row = applied(None, one, basis())
    assert decide(row, one, basis(DAY + 2)) is None
    body = decide(row, one, basis(DAY + 3))
    assert body is not None
    assert body["closed"]
    assert body["transitions"] == ["figures.recorded", "figures.closed"]
    closed = applied(row, one, basis(DAY + 3))
    assert decide(closed, one, basis(DAY + 4), "late facts") is None
    assert decide(closed, figure(connection_drops=2), basis(DAY + 4)) is None


def test_a_closed_period_is_restated_with_both_values() -> None:
    """The event has the new values and those told before; the row says when it was restated."""
    closed = applied(None, figure(connection_drops=1, error_rate=50), basis(DAY + 3))
    one = figure(connection_drops=2)
    body = decide(closed, one, basis(DAY + 9, NOW + 5), "late facts")
    assert body is not None
    assert body["type"] == "lms.figures.restated.v1"
    assert body["monitoring"] == {"connection_drops": 2}
    assert json.loads(body["previous"]) == {"connection_drops": 1, "error_rate": 0.5}, "in the unit of the column"
    restated = applied(closed, one, basis(DAY + 9, NOW + 5), "late facts")
    assert restated is not None
    assert restated["fold_state"]["restated_at"] == NOW + 5
    assert restated["fold_state"]["closed"]


def test_when_it_was_computed_is_no_difference() -> None:
    """``as_of``, positions and freshness of ``additional_metrics`` alone make no event; a figure in it does."""
    month = period("Monthly", DAY)
    values = dict.fromkeys(DashboardFigures.model_fields) | {
        "dashboard_name": "Executive",
        "report_date": DAY,
    }

    def told(at: Basis, **metrics: Any) -> FigureRow:
        own = {**values, "additional_metrics": {"overdue": 3, **metrics}}
        return completed(FigureRow(DASHBOARD, COMPANY, None, month, own, kind="Executive"), at)

    row = applied(None, told(basis(), freshness={"lrs": "2026"}), basis())
    assert row is not None
    later = Basis(NOW + 9, {"lms.learning": {"0": 8}}, DAY, 1)
    assert decide(row, told(later, freshness={"lrs": "2027"}), later) is None
    assert decide(row, told(later, overdue=4), later) is not None


def test_rows_are_told_apart_by_their_natural_key() -> None:
    """Company, integration, type, period, period start and subject; a year to date by its end too."""
    march, april = period("YTD", DAY), period("YTD", DAY + 31)
    keys = {
        row_id(table, company, integration, kind, one, subject)
        for table in (MONITORING, DASHBOARD)
        for company in (COMPANY, INTEGRATION)
        for integration in (None, INTEGRATION)
        for kind in (None, "Manager")
        for one in (PERIOD, period("Weekly", DAY), march, april)
        for subject in (None, "d1")
    }
    assert len(keys) == 2 * 2 * 2 * 2 * 4 * 2


def test_a_row_with_nothing_in_play_is_told_as_empty() -> None:
    """Figures are never deleted: counts become 0, what needs data is NULL with its reason."""
    row = applied(None, figure(connection_drops=3, error_rate=70), basis())
    assert row is not None
    one = emptied(MONITORING, row, DAY)
    assert one.id == row["id"]
    assert one.values["connection_drops"] == 0
    assert one.values["error_rate"] is None
    assert one.reasons["error_rate"] == "no_data"


@pytest.mark.parametrize(
    ("value", "scale", "result"),
    [
        (Fraction(1, 3), 2, 33),
        (Fraction(2, 3), 2, 67),
        (Decimal("0.005"), 2, 1),
        (Decimal("-0.005"), 2, -1),
        (Decimal("2.5"), 0, 3),
        (Fraction(-5, 2), 0, -3),
        (Decimal("1.004999999999999999999999"), 2, 100),
    ],
)
def test_rounded_once_half_away_from_zero(value: Any, scale: int, result: int) -> None:
    """From the exact value, whatever its sign and its digits."""
    assert rounded(value, scale) == result


def test_cells_keep_parts_reasons_and_limits() -> None:
    """A ratio has its parts; an empty denominator is NULL with a reason; what is too large is held at the limit."""
    cells = Cells(MONITORING)
    cells.ratio("error_rate", 1, 3, times=100)
    cells.ratio("sync_success_rate", 0, 0, times=100)
    cells.value("system_load_percentage", 1234)
    cells.value("memory_usage_mb", None)
    assert cells.values == {
        "error_rate": 3_333, "sync_success_rate": None, "system_load_percentage": 99_999, "memory_usage_mb": None,
    }  # fmt: skip
    assert cells.parts["error_rate"] == {"numerator": 1, "denominator": 3}
    assert cells.parts["system_load_percentage"] == {"exact": 1234}
    assert cells.reasons == {
        "sync_success_rate": "no_data", "system_load_percentage": "capped", "memory_usage_mb": "no_data",
    }  # fmt: skip
    with pytest.raises(ValueError, match="availability_percentage"):
        figure_row(cells, MONITORING, COMPANY, INTEGRATION, PERIOD)
    with pytest.raises(ValueError, match="no reason"):
        cells.none("error_rate", "nothing")


def test_a_signed_figure_may_be_negative() -> None:
    """The return may be a loss; it is held at either end of its column."""
    cells = Cells(DASHBOARD)
    cells.value("roi_analysis", Decimal("-12.345"))
    assert cells.values["roi_analysis"] == -1_235
    cells.value("roi_analysis", -5_000)
    assert cells.values["roi_analysis"] == -99_999
    assert number(Fraction(1, 2)) == 0.5


def test_both_events_are_declared() -> None:
    """They lie on the topic of operations, keyed by the figure; a restatement has a high risk."""
    for name, action, risk in (("recorded", "Create", "Low"), ("restated", "Update", "High")):
        kind = f"lms.figures.{name}.v1"
        assert all_types()[kind].topic == "lms.operations"
        words = audit.words_of(kind)
        assert (words.audit_type, words.action, words.risk) == ("Performance Issue", action, risk)
        assert (words.entity_type, words.sensitivity, words.regulation) == ("Content Data", "Internal", "None")
