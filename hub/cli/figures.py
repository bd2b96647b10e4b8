"""``hub figures``: what is reported, how it is defined, what it was computed from; and computing it now."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson, Company
from hub.errors import Refused

if TYPE_CHECKING:
    from hub.bootstrap import Hub
    from hub.figures.service import Outcome
    from projections.figures.base import Company as CompanyFacts

app = new_group("Figures: monitoring and dashboards, as they were reported.")

Tables = Literal["monitoring", "dashboard"]
Types = Literal["Executive", "Manager", "LMS Admin", "Instructor", "Compliance", "Learning Analytics"]
Kinds = Literal["Daily", "Weekly", "Monthly", "Quarterly", "Yearly", "YTD", "Custom"]
Table = Annotated[Tables | None, typer.Option("--table", help="Which table; default: dashboard.")]
Each = Annotated[Tables | None, typer.Option("--table", help="Only this table; default: both.")]
Integration = Annotated[str | None, typer.Option(metavar="CODE", help="Only rows of this integration.")]
Type = Annotated[Types | None, typer.Option("--type", help="Only dashboards of this type.")]
Kind = Annotated[Kinds | None, typer.Option("--period", help="Only this kind of period.")]
Day = Annotated[
    datetime | None,
    typer.Option(
        "--date", formats=["%Y-%m-%d"], metavar="DAY", help="Rows whose period has this day; default: the newest."
    ),
]
Named = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Only dashboards whose name has this in it.")]


def _option(name: str, text: str) -> Any:
    return typer.Option(name, formats=["%Y-%m-%d"], metavar="DAY", help=text)


VIEWS = {"monitoring": "integration_health", "dashboard": "dashboards"}
_TABLE = {"monitoring": "lms_integration_monitoring", "dashboard": "lms_analytics_dashboard"}
MONITORING = {
    "lms_code": "integration", "monitoring_date": "day", "availability_percentage": "available %", "sync_success_rate": "success %",
    "error_rate": "errors %", "api_response_time_ms": "response ms", "data_latency_minutes": "latency min",
    "critical_incidents": "critical", "warning_incidents": "warnings", "performance_score": "score", "sla_compliance": "sla",
    "is_closed": "closed",
}  # fmt: skip
DASHBOARD = {
    "dashboard_name": "dashboard", "analysis_period": "period", "period_start": "from", "report_date": "as of",
    "total_enrollments": "total", "active_enrollments": "active", "completed_enrollments": "completed", "dropped_enrollments": "dropped",
    "completion_rate": "completion %", "compliance_training_completion": "compliance %", "engagement_score": "engagement",
    "is_closed": "closed",
}  # fmt: skip
EVENTS = {
    "event": "event", "what": "figures of", "period": "period", "closed": "period is", "count": "values", "position": "in the log",
}  # fmt: skip
TOLD = {"what": "figures of", "period": "period", "figure": "figure", "before": "told before", "now": "now"}
MOST = 40
"""Events that are shown."""


@app.command(
    epilog=example(
        "hub figures show", "hub figures show --type Manager --period Monthly",
        "hub figures show --table monitoring --integration moodle --date 2026-03-10 --json",
    )
)  # fmt: skip
def show(
    table: Table = None, integration: Integration = None, kind: Type = None, name: Named = None, period: Kind = None,
    on: Day = None, company: Company = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show figures as they were reported: the newest of each kind, or those of one day."""
    from hub.cli import output

    chosen = table or "dashboard"
    with opened(runners=False) as hub:
        rows = selected(hub, chosen, company_of(hub, company), integration, kind, name, period, _day(on))
    columns = MONITORING if chosen == "monitoring" else DASHBOARD
    output.show(
        rows, columns, as_json=as_json, empty="No figure is told for that; `hub figures compute` computes them."
    )


@app.command(
    epilog=example(
        "hub figures explain completion_rate", "hub figures explain error_rate --integration moodle --date 2026-03-10",
        "hub figures explain completed_enrollments --type Executive --period Monthly",
    )
)  # fmt: skip
def explain(
    figure: Annotated[str, typer.Argument(metavar="NAME", help="Column of the figure, such as completion_rate.")],
    integration: Integration = None, kind: Type = None, name: Named = None, period: Kind = None, on: Day = None,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="Most rows that are shown of what it was computed from.")] = 20,
    company: Company = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Explain a figure: its definition, numerator, denominator, reasons, and the rows that it was computed from."""
    from hub.cli import figures_explained
    from projections.figures.definitions import figure_of

    defined = figure_of(figure)
    chosen: Tables = "monitoring" if defined.table == _TABLE["monitoring"] else "dashboard"
    with opened(runners=False) as hub:
        rows = selected(hub, chosen, company_of(hub, company), integration, kind, name, period, _day(on))
        figures_explained.show(hub, defined, rows, limit, as_json=as_json)


@app.command(
    epilog=example(
        "hub figures compute", "hub figures compute --date 2026-02-10", "hub figures compute --from 2026-02-10 --to 2026-03-20",
        "hub figures compute --from 2026-01-01 --to 2026-06-30 --filter department=OPS --filter compliance=yes",
    )
)  # fmt: skip
def compute(
    table: Each = None,
    on: Annotated[datetime | None, _option("--date", "The periods that have this day; default: what is due.")] = None,
    first: Annotated[
        datetime | None, _option("--from", "First day of a dashboard's period of your own (Custom).")
    ] = None,
    last: Annotated[datetime | None, _option("--to", "Its last day; default: today.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="NAME=VALUE",
            help="What it is about: course, course_type, compliance, department, instructor, integration or mandatory; "
            "with several, all have to hold.",
        ),
    ] = None,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Compute figures now and record what differs: the open periods and those to be closed, or the periods of your choice."""
    from hub.domain.figures import DASHBOARD, KINDS_OF
    from hub.domain.periods import CUSTOM, Period, period
    from hub.figures.clock import due
    from hub.figures.service import Outcome
    from projections.figures import filters

    if only and first is None:
        raise typer.BadParameter("goes with a period of your own; expected --from", param_hint="--filter")
    outcome = Outcome()
    with opened() as hub:
        service, facts, one, today = _parts(hub, company_of(hub, company))
        day, start, end = _past(on, today), _past(first, today), _past(last, today) or today
        if start is not None and start > end:
            raise Refused(
                "from: is after --to; expected a day before it", field="from", rule="order", expected="a day before"
            )
        for name in _tables(table):
            month = one.fiscal_year_start_month
            asked: dict[str | None, list[Period]]
            if start is not None:
                with hub.connection() as connection:
                    chosen = filters.kept(connection, one.id, only or ())
                asked = {chosen: [Period(CUSTOM, start, end + 1)]} if name == DASHBOARD else {}
            elif day is not None:
                asked = {None: [period(kind, day, month) for kind in KINDS_OF[name]]}
            else:
                asked = due(facts.told(name, one.id, _back(today)), KINDS_OF[name], today, month)
            for chosen, periods in asked.items():
                outcome.add(service.tell(name, one, periods, chosen=chosen, actor=actor()))
    _report(outcome, as_json=as_json)


@app.command(epilog=example('hub figures restate --since 2026-02-01 --reason "marks of February came in late"'))
def restate(
    since: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="Closed periods that end after this day.")
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with both values.")],
    table: Each = None,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """Compute closed periods again; where a figure differs, both values and the reason are recorded."""
    from hub.domain.units import days
    from hub.figures.clock import by_filter
    from hub.figures.service import Outcome

    if not reason.strip():
        raise typer.BadParameter("expected why", param_hint="--reason")
    outcome = Outcome()
    with opened() as hub:
        service, facts, one, _ = _parts(hub, company_of(hub, company))
        first = days(since.date())
        for name in _tables(table):
            told = facts.told(name, one.id, first)
            closed = by_filter([each for each in told if each.closed and each.period.end > first])
            for chosen, periods in closed.items():
                outcome.add(service.tell(name, one, periods, chosen=chosen, actor=actor(), reason=reason))
    _report(outcome, as_json=as_json)


def selected(
    hub: Hub, table: Tables, company_id: str, integration: str | None, kind: str | None, name: str | None,
    period: str | None, on: date | int | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Reported rows: those whose period has the day ``on`` (days since 1970), else the newest of each."""
    from psycopg import sql
    from psycopg.rows import dict_row

    from hub.domain.units import day as calendar

    is_monitoring = table == "monitoring"
    first = "monitoring_date" if is_monitoring else "period_start"
    last = "monitoring_date" if is_monitoring else "period_last_day"
    same = "lms_integration_id" if is_monitoring else "dashboard_name, lms_integration_id, subject, analysis_period"
    newest = sql.SQL("DISTINCT ON ({})").format(sql.SQL(same)) if on is None else sql.SQL("")
    query = sql.SQL(
        "SELECT * FROM (SELECT {newest} * FROM analytics.{view} WHERE company_id = %(company)s "
        "AND (%(code)s::text IS NULL OR lower(lms_code) = lower(%(code)s)) {dashboard} "
        "AND (%(on)s::date IS NULL OR %(on)s BETWEEN {first} AND {last}) ORDER BY {same}, {first} DESC, {last} DESC) AS found "
        "ORDER BY {shown}, {first}"
    ).format(
        newest=newest,
        view=sql.Identifier(VIEWS[table]),
        first=sql.Identifier(first),
        last=sql.Identifier(last),
        same=sql.SQL(same),
        shown=sql.SQL("lms_code" if is_monitoring else "dashboard_type, dashboard_name"),
        dashboard=sql.SQL(
            ""
            if is_monitoring
            else "AND (%(kind)s::text IS NULL OR dashboard_type = %(kind)s) "
            "AND (%(period)s::text IS NULL OR analysis_period = %(period)s) "
            "AND (%(name)s::text IS NULL OR position(lower(%(name)s) IN lower(dashboard_name)) > 0)"
        ),
    )
    given = {"company": company_id, "code": integration, "kind": kind, "period": period, "name": name,
             "on": calendar(on) if isinstance(on, int) else on}  # fmt: skip
    with hub.connection() as connection:
        return connection.cursor(row_factory=dict_row).execute(query, given).fetchall()


def _parts(hub: Hub, company_id: str) -> tuple[Any, Any, CompanyFacts, int]:
    """What computes and what asks, the company, and its present day."""
    from hub.bootstrap import clock
    from hub.domain.units import day_in
    from hub.figures.part import service
    from projections.figures.base import company_of as facts_of
    from projections.figures.reading import Facts

    with hub.connection() as connection:
        one = facts_of(connection, company_id)
    return service(hub), Facts(hub.connection), one, day_in(clock(), one.time_zone)


def _tables(table: Tables | None) -> list[str]:
    from projections.figures.computations import COMPUTATIONS

    return [name for name in COMPUTATIONS if table is None or name == _TABLE[table]]


def _back(today: int) -> int:
    from hub.domain.periods import RESTATED_MONTHS, months_back

    return months_back(today, RESTATED_MONTHS)


def _past(on: datetime | None, today: int) -> int | None:
    """A day given; Refused where it is to come."""
    found = _day(on)
    if found is not None and found > today:
        raise Refused(
            "day: is in the future; expected today or a day before", field="day", rule="past", expected="a day"
        )
    return found


def _day(on: datetime | None) -> int | None:
    from hub.domain.units import days

    return None if on is None else days(on.date())


def _report(outcome: Outcome, *, as_json: bool) -> None:
    from hub.cli import figures_explained, output

    told = [figures_explained.told(one) for one in outcome.events]
    if as_json:
        counts = {name: getattr(outcome, name) for name in ("computed", "recorded", "restated", "closed")}
        output.print_json(counts | {"events": told})
        return
    if told:
        lines = [one | {"count": len(one["figures"]), "closed": "closed" if one["closed"] else "open"} for one in told]
        output.print_table(lines[:MOST], EVENTS)
        if len(lines) > MOST:
            typer.echo(f"... and {len(lines) - MOST} more events.")
        typer.echo()
    restated = [line for one in told for line in one["figures"] if one["event"] == "lms.figures.restated.v1"]
    restated = [line for line in restated if line["now"] != figures_explained.JSON][:MOST]
    if restated:
        output.print_table(restated, TOLD, title="Restated")
        typer.echo()
    typer.echo(
        f"{outcome.computed} rows computed: {outcome.recorded} recorded ({outcome.closed} of them closed), "
        f"{outcome.restated} restated; the others are as they were told."
    )
