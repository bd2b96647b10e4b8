"""The demo's invented company: the same each time, complete, and wrong only where it is meant to be."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.xapi.validate import VOIDED, validate_statement
from hub.demo import main, people, statements, table
from hub.directory.reading import company_id_in, read_directory
from hub.directory.wishes import Wishes
from hub.errors import Refused, Unusable
from hub.settings import Settings
from hub.vault import Keyring, MasterKey, MemoryKeyStore


def content(statement: dict[str, Any]) -> str:
    return repr({name: value for name, value in statement.items() if name != "id"})


def test_the_same_company_each_time() -> None:
    """The second run of the demo tells nothing new, so its input must not move."""
    first, again = people.brightwater(), people.brightwater()
    assert first == again
    assert statements.of(first.active()) == statements.of(again.active())
    assert people.brightwater(seed=8).employees != first.employees


def test_everybody_has_a_manager_a_department_and_a_name_of_their_own() -> None:
    company = people.brightwater()
    numbers = {row["employee_number"] for row in company.employees}
    assert len(numbers) == len(company.employees) == people.HEADCOUNT
    assert {row["manager"] for row in company.employees} - numbers == {""}
    assert [row["manager"] for row in company.employees].count("") == 1
    assert {row["department"] for row in company.employees} == set(people.DEPARTMENTS)
    teams = {row["code"]: row["department"] for row in company.teams}
    assert all(teams[row["team"]] == row["department"] for row in company.employees if row["team"])
    assert max(Counter(row["login_name"] for row in company.employees).values()) == 1
    assert {row["status"] for row in company.employees} == {"Active", "On Leave", "Terminated"}


def test_the_directory_file_is_right_but_for_the_rows_that_are_meant_wrong(tmp_path: Path) -> None:
    """Every record makes a wish, but the wrong ones; an unknown department shows when it is looked up."""
    company = people.brightwater()
    path = str(tmp_path / "directory.csv")
    assert company.write(Path(path)) == len(list(read_directory(path)))
    assert company_id_in(path) == people.COMPANY
    wishes = Wishes(people.COMPANY, Keyring(MemoryKeyStore(), MasterKey(bytes(range(32)), "test")), "UTC", 20_000)
    rules = []
    for told in read_directory(path):
        try:
            wishes.wish(told)
        except Unusable as problem:
            rules.append(problem.rule)
    assert rules == ["date", "once per file"]


def test_the_statements_are_valid_but_the_odd_ones() -> None:
    """What comes first is all valid; later come late ones, repeats, a voiding one, and some that break a rule."""
    told = statements.of(people.brightwater().active())
    for statement in told.first:
        validate_statement(statement, "1.0.3", pulled=True)
    times = [statement["timestamp"] for statement in told.first]
    assert times == sorted(times)
    known = {content(statement): statement["id"] for statement in told.first}
    late = [one for one in told.later if str(one["timestamp"]) < times[-1] and content(one) not in known]
    repeated = [one for one in told.later if known.get(content(one), one["id"]) != one["id"]]
    assert len(late) >= 8
    assert len(repeated) == 10
    (voiding,) = [one for one in told.later if one["verb"]["id"] == VOIDED]
    assert voiding["object"]["id"] in known.values()
    wrong = 0
    for statement in told.later:
        try:
            validate_statement(statement, "1.0.3", pulled=True)
        except Unusable:
            wrong += 1
    assert wrong == 4


def test_the_table_has_the_headers_of_the_specification(tmp_path: Path) -> None:
    """Its names are those of the tables, so that it is understood without a mapping."""
    path = tmp_path / "table.csv"
    count = table.write(path, people.brightwater().active())
    specified = Path("docs/specification.md").read_text(encoding="utf-8")
    with path.open(newline="", encoding="utf-8") as file:
        headers, *rows = csv.reader(file)
    assert len(rows) == count == table.PEOPLE + 6 + 9
    assert all(f"`{header}`" in specified or header in specified for header in set(headers) - {"email"})


def test_the_demo_has_a_home_of_its_own(tmp_path: Path) -> None:
    """It never meets a hub that is in use, unless a database is given; on Kafka it refuses."""
    settings = Settings(home=tmp_path)
    assert main.demo_settings(settings).home == tmp_path / "demo"
    given = settings.model_copy(update={"database_url": SecretStr("postgresql://localhost/x")})
    assert main.demo_settings(given) == given
    with pytest.raises(Refused, match="HUB_KAFKA_BOOTSTRAP_SERVERS"):
        main.demo_settings(settings.model_copy(update={"kafka_bootstrap_servers": "localhost:9092"}))
