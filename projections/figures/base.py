"""What computations share: the company they are for, and how a value, its parts and its reason become those of a row.

Arithmetic is exact: a value is a fraction until it is rounded once, half away from zero, to the scale of its column. What
is beyond a column's range is held at the limit with the reason ``capped``, and its exact value is kept in the parts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

import psycopg

from hub.domain.figures import FigureRow
from hub.domain.periods import Period
from projections.figures.definitions import BY_COLUMN, REASONS, figures_of
from projections.plain import kind_of, scale_of
from projections.tables import TABLES
from projections.tables.rules import Between

Number = int | Decimal | Fraction

_COMPANY = """
SELECT id::text, coalesce(time_zone, 'UTC'), coalesce(currency_code, 'USD'), coalesce(fiscal_year_start_month, 1)
FROM hub.company WHERE id = %s
"""
_INT4 = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Company:
    """What of a company decides what a day, an amount and a year are."""

    id: str
    time_zone: str
    currency_code: str
    fiscal_year_start_month: int


class Computation(Protocol):
    """Computes the rows of one table of figures."""

    def __call__(
        self,
        connection: psycopg.Connection[Any],
        company_id: str,
        wanted: Sequence[Period],
        as_of: int,
        chosen: str | None = None,
    ) -> list[FigureRow]:
        """Every row of these periods, from what is in the tables; ``as_of`` is the time of the snapshot, microseconds.
        ``chosen``: the filter of a custom dashboard; a table of figures without dashboards has no row with one."""


def company_of(connection: psycopg.Connection[Any], company_id: str) -> Company:
    """A company, with the defaults for what it does not say. Raises KeyError where there is none."""
    row = connection.execute(_COMPANY, (company_id,)).fetchone()
    if row is None:
        raise KeyError(company_id)
    return Company(*row)


def number(value: Number) -> int | float:
    """A number as parts hold it: whole where it is whole. A decimal of up to 15 digits stays exact."""
    exact = Fraction(value)
    return int(exact) if exact.denominator == 1 else float(exact)


def rounded(value: Number, scale: int) -> int:
    """A value scaled by ``10**scale``, rounded half away from zero."""
    exact = abs(Fraction(value)) * 10**scale
    whole: int = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
    return whole if value >= 0 else -whole


class Cells:
    """The values of one row while they are computed; each figure of the table is put exactly once."""

    def __init__(self, table: str) -> None:
        self._table = TABLES[table]
        self.values: dict[str, Any] = {}
        self.parts: dict[str, dict[str, Any]] = {}
        self.reasons: dict[str, str] = {}

    def ratio(
        self, column: str, numerator: Number | None, denominator: Number | None, *, times: int = 1,
        reason: str = "no_data", **more: Any,
    ) -> None:  # fmt: skip
        """``numerator / denominator * times`` (100 for a percentage), with its parts; NULL with a reason where the
        denominator is empty. ``more``: what else the parts tell."""
        if numerator is None or not denominator:
            self.none(column, reason)
            return
        self.parts[column] = {"numerator": number(numerator), "denominator": number(denominator), **more}
        self.value(column, Fraction(numerator) / Fraction(denominator) * times)

    def value(self, column: str, value: Number | None, reason: str = "no_data") -> None:
        """A value, in the unit of its column; None: NULL with a reason."""
        if value is None:
            self.none(column, reason)
            return
        low, high, scale = self._limits(column)
        plain = rounded(value, scale)
        held = min(max(plain, low), high)
        if held != plain:
            self.reasons[column] = "capped"
            self.parts.setdefault(column, {})["exact"] = number(value)
        self.values[column] = held

    def put(self, column: str, value: Any) -> None:
        """A value as it is: text, true or false, a day, JSON."""
        self.values[column] = value

    def none(self, column: str, reason: str) -> None:
        """NULL, and why."""
        if reason not in REASONS:
            raise ValueError(f"{reason} is no reason code")
        self.values[column] = None
        self.reasons[column] = reason

    def missing(self) -> Collection[str]:
        """The figures of the table that were not put."""
        return [figure.column for figure in figures_of(self._table.name) if figure.column not in self.values]

    def _limits(self, column: str) -> tuple[int, int, int]:
        declared = self._table.columns[column]
        scale = scale_of(declared)
        digits: int = getattr(declared.type, "precision", 0)
        high: int = 10**digits - 1 if kind_of(declared) == "numeric" else _INT4
        if BY_COLUMN[self._table.name, column].unit in ("%", "0..100") and not _may_exceed(column):
            high = 100 * 10**scale
        rules = (rule for rule in self._table.info["rules"] if isinstance(rule, Between) and rule.column == column)
        high = min([high, *(rule.high * 10**scale for rule in rules)])
        return (-high if BY_COLUMN[self._table.name, column].signed else 0), high, scale


def _may_exceed(column: str) -> bool:
    return column in ("system_load_percentage", "cpu_usage_percentage", "roi_analysis")


def figure_row(
    cells: Cells, table: str, company_id: str, integration_id: str | None, period: Period, **key: str | None
) -> FigureRow:
    """The row of cells; ``key``: ``kind`` and ``subject``.

    Raises:
        ValueError: a figure of the table was left out.
    """
    if missing := cells.missing():
        raise ValueError(f"no value was put for {', '.join(missing)}")
    return FigureRow(
        table, company_id, integration_id, period, cells.values, parts=cells.parts, reasons=cells.reasons, **key
    )
