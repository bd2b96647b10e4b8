"""``hub sql``: one SELECT over the views for analysts, read only.

The query runs as the role ``hub_analyst``, inside a read-only transaction, through a cursor: PostgreSQL itself refuses what
is no single query, and rows stream. That guards against mistakes and not against malice: the session is the hub's own,
and a query can take its rights back. Whoever may not see everything gets a login that is granted ``hub_analyst``.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hub.cli.context import opened
from hub.cli.frame import example
from hub.errors import Refused

if TYPE_CHECKING:
    import psycopg

FETCH = 1000
SECONDS = 60
SHOWN = 1000
"""Rows of a table; whoever wants more wants CSV or JSON."""


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(
        "sql",
        short_help="Ask the views for analysts.",
        epilog=example(
            'hub sql "SELECT course_name, enrollment_status, count(*) FROM enrollments GROUP BY 1, 2 ORDER BY 1, 2"',
            'hub sql "TABLE sync_runs" --format csv > runs.csv',
            "hub sql \"SELECT table_name FROM information_schema.views WHERE table_schema = 'analytics'\"",
        ),
    )(sql)


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT; - reads it from stdin.")],
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="How to print the rows.")] = "table",
    timeout: Annotated[int, typer.Option(min=1, metavar="SECONDS", help="Longest time the query may take.")] = SECONDS,
) -> None:
    """Ask the views of schema analytics: enrollments, lesson_progress, employees, courses, accounts, audit, and more.

    For whoever may run the hub's commands. Other analysts get a login of PostgreSQL that is granted the role hub_analyst."""
    text = (sys.stdin.read() if query == "-" else query).strip().removesuffix(";")
    if not text:
        raise typer.BadParameter("expected a SELECT", param_hint="QUERY")
    with opened(runners=False) as hub, hub.connect() as connection:
        _print(_rows(connection, text, timeout), format)


def _rows(connection: psycopg.Connection[Any], query: str, timeout: int) -> Iterator[list[Any]]:
    """The names of the columns, then the rows. Raises Refused where it is no single query, or fails."""
    import psycopg

    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute("SELECT set_config('statement_timeout', %s, true)", (f"{timeout}s",))
            connection.execute("SET LOCAL search_path = analytics")
            connection.execute("SET LOCAL TimeZone = 'UTC'")
            connection.execute("SET LOCAL ROLE hub_analyst")
            with connection.cursor("hub_sql") as cursor:
                cursor.itersize = FETCH
                cursor.execute(query.encode())
                yield [column.name for column in cursor.description or ()]
                for row in cursor:
                    yield list(row)
    except psycopg.errors.QueryCanceled:
        raise _refused(f"took longer than {timeout} seconds", "a quicker query, or a greater --timeout") from None
    except psycopg.errors.InsufficientPrivilege as problem:
        raise _refused(f"{problem.diag.message_primary}", "the views of schema analytics") from None
    except psycopg.errors.UndefinedColumn as problem:
        hint = problem.diag.message_hint or '`hub sql "SELECT * FROM enrollments LIMIT 1"` shows those of a view'
        raise _refused(f"{problem.diag.message_primary}", f"a column of the views; {hint}") from None
    except psycopg.errors.UndefinedTable as problem:
        raise _refused(f"{problem.diag.message_primary}", f"one of the views {_views(connection)}") from None
    except (
        psycopg.ProgrammingError,
        psycopg.NotSupportedError,
        psycopg.DataError,
        psycopg.errors.ReadOnlySqlTransaction,
    ) as problem:
        raise _refused(
            problem.diag.message_primary or str(problem), "one SELECT over the views of schema analytics"
        ) from None


def _views(connection: psycopg.Connection[Any]) -> str:
    names = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'analytics' ORDER BY 1").fetchall()
    return ", ".join(name for (name,) in names)


def _refused(found: str, expected: str) -> Refused:
    return Refused(f"query: {found}; expected {expected}", field="query", rule="one SELECT", expected=expected)


def _print(rows: Iterator[list[Any]], form: str) -> None:
    from hub.cli import output

    header = next(rows)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)
    elif form == "json":
        output.print_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        _print_table(header, rows)


def _print_table(header: list[str], rows: Iterator[list[Any]]) -> None:
    from hub.cli import output
    from hub.cli.frame import note

    shown: list[dict[str, Any]] = []
    more = False
    for row in rows:
        if len(shown) == SHOWN:
            more = True
            break
        shown.append({str(number): value for number, value in enumerate(row)})
    output.print_table(shown, {str(number): name for number, name in enumerate(header)})
    if more:
        note(f"Only the first {SHOWN} rows are shown; --format csv or json gives all.")


def _cell(value: Any) -> Any:
    """A value as CSV holds it: NULL is empty, moments are ISO 8601, JSON is JSON."""
    from datetime import datetime

    from hub.cli import output

    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return output.plain(value) if isinstance(value, dict | list | bytes) else value
