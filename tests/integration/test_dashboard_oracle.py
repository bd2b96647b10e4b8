"""Every figure of the dashboards equals an independent computation, on companies in which everything happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest

from hub.domain.periods import Period, periods_between
from hub.domain.units import day, days, micros
from projections import migrations
from projections.figures.dashboard import compute
from tests.support import figures_company as companies
from tests.support.figures_chance import by_chance
from tests.support.figures_oracle import Oracle

KINDS = {
    "Executive": "company", "Manager": "department", "LMS Admin": "integration", "Instructor": "instructor",
    "Compliance": "compliance", "Learning Analytics": "company",
}  # fmt: skip
TODAYS = (date(2025, 3, 31), date(2025, 10, 26), date(2026, 5, 14))
"""The second one is the day on which Europe's clocks go back."""


@pytest.fixture(scope="module")
def template(make_database: Callable[[str | None], str]) -> str:
    """A database with all tables, to be copied."""
    url = make_database(None)
    migrations.upgrade(url)
    return url


def periods(today: date, fiscal_month: int) -> list[Period]:
    """Every kind of period: the open ones, and some that are over."""
    now = days(today)
    over = (now - 1, now - 100)
    found = set(periods_between(now, now, fiscal_month))
    for one in over:
        found |= set(periods_between(one, one, fiscal_month))
    return sorted({*found, Period("Custom", now - 50, now - 11)})


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_figure_of_every_row_equals_the_oracle(
    template: str, make_database: Callable[[str | None], str], seed: int
) -> None:
    """All columns, parts, reasons and breakdowns, for every type of dashboard and every kind of period."""
    world = by_chance(seed)
    with psycopg.connect(make_database(template), autocommit=True) as connection:
        with connection.transaction():
            companies.write(connection, world)
        for today in TODAYS:
            as_of = world.at(today, 14)
            asked = periods(today, world.fiscal_month)
            with connection.transaction():
                rows = compute(connection, str(companies.COMPANY), asked, micros(as_of))
            oracle = Oracle(world, as_of)
            told = {(str(row.kind), row.period, row.integration_id or row.subject): row for row in rows}
            assert len(told) == len(rows)
            expected: dict[Any, dict[str, Any]] = {}
            for one in asked:
                for (kind, subject), row in oracle.rows(day(one.start), day(one.end)).items():
                    for name in types_of(kind):
                        expected[name, one, subject] = row
            assert told.keys() == expected.keys()
            wrong = {key: found for key, row in told.items() if (found := differing(row, expected[key]))}
            assert wrong == {}


def types_of(kind: str) -> list[str]:
    """Types of dashboard with a row about such a subject."""
    also = ["Learning Analytics"] if kind == "integration" else []
    return [name for name, of in KINDS.items() if of == kind] + also


def differing(row: Any, expected: dict[str, Any]) -> dict[str, Any]:
    """What a row says and what it must say, where that is not the same."""
    said, wanted = dict(row.values), dict(expected["values"])
    metrics = {name: value for name, value in said.pop("additional_metrics").items() if name != "freshness"}
    pairs = {name: (said[name], value) for name, value in wanted.items() if name != "additional_metrics"}
    pairs["metrics"] = (metrics, wanted["additional_metrics"])
    pairs["reasons"] = (row.reasons, expected["reasons"])
    for name, (above, below) in expected["parts"].items():
        told = row.parts.get(name, {})
        pairs[f"parts of {name}"] = (
            (round(told.get("numerator", -1), 6), told.get("denominator")), (round(float(above), 6), float(below)),
        )  # fmt: skip
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
