"""No name and no address stands in the clear but in the columns that are made for it.

After the demo has run, every place that keeps something is searched for every name, address, login and number of its
people: the raw bytes of the log, ``fold_state``, audit values and all other columns of all tables, and the process logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from hub.demo import people, table
from projections.tables import HISTORY, TABLES
from tests.support import demo

SCHEMAS = ["hub", "log", "ops"]
"""The schema ``vault`` holds the keys, ``analytics`` shows columns of ``hub``."""
COLUMNS = """
SELECT c.table_schema, c.table_name, c.column_name, c.data_type FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = ANY(%s) AND t.table_type = 'BASE TABLE' ORDER BY 1, 2, c.ordinal_position
"""


@dataclass(frozen=True)
class Ran:
    """The database that a demo has filled, and what its process logged."""

    url: str
    logged: str


@pytest.fixture(scope="module")
def ran(make_database: Callable[[str | None], str], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of the demo on a database of its own, logging all that it can."""
    url = make_database(None)
    shown = demo.run(tmp_path_factory.mktemp("home"), HUB_DATABASE_URL=url)
    assert shown.status == 0, shown.logged[-3000:]
    return Ran(url, shown.logged)


def terms() -> list[bytes]:
    """What must not be found: names (nine letters and more, so that none stands in base64 by chance), addresses, logins."""
    company = people.brightwater()
    found: set[str] = set(table.INSTRUCTORS) | {"visitor1@contractors.example", "guest0@partners.example"}
    for row in [*company.employees, *company.wrong[:1]]:
        names = {row["given_name"], row["family_name"], row.get("email", ""), row.get("login_name", "")}
        found |= names | {name.lower() for name in names}
    for instructor in table.INSTRUCTORS:
        found |= set(instructor.split())
    found.discard("")
    assert min(map(len, found)) >= 9
    return [text.encode() for text in sorted(found)]


TERMS = terms()
NUMBER = re.compile(rb"(?<![A-Za-z0-9_-])BW1\d{4}(?![A-Za-z0-9_-])")


def in_the_clear(content: bytes) -> list[bytes]:
    """The terms that are found in a content."""
    return [term for term in TERMS if term in content] + NUMBER.findall(content)


def is_personal(schema: str, name: str, column: str) -> bool:
    """Whether a column of a table is declared to hold personal data in the clear."""
    declared = {found.name: found for found in [*TABLES.values(), *HISTORY.values()] if found.schema == schema}
    return name in declared and bool(declared[name].columns[column].info.get("personal"))


def contents(url: str) -> Iterator[tuple[str, bool, bytes]]:
    """(place, whether it is declared personal, all that it holds) of each column of each table."""
    with psycopg.connect(url) as connection:
        for schema, name, column, kind in connection.execute(COLUMNS, (SCHEMAS,)).fetchall():
            value = sql.SQL("{}" if kind == "bytea" else "{}::text").format(sql.Identifier(column))
            query = sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL").format(
                value, sql.Identifier(schema, name), sql.Identifier(column)
            )
            rows = [row[0] for row in connection.execute(query)]
            content = b"\n".join(bytes(one) if kind == "bytea" else one.encode() for one in rows)
            yield f"{schema}.{name}.{column}", is_personal(schema, name, column), content


def test_names_stand_only_in_columns_that_are_made_for_them(ran: Ran) -> None:
    """Log bytes, state, audit values, dead letters, heads, runs: all but the declared columns are clean."""
    sizes: dict[str, int] = {}
    leaks: dict[str, list[bytes]] = {}
    for place, personal, content in contents(ran.url):
        sizes[place] = len(content)
        if not personal and (found := in_the_clear(content)):
            leaks[place] = found[:3]
    assert leaks == {}
    for place in ("log.record.value", "hub.employee.fold_state", "hub.lms_account.fold_state", "hub.dead_letter.record",
                  "hub.lms_audit_trail.new_values", "hub.lms_audit_trail.field_changes"):  # fmt: skip
        assert sizes[place] > 1000, f"{place} was searched, but nothing is there"


def test_the_search_finds_what_is_there(ran: Ran) -> None:
    """The same search finds every employee in the columns that are made for names: it could have failed."""
    found: set[bytes] = set()
    for place, personal, content in contents(ran.url):
        if personal and place.startswith(("hub.employee.", "hub.lms_course_enrollment.")):
            found |= set(in_the_clear(content))
    company = people.brightwater()
    assert {row["family_name"].encode() for row in company.employees} <= found
    assert {row["email"].encode() for row in company.employees if row["email"]} <= found
    assert {row["employee_number"].encode() for row in company.employees} <= found
    assert {name.encode() for name in table.INSTRUCTORS} <= found


def test_process_logs_name_nobody(ran: Ran) -> None:
    """Whatever the hub logs at the level debug, it is about records and positions."""
    assert "{" in ran.logged
    assert in_the_clear(ran.logged.encode()) == []
