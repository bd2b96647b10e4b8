"""A row whose subject has nothing in play any more: figures are never deleted, so it says that there is nothing."""

from __future__ import annotations

from hub.domain.figures import DASHBOARD, FigureRow
from hub.domain.periods import Period
from hub.domain.rows import STATE, Row
from projections.figures.definitions import figures_of

NAMING = {DASHBOARD: ("dashboard_name", "dashboard_type", "analysis_period", "created_by_user_id")}
DAY = {DASHBOARD: "report_date"}


def emptied(table: str, row: Row, today: int) -> FigureRow:
    """The figures of a row that was told before and is not computed any more: counts are 0, the rest is NULL."""
    state = row[STATE]
    period = Period(state["period"], state["period_start"], state["period_end"])
    values = {name: row[name] for name in NAMING.get(table, ("monitoring_date",))}
    if table in DAY:
        values[DAY[table]] = period.report_date(today)
    reasons = {}
    for figure in figures_of(table):
        if figure.unit == "JSON":
            values[figure.column] = {}
        elif figure.reasons:
            values[figure.column] = None
            reasons[figure.column] = "no_data"
        else:
            values[figure.column] = 0
    return FigureRow(
        table,
        row["company_id"],
        row["lms_integration_id"],
        period,
        values,
        kind=state.get("kind"),
        subject=state.get("subject"),
        reasons=reasons,
    )
