"""What ``hub figures`` says of one figure: its definition, its values with parts and reasons, and what it was computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import typer

from hub.cli import output

if TYPE_CHECKING:
    from hub.bootstrap import Hub
    from hub.figures.service import Recorded
    from projections.figures.definition import Figure

VALUES = {
    "of": "figures of", "period": "period", "from": "from", "value": "value", "numerator": "numerator",
    "denominator": "denominator", "reason": "reason", "more": "further parts",
}  # fmt: skip
ENROLLMENTS = """
SELECT e.enrollment_number, e.employee_number, e.course_name, e.enrollment_status, e.enrollment_date, e.completion_date,
       r.in_numerator, e.enrollment_id
FROM analytics.figure_rows r JOIN analytics.enrollments e ON e.enrollment_id = r.enrollment_id
WHERE r.figure_row_id = %(row)s AND r.figure = %(figure)s
ORDER BY r.in_numerator DESC, e.enrollment_number LIMIT %(limit)s
"""
RUNS = """
SELECT kind, status, started_at, ended_at, records_read, changed, rejected, failure, run_id
FROM analytics.sync_runs WHERE lms_integration_id = %(integration)s
  AND (ended_at AT TIME ZONE %(zone)s)::date = %(day)s ORDER BY ended_at LIMIT %(limit)s
"""
_ENROLLMENT_COLUMNS = {
    "enrollment_number": "enrollment", "employee_number": "employee", "course_name": "course", "enrollment_status": "status",
    "enrollment_date": "enrolled", "completion_date": "completed", "in_numerator": "in numerator",
}  # fmt: skip
_RUN_COLUMNS = {
    "kind": "run", "status": "status", "started_at": "started", "ended_at": "ended", "records_read": "read",
    "changed": "changed", "rejected": "rejected", "failure": "failure",
}  # fmt: skip
JSON = "(JSON)"
"""What stands for a value that is no figure; the event and the row have it."""
MOST = 30
"""Rows of a figure that are shown; who wants others names them."""


def show(hub: Hub, figure: Figure, rows: Sequence[Mapping[str, Any]], limit: int, *, as_json: bool) -> None:
    """Print it. What it was computed from is listed where one row is meant."""
    values = [_value(figure.column, row) for row in rows]
    origin, columns = _origin(hub, figure, rows[0], limit) if len(rows) == 1 and limit else ([], {})
    if as_json:
        output.print_json({"definition": definition(figure), "values": values, "computed_from": origin})
        return
    output.print_facts({name: value for name, value in definition(figure).items() if value})
    typer.echo()
    if not values:
        typer.echo("It is not told yet for any row; `hub figures compute` computes what is due.")
        return
    output.print_table(values[:MOST], VALUES)
    if len(rows) > 1:
        cut = f"The first {MOST} of {len(rows)} rows. " if len(rows) > MOST else ""
        typer.echo(
            f"\n{cut}Name one row (--type, --name, --period, --integration, --date) to see what it was computed from."
        )
    elif origin:
        typer.echo()
        output.print_table(
            origin, columns, title="Computed from" + (f" (the first {limit})" if len(origin) == limit else "")
        )
    elif limit:
        typer.echo("\nNo row lies behind it.")


def definition(figure: Figure) -> dict[str, Any]:
    """What the definition says, by name."""
    from projections.figures.definition import REASONS

    return {
        "figure": figure.column,
        "table": figure.table,
        "definition": figure.text,
        "unit": figure.unit,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "no data": figure.no_data,
        "reasons": "; ".join(f"{code}: {REASONS[code]}" for code in figure.reasons),
        "kind": "composite of the hub's own; its parts are kept" if figure.composite else figure.level,
        "level of evaluation": figure.kirkpatrick or None,
        "version": figure.version,
    }


def told(one: Recorded) -> dict[str, Any]:
    """One event of figures, with what differs."""
    from hub.domain.figures import PART_OF
    from hub.domain.units import day

    event = one.event
    new = event[PART_OF[event["table"]]] or {}
    before = orjson.loads(event["previous"]) if event.get("previous") else {}
    names = [*(name for name, value in new.items() if value is not None), *event["cleared"]]
    about = {
        "event": event["type"],
        "what": one.row.values.get("dashboard_name") or event["table"],
        "period": f"{event['period']} {day(event['period_start']).isoformat()}",
    }
    figures = [about | {"figure": name, "before": _told_before(before.get(name)), "now": _shown(one, name, new.get(name))}
               for name in names]  # fmt: skip
    return about | {
        "row": one.row.id, "closed": event["closed"], "reason": event["reason"], "position": "/".join(map(str, one.position)),
        "figures": figures,
    }  # fmt: skip


def _told_before(value: Any) -> Any:
    return JSON if isinstance(value, dict | list) else value


def _shown(one: Recorded, name: str, value: Any) -> Any:
    """A plain value of an event as people read it."""
    from hub.domain.units import day, unscaled
    from projections.plain import kind_of, scale_of
    from projections.tables import TABLES

    column = TABLES[one.row.table].columns[name]
    kind = kind_of(column)
    if value is None:
        return None
    if kind == "json":
        return JSON
    if kind == "date":
        return day(value).isoformat()
    return unscaled(value, scale_of(column)) if kind == "numeric" else value


def _value(column: str, row: Mapping[str, Any]) -> dict[str, Any]:
    parts = dict((row["parts"] or {}).get(column) or {})
    is_monitoring = "monitoring_date" in row
    return {
        "of": row["lms_code"] if is_monitoring else row["dashboard_name"],
        "period": "Daily" if is_monitoring else row["analysis_period"],
        "from": row["monitoring_date"] if is_monitoring else row["period_start"],
        "value": row[column],
        "numerator": parts.pop("numerator", None),
        "denominator": parts.pop("denominator", None),
        "reason": (row["reasons"] or {}).get(column),
        "more": parts or None,
    }


def _origin(
    hub: Hub, figure: Figure, row: Mapping[str, Any], limit: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The runs of the day, or the enrollments of the row, that it was computed from."""
    from psycopg.rows import dict_row

    with hub.connection() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        if "monitoring_date" in row:
            zone = connection.execute(
                "SELECT coalesce(time_zone, 'UTC') FROM hub.company WHERE id = %s", (row["company_id"],)
            ).fetchone()
            given = {"integration": row["lms_integration_id"], "day": row["monitoring_date"], "limit": limit,
                     "zone": zone[0] if zone else "UTC"}  # fmt: skip
            return cursor.execute(RUNS, given).fetchall(), _RUN_COLUMNS
        given = {"row": row["figure_row_id"], "figure": figure.column, "limit": limit}
        return cursor.execute(ENROLLMENTS, given).fetchall(), _ENROLLMENT_COLUMNS
