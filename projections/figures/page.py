"""``docs/figures.md``: every figure as its definition tells it, after an introduction for analysts.

``python -m projections.figures.page`` prints it; a test holds the committed page against that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from projections.figures.definitions import FIGURES, REASONS, TERMS, figures_of, version
from projections.figures.targets import INTERVALS, REAL_TIME_MINUTES, WEIGHTS, ZERO_AT, Targets

_HEAD = """# Figures

What the hub reports, how each figure is defined, and how to check it. The definitions below are made from
`projections/figures/` by `python -m projections.figures.page`; the comments of the columns, the data dictionary and
`hub figures explain` come from the same lines. A changed definition has a new version; every row names the one it was
computed by.

## How to read them

| where | what |
| --- | --- |
| `analytics.dashboards` | a row per dashboard and period, with parts and reasons |
| `analytics.integration_health` | a row per integration and day, with percentiles, parts and reasons |
| `analytics.figure_rows` | the enrollments that a figure of a dashboard was computed from |
| `analytics.completion_by_department`, `overdue_by_department`, `expiring_certificates` | how it is now, computed when you ask |
| `hub figures show` | the newest rows, or those of one day |
| `hub figures explain NAME` | the definition, values with numerator and denominator, reasons, and the rows behind one value |

    hub figures show --type Manager --period Monthly
    hub figures explain completion_rate --type Executive --period Monthly
    hub sql "SELECT dashboard_name, completion_rate, parts->'completion_rate' FROM dashboards WHERE analysis_period = 'Monthly'"

**NULL is never 0.** 0 means measured, and none. NULL means that there was nothing to measure, and `reasons` says why. The
mean of a column leaves NULLs out by itself; to add up ratios, add numerators and denominators of `parts`, never percentages.

**Numbers are exact.** A figure is computed from whole numbers and rounded once at the end, half away from zero. Percentages are 0 to 100.

**Days are the company's.** Day, week (from Monday), month, quarter and year follow the time zone and the fiscal year of the company.
A period begins with its first day and ends before the first day after it. Facts count on the day on which they happened, whenever they became known.

**A figure never changes silently.** Each row is told by events (`lms.figures.recorded.v1`, topic `lms.operations`):

1. While its period is *open*, a row is computed at most once an hour, and when you say `hub figures compute`; an event is only what differs. `report_date` is today.
2. On the third day after its last day a period is *closed*, with an event of its own. `report_date` is the last day.
3. A fact that comes in later and touches a closed period of the last 13 months leads to a *restatement* (`lms.figures.restated.v1`): the new values, the ones
   told before, and the reason. `analytics.audit` has both; `is_restated` marks the row. `hub figures restate --since DAY --reason TEXT` does the same on request.

A correction by a person touches every day since its enrollment began, and so does what moves an enrollment to somebody else or takes a fact out; an end that is
taken back (dropped, and then it was not) touches the day of that end. A change of the catalog touches no closed period by itself.

`hub figures compute --date DAY` tells the periods of a day in the past for which there is no row yet; they are closed at once. The hub does not tell by itself of the time
before it was there. A row that has nothing in play any more is not deleted: its counts become 0.

**A period of your own** (`Custom`) is told when somebody asks for it, from one day to another, and with a filter where only a part is meant:

    hub figures compute --from 2026-01-01 --to 2026-06-30 --filter department=OPS --filter compliance=yes
    hub figures show --period Custom --name "compliance yes"

What is filtered by: `course` (its id), `course_type`, `compliance` and `mandatory` (yes or no), `department` (its code; with all beneath it), `instructor` (the id) and `integration` (its
code); with several, all have to hold. With a filter there are no rows per department and per instructor, since the filter can name one. `additional_metrics.custom` keeps from, to
and filter. It is closed and restated like any other.

**Counts of people** are employees of the hub, each once, never accounts of an LMS. Figures from surveys, ratings or skills of fewer than five people are not shown.

**Composite** scores are the hub's own: no standard has them. Their parts are kept beside them.

## A figure and its events, step by step

A list of a course comes in; today's periods are open (lines of other rows are left out here):

    $ hub import course.csv --integration hr
    $ hub figures compute --table dashboard
    event                     figures of             period             period is   values   in the log
    lms.figures.recorded.v1   Executive: Acme Inc.   Daily 2026-03-10   open            16   lms.operations/10/3

The periods of a day in January, for which there is no row yet. They are over, so they are closed at once:

    $ hub figures compute --table dashboard --date 2026-01-09
    event                     figures of             period             period is   values   in the log
    lms.figures.recorded.v1   Executive: Acme Inc.   Daily 2026-01-09   closed          16   lms.operations/6/6

Another list comes in, with somebody who had completed the course on that day. The clock of `hub serve` finds by itself which closed periods that touches; so does, at
once and with a reason of your own:

    $ hub import late.csv --integration hr
    $ hub figures restate --since 2026-01-08 --reason "a list came late"
    event                     figures of             period             period is   values   in the log
    lms.figures.restated.v1   Executive: Acme Inc.   Daily 2026-01-09   closed           7   lms.operations/6/11

    Restated
    figures of             period             figure                  told before      now
    Executive: Acme Inc.   Daily 2026-01-09   active_enrollments                1        0
    Executive: Acme Inc.   Daily 2026-01-09   completed_enrollments             1        2
    Executive: Acme Inc.   Daily 2026-01-09   completion_rate                50.0   100.00

Both are in the audit trail, the restatement with its reason and both values:

    $ hub sql "SELECT event_type, action_reason, field_changes->'completed_enrollments' AS completed FROM audit
               WHERE entity_id = (SELECT figure_row_id FROM dashboards WHERE dashboard_type = 'Executive'
                                  AND analysis_period = 'Daily' AND report_date = '2026-01-09') ORDER BY recorded_at"
    event_type                action_reason      completed
    lms.figures.recorded.v1                      [null,1]
    lms.figures.restated.v1   a list came late   [1,2]

## What a hub cannot know

| question | without more than the LMS | with it |
| --- | --- | --- |
| did they like it (level 1) | NULL: a completion says nothing about that | evaluations |
| did they learn (2) | only the scores that the LMS gave; a completion without a test proves attendance | scores, skills, pre-tests |
| do they apply it (3) | NULL, never inferred from activity | follow-up, a manager's observation |
| did results change (4) | NULL | ratings, promotions, measured results |
| was it worth it (5) | NULL | approved benefits and costs |
| who should have been trained | only who was enrolled (`basis: "enrolled"`) | requirement rules |
| was the time real | tracked time is time with a page open | nominal minutes beside it |
"""


def render() -> str:
    """The page as Markdown."""
    parts = [_HEAD, "## Words\n", *_two("word", "meaning", TERMS.items())]
    parts += ["## Reasons\n", *_two("code", "why a figure is NULL, or held at a limit", _coded(REASONS.items()))]
    for table in dict.fromkeys(figure.table for figure in FIGURES):
        parts += [f"## {table}\n", f"Version {version(table)} of the definitions.\n", *_figures(table)]
        if table == "lms_integration_monitoring":
            parts.append(_targets())
    return "\n".join(parts).rstrip() + "\n"


def _figures(table: str) -> list[str]:
    lines = ["| figure | unit | definition | numerator / denominator | no data |", "| --- | --- | --- | --- | --- |"]
    for figure in figures_of(table):
        name = f"`{figure.column}`" + (" (composite)" if figure.composite else "")
        ratio = f"{figure.numerator} / {figure.denominator}" if figure.numerator else ""
        level = (
            f" *{figure.level}{f', level {figure.kirkpatrick}' if figure.kirkpatrick else ''}*" if figure.level else ""
        )
        cells = (name, figure.unit, figure.text + level, ratio, _no_data(figure.reasons))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


def _no_data(reasons: Iterable[str]) -> str:
    codes = [code for code in reasons if code != "capped"]
    return "NULL: " + ", ".join(f"`{code}`" for code in codes) if codes else "0"


def _targets() -> str:
    default = Targets()
    intervals = ", ".join(f"{name} {2 * minutes}" for name, minutes in INTERVALS.items())
    weights = ", ".join(f"{name} {weight}" for name, weight in WEIGHTS.items())
    return f"""Targets stand in `compliance_settings.sla` of the integration; what it leaves out has a default.

| target | default |
| --- | --- |
| `availability` | at least {default.availability} % |
| `success` | at least {default.success} % of the runs |
| `latency_minutes` | at most twice the interval, in minutes: Real-time {REAL_TIME_MINUTES}, {intervals}; On-demand: none |
| `critical_hours` | no critical incident open for more than {default.critical_hours} hours |

Weights of `performance_score`: {weights}. The latency is worth 100 up to its target and 0 from {ZERO_AT} times the target on.
"""


def _coded(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(f"`{name}`", text) for name, text in items]


def _two(first: str, second: str, items: Iterable[tuple[str, str]]) -> list[str]:
    lines = [f"| {first} | {second} |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in items)]
    return [*lines, ""]


if __name__ == "__main__":
    sys.stdout.write(render())
