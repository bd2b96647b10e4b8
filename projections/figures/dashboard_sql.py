"""The queries of the dashboards, kept as named steps in files beside this one, and the temporary tables that they make.

A file holds steps, each after a line ``-- step NAME``. Steps of facts, state and period become temporary tables of their name
(dropped when the computation ends), those of measures are asked. The same texts make the view ``figure_rows``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

FACTS, STATE, MEMBERSHIP = "dashboard_facts", "dashboard_state", "dashboard_membership"
PERIOD, MEASURES = "dashboard_period", "dashboard_measures"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""Stands for no integration."""
SETTINGS = (
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
    "SET LOCAL default_statistics_target = 10",
)
"""Large sorts and joins in memory; the temporary tables are looked at only roughly."""
_STEP = re.compile(r"^-- step (\w+)\n", re.MULTILINE)


@cache
def steps(file: str) -> Mapping[str, str]:
    """The steps of a file in their order: name → query."""
    text = (Path(__file__).with_name(f"{file}.sql")).read_text(encoding="utf-8")
    _, *parts = _STEP.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


class Workbench:
    """Temporary tables of one computation."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._made: list[str] = []

    def put(self, name: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """A table of given rows; ``columns``: their names and types."""
        self._run(f"CREATE TEMPORARY TABLE {name} ({columns})")
        self._made.append(name)
        places = ", ".join(["%s"] * (columns.count(",") + 1))
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {name} VALUES ({places})".encode(), rows)
        self._run(f"ANALYZE {name}")

    def make(self, file: str) -> None:
        """The tables of every step of a file."""
        for name, query in steps(file).items():
            self._run(f"CREATE TEMPORARY TABLE {name} AS {query}")
            self._made.append(name)
            self._run(f"ANALYZE {name}")

    def ask(self, step: str) -> list[dict[str, Any]]:
        """The answer of one step of the measures."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(steps(MEASURES)[step].encode()).fetchall()

    def tell(self, query: str) -> list[dict[str, Any]]:
        """The answer of a query."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode()).fetchall()

    @contextmanager
    def stretch(self) -> Iterator[None]:
        """Tables made within are dropped at its end."""
        before = len(self._made)
        try:
            yield
        finally:
            made, self._made[before:] = self._made[before:], []
            if made and self._connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
                self._run(f"DROP TABLE {', '.join(made)}")

    def _run(self, query: str) -> None:
        self._connection.execute(query.encode())


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Settings of the transaction, for many rows at once."""
    for query in SETTINGS:
        connection.execute(query.encode())
