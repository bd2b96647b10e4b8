"""What recording figures asks the database: one snapshot for a computation, the rows told before, and what is new since.

Whatever is answered within one :func:`snapshot` is of one moment; its positions say which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import IsolationLevel

from hub.domain.figures import DASHBOARD, MONITORING, OWN_SUBJECT
from hub.domain.periods import Period
from hub.domain.rows import Row
from hub.domain.units import day, days, moment
from projections import plain
from projections.figures.base import Company
from projections.figures.touched import TOUCHED
from projections.tables import TABLES

Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

RESTS_ON = {
    MONITORING: ("lms.integration", "lms.learning", "lms.directory", "lms.deadletter"),
    DASHBOARD: ("lms.learning", "lms.directory", "lms.outcomes"),
}
"""The topics whose events a table's figures are computed from."""
DAY_OF = {MONITORING: "monitoring_date", DASHBOARD: "report_date"}

_COMPANIES = """
SELECT id::text, coalesce(time_zone, 'UTC'), coalesce(currency_code, 'USD'), coalesce(fiscal_year_start_month, 1)
FROM hub.company ORDER BY id
"""
_REACHED = "SELECT topic, partition, next_offset FROM hub.projection_offset WHERE topic = ANY(%s) ORDER BY 1, 2"
_PERIODS = """
SELECT fold_state->>'period', (fold_state->>'period_start')::integer, (fold_state->>'period_end')::integer,
       bool_and((fold_state->>'closed')::boolean), max((fold_state->>'as_of')::bigint),
       CASE WHEN fold_state->>'kind' <> ALL(%(own)s) THEN fold_state->>'subject' END AS chosen
FROM hub.{table} WHERE company_id = %(company)s AND {day} >= %(since)s
GROUP BY 1, 2, 3, 6 ORDER BY 1, 2, 3, 6 NULLS FIRST
"""
_NEWS = """
SELECT EXISTS (SELECT FROM hub.lms_audit_trail WHERE timestamp >= %(since)s AND company_id = %(company)s
               AND additional_context->>'topic' = ANY(%(topics)s))
    OR EXISTS (SELECT FROM hub.dead_letter WHERE recorded_at >= %(since)s AND company_id = %(company)s
               AND 'lms.deadletter' = ANY(%(topics)s))
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A period that rows of a table exist for: whether all of them are closed, and as of when they were told at the latest."""

    period: Period
    closed: bool
    as_of: int
    chosen: str | None = None
    """The filter of a custom dashboard."""


@contextmanager
def snapshot(connections: Connections) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees the tables as they are at one moment. Nothing stays of what is done on it: a computation may
    make temporary tables, which PostgreSQL forbids in a transaction that only reads."""
    with connections() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            with connection.transaction(force_rollback=True):
                yield connection
        finally:
            if not connection.closed:
                connection.isolation_level = None


def positions(connection: psycopg.Connection[Any], table: str) -> dict[str, dict[str, int]]:
    """Topic → partition → first record that is not yet in what the figures of a table rest on."""
    found: dict[str, dict[str, int]] = {}
    for topic, partition, offset in connection.execute(_REACHED, (list(RESTS_ON[table]),)):
        found.setdefault(topic, {})[str(partition)] = offset
    return found


def rows_told(
    connection: psycopg.Connection[Any],
    table: str,
    company_id: str,
    periods: Collection[Period],
    chosen: str | None = None,
) -> list[Row]:
    """The rows of a table that were told for these periods with this filter, as plain values."""
    if not periods:
        return []
    declared = TABLES[table]
    query = (
        f"SELECT {plain.select_list(declared)} FROM {plain.full_name(declared)} "
        f"WHERE company_id = %(company)s AND {DAY_OF[table]} >= %(first)s AND {DAY_OF[table]} < %(end)s "
        "AND (fold_state->>'period', (fold_state->>'period_start')::integer, (fold_state->>'period_end')::integer) IN "
        "(SELECT * FROM unnest(%(kinds)s::text[], %(starts)s::integer[], %(ends)s::integer[])) AND CASE "
        "WHEN fold_state->>'kind' <> ALL(%(own)s) THEN fold_state->>'subject' END IS NOT DISTINCT FROM %(chosen)s"
    )
    ordered = sorted(periods)
    given = {
        "company": company_id,
        "first": day(min(one.start for one in ordered)),
        "end": day(max(one.end for one in ordered)),
        "kinds": [one.kind for one in ordered],
        "starts": [one.start for one in ordered],
        "ends": [one.end for one in ordered],
        "own": list(OWN_SUBJECT),
        "chosen": chosen,
    }
    with connection.cursor() as cursor:
        cursor.execute(query.encode(), given)
        return plain.rows_from(cursor, declared)


class Facts:
    """What the clock of figures asks, on connections of a pool."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def companies(self) -> list[Company]:
        """Every company of the hub."""
        with self._connections() as connection:
            return [Company(*row) for row in connection.execute(_COMPANIES)]

    def reached(self, table: str) -> Mapping[str, Mapping[str, int]]:
        """How far the topics are folded that a table's figures rest on; equal answers: nothing happened."""
        with self._connections() as connection:
            return positions(connection, table)

    def has_news(self, table: str, company_id: str, since: int) -> bool:
        """Whether anything was recorded for a company, since a time (microseconds), that a table's figures rest on."""
        given = {"since": moment(since), "company": company_id, "topics": list(RESTS_ON[table])}
        with self._connections() as connection:
            row = connection.execute(_NEWS, given).fetchone()
        return bool(row and row[0])

    def told(self, table: str, company_id: str, since: int) -> list[Told]:
        """The periods that rows exist for whose day is not before ``since`` (days since 1970)."""
        query = _PERIODS.format(table=table, day=DAY_OF[table])
        with self._connections() as connection:
            given = {"company": company_id, "since": day(since), "own": list(OWN_SUBJECT)}
            rows = connection.execute(query.encode(), given).fetchall()
        return [
            Told(Period(kind, start, end), closed, as_of, chosen)
            for kind, start, end, closed, as_of, chosen in rows
            if kind
        ]

    def touched(self, table: str, company: Company, since: int) -> int | None:
        """The earliest day (days since 1970) that what was recorded since a time (microseconds) changes; None: nothing was."""
        given = {"company": company.id, "since": moment(since), "zone": company.time_zone}
        with self._connections() as connection:
            found = [connection.execute(query.encode(), given).fetchone() for query in TOUCHED[table]]
        return min((days(row[0]) for row in found if row is not None and row[0] is not None), default=None)
