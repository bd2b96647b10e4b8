"""The commands on the embedded database: what they print, what they change, how they refuse.

One home for all tests of the module, held open so that its server starts once. Each test stands on the setting-up only.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.postgres.embedded import embedded
from tests.support.cli import Cli, Starter

SECRET = "geheim-4711-xyzzy"
PEOPLE = """employee_number,given_name,family_name,email
E1001,Ada,Hale,ada@example.org
E1002,Bob,Reed,bob@example.org
"""
COURSES = """email,display_name,course_id,course_name,enrollment_status,progress_percentage
ada@example.org,Ada Hale,C1,Safety,Completed,100
bob@example.org,Bob Reed,C1,Safety,In Progress,40
eve@example.org,Eve Lund,C1,Safety,In Progress,lots
zed@example.org,Zed \x1b[31mLund,C1,Safety,In Progress,10
"""
OTHER = "Mail,Name,Kurs,Stand\nada@example.org,Ada Hale,C2,Completed\n"
COUNTS = ("read", "changed", "unchanged", "unmatched", "stored", "rejected")


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A home with a company, an integration for files, two employees and four records taken in."""
    folder = tmp_path_factory.mktemp("cli")
    with Starter() as starter, embedded(folder / "home"):
        cli = Cli(folder / "home", starter=starter)
        for name, text in (("people.csv", PEOPLE), ("courses.csv", COURSES), ("other.csv", OTHER)):
            (folder / name).write_text(text, encoding="utf-8")
        assert cli.ok("companies", "add", "ACME", "Acme Inc.", "--time-zone", "Europe/Vienna").out.endswith("added.\n")
        add = ("integrations", "add", "hr", "--name", "Lists", "--type", "custom lms", "--method", "File Upload")
        assert "hub import" in cli.ok(*add, "--setting", "date_format=%d.%m.%Y").out
        cli.ok("directory", "import", folder / "people.csv")
        cli.ok("import", folder / "courses.csv", "--integration", "hr")
        yield cli
    told = "".join(cli.printed)
    assert SECRET not in told
    assert "Traceback" not in told
    log = cli.home / "hub.log"
    assert not log.exists() or SECRET not in log.read_text(encoding="utf-8")


@pytest.fixture
def files(cli: Cli) -> Path:
    return cli.home.parent


def test_the_doctor_finds_all_in_order(cli: Cli) -> None:
    """Each part is a line; all are ok, so the status is 0."""
    found = cli.ok("doctor", "--json").json()
    assert {"settings", "database", "tables", "master key", "log reachable", "log topics", "schemas"} <= {
        one["name"] for one in found
    }
    assert all(one["ok"] for one in found)
    assert all(line.startswith("ok  ") for line in cli.ok("doctor").out.splitlines())


def test_the_doctor_finds_what_is_not(cli: Cli) -> None:
    """Another master key and another partition count are each told; the status is 1."""
    wrong = {"HUB_MASTER_KEY": "QUJD" * 10 + "QUI="}
    done = cli.run("doctor", "--json", **wrong)
    assert done.status == 1
    assert [one["name"] for one in done.json() if not one["ok"]] == ["master key"]
    assert "log partitions" in cli.refused("doctor", "--json", HUB_PARTITIONS="7")


def test_a_company_keeps_what_is_not_given(cli: Cli) -> None:
    """Adding it again changes nothing, its time zone above all."""
    assert cli.ok("companies", "add", "acme", "Acme Inc.").out == "Company ACME: unchanged.\n"
    (company,) = cli.ok("companies", "list", "--json").json()
    assert (company["code"], company["time_zone"]) == ("ACME", "Europe/Vienna")
    assert (company["employees"], company["integrations"] >= 1) == (2, True)


def test_an_unknown_company_or_integration_is_refused(cli: Cli, files: Path) -> None:
    """The line says which are known, or where to look."""
    assert "ACME" in cli.refused("integrations", "list", "--company", "NOPE")
    assert "hub integrations list" in cli.refused("integrations", "show", "nope")
    assert "hub integrations list" in cli.refused("import", files / "courses.csv", "--integration", "nope")
    assert "hub integrations list" in cli.refused("integrations", "deactivate", "nope")


def test_with_two_companies_one_must_be_named(tmp_path: Path, cli: Cli, database_url: str) -> None:
    """Nothing is done to a company by accident. On a database of its own, since a company stays."""
    with_two = Cli(tmp_path, {"HUB_DATABASE_URL": database_url}, cli.printed, cli.starter)
    assert "hub companies add" in with_two.refused("integrations", "list")
    with_two.ok("companies", "add", "ONE", "One")
    with_two.ok("companies", "add", "TWO", "Two")
    assert "ONE, TWO" in with_two.refused("integrations", "list")
    assert with_two.ok("integrations", "list", "--company", "two", "--json").json() == []


def test_the_accounting_in_json_is_exactly_six_counts(cli: Cli, files: Path) -> None:
    """A second import tells nothing new, and every record is accounted for; a rejected one is no failure."""
    done = cli.ok("import", files / "courses.csv", "--integration", "hr", "--json")
    assert tuple(done.json()) == COUNTS
    assert done.json() == dict(zip(COUNTS, (4, 0, 2, 1, 0, 1), strict=True))
    assert done.err == ""
    table = cli.ok("import", files / "courses.csv", "--integration", "hr")
    rows = [line.split()[:2] for line in table.out.splitlines() if line.split()[:1] and line.split()[0] in COUNTS]
    assert rows == [[name, str(count)] for name, count in done.json().items()]


def test_a_dry_run_shows_and_changes_nothing(cli: Cli, files: Path) -> None:
    """Values stand as people read them; nothing is added to the log."""
    before = cli.ok("log", "stats", "--json").json()
    found = cli.ok("import", files / "courses.csv", "--integration", "hr", "--dry-run", "--json").json()
    assert [one["becomes"] for one in found] == ["observation", "observation", "rejected", "observation"]
    facts = {one["stream_kind"]: one["facts"] for one in found[1]["observations"]}
    assert facts["enrollment"]["progress"] == 40
    assert facts["account"]["email"] == "bob@example.org"
    assert found[2]["field"] == "progress_percentage"
    table = cli.ok("import", files / "courses.csv", "--integration", "hr", "--dry-run", "--limit", "1")
    assert "line 2" in table.out
    assert "line 3" not in table.out
    assert "more than 1 record;" in table.err
    whole = cli.ok("import", files / "courses.csv", "--integration", "hr", "--dry-run", "--limit", "4")
    assert "line 5" in whole.out
    assert "more than" not in whole.err
    assert cli.ok("log", "stats", "--json").json() == before


def test_a_dry_run_names_the_columns_that_are_not_read(cli: Cli, files: Path) -> None:
    """A score under a header that the hub does not know is not lost in silence; what is read or mapped is not named."""
    header = "email,course_id,enrollment_status,score,shoe size"
    (files / "score.csv").write_text(header + "\nada@example.org,C9,Completed,88,39\n", encoding="utf-8")
    add = ("integrations", "add", "scores", "--name", "Scores", "--type", "Custom LMS", "--method", "File Upload")
    cli.ok(*add)
    preview = ("import", files / "score.csv", "--integration", "scores", "--dry-run")
    assert "not read: score (score_achieved?), shoe size." in cli.ok(*preview).err
    cli.ok("integrations", "change", "scores", "--field-mappings", '{"score_achieved": "score"}')
    assert "not read: shoe size." in cli.ok(*preview).err
    assert "not read" not in cli.ok("import", files / "courses.csv", "--integration", "hr", "--dry-run").err


def test_a_mapping_is_proposed_and_taken(cli: Cli, files: Path) -> None:
    """A file whose columns mean nothing is refused with the command that would map them; that command works."""
    add = ("integrations", "add", "german", "--name", "Listen", "--type", "Custom LMS", "--method", "File Upload")
    cli.ok(*add)
    done = cli.run("import", files / "other.csv", "--integration", "german")
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    line = next(line for line in done.out.splitlines() if "--field-mappings" in line)
    mapping = line.partition("--field-mappings '")[2].rstrip("'")
    (files / "mapping.json").write_text(mapping, encoding="utf-8")
    change = ("integrations", "change", "german", "--field-mappings", files / "mapping.json")
    assert cli.ok(*change).out == "Integration german: changed.\n"
    assert cli.ok(*change).out == "Integration german: unchanged.\n"
    assert cli.ok("import", files / "other.csv", "--integration", "german", "--json").json()["changed"] == 1


def test_credentials_go_in_and_are_never_shown(cli: Cli, files: Path) -> None:
    """By value, by file, by stdin: of each only the name is told, by any command."""
    (files / "secret.json").write_text(json.dumps({"password": SECRET}), encoding="utf-8")
    add = ("integrations", "add", "lrs", "--name", "LRS", "--type", "xAPI Compatible", "--method", "xAPI")
    address = ("--url", "https://127.0.0.1:1/xapi/", "--auth", "Basic Auth", "--timeout-seconds", "1")
    given = ("--credential", "username=hub", "--credential-file", files / "secret.json", "--setting", "page_size=50")
    cli.ok(*add, *address, *given, "--max-retry-attempts", "0", "--course-type", "elearning", "--primary")
    shown = cli.ok("integrations", "show", "lrs", "--json").json()
    assert shown["credentials"] == ["password", "username"]
    assert shown["connector_settings"] == {"page_size": 50}
    assert shown["supported_course_types"] == ["eLearning"]
    assert (shown["is_primary_lms"], shown["timeout_seconds"]) == (True, 1)
    cli.ok("integrations", "change", "lrs", "--credential", "token", given=SECRET + "\n")
    assert cli.ok("integrations", "show", "lrs", "--json").json()["credentials"] == ["token"]
    everywhere = cli.ok("integrations", "show", "lrs").out + cli.ok("integrations", "list", "--json").out
    for topic in ("lms.integration", "lms.directory"):
        everywhere += cli.ok("log", "show", topic, "--limit", "100", "--json").out
    everywhere += cli.ok("sql", "SELECT * FROM audit", "--format", "csv").out
    assert SECRET not in everywhere
    assert "nothing was given" in cli.refused("integrations", "change", "lrs", "--credential", "token")


def test_an_unreachable_lms_is_told_as_such(cli: Cli) -> None:
    """Test and sync end with status 1 and one line each; the run is in the status as failed."""
    add = ("integrations", "add", "away", "--name", "Away", "--type", "xAPI Compatible", "--method", "xAPI")
    cli.ok(*add, "--url", "http://127.0.0.1:1/xapi/", "--timeout-seconds", "1", "--max-retry-attempts", "0")
    done = cli.run("integrations", "test", "away", "--json")
    assert done.status == 1
    assert not all(check["ok"] for check in done.json())
    cli.refused("sync", "away")
    (away,) = [one for one in cli.ok("status", "--json").json()["integrations"] if one["lms_code"] == "away"]
    assert (away["last_run"], away["connection_status"] != "Connected") == ("failed", True)


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (("--setting", "nonsense=1"), "date_format"),
        (("--setting", "header_row=first"), "whole number"),
        (("--field-mappings", "{oops"), "field_mappings"),
        (("--field-mappings", "[]"), "JSON object"),
        (("--field-mappings", "no-such-file.json"), "no-such-file.json"),
        (("--name", "x" * 201), "lms_name"),
    ],
)
def test_a_wrong_configuration_is_refused(cli: Cli, wrong: tuple[str, str], names: str) -> None:
    """The line names the option or the column and what was expected; nothing was changed."""
    before = cli.ok("integrations", "show", "hr", "--json").json()
    assert names in cli.refused("integrations", "change", "hr", *wrong)
    assert cli.ok("integrations", "show", "hr", "--json").json() == before


def test_an_integration_is_switched_off_and_on(cli: Cli, files: Path) -> None:
    """Switched off, it takes nothing in; repeating says so and is no error."""
    add = ("integrations", "add", "spare", "--name", "Spare", "--type", "Custom LMS", "--method", "File Upload")
    cli.ok(*add)
    assert cli.ok("integrations", "deactivate", "spare").out == "Integration spare: is switched off.\n"
    assert cli.ok("integrations", "deactivate", "spare").out == "Integration spare: was switched off already.\n"
    assert "switched off" in cli.refused("import", files / "courses.csv", "--integration", "spare")
    assert cli.ok("integrations", "activate", "spare").out == "Integration spare: is active.\n"
    assert "exists already" in cli.refused(*add)


def test_accounts_are_linked_and_unlinked_by_hand(cli: Cli) -> None:
    """The enrollments follow at once, and a table shows no control character of an LMS."""
    (zed,) = cli.ok("accounts", "list", "--unmatched", "--integration", "hr", "--json").json()
    assert zed["email"] == "zed@example.org"
    assert "\x1b" not in cli.ok("accounts", "list").out
    query = f"SELECT employee_number FROM accounts WHERE account_id = '{zed['account_id']}'"
    assert "1 enrollment follows" in cli.ok("accounts", "link", zed["account_id"][:8], "bob@example.org").out
    assert cli.ok("sql", query, "--format", "json").json() == [{"employee_number": "E1002"}]
    assert "was linked already to employee E1002" in cli.ok("accounts", "link", "zed@example.org", "e1002").out
    assert "1 enrollment follows" in cli.ok("accounts", "unlink", "zed@example.org", "--reason", "a mistake").out
    assert cli.ok("sql", query, "--format", "json").json() == [{"employee_number": None}]
    assert "hub accounts list" in cli.refused("accounts", "link", "nobody", "E1002")
    assert "directory import" in cli.refused("accounts", "link", "zed@example.org", "E9")


def test_dead_letters_tell_the_cause_and_keep_the_record_closed(cli: Cli) -> None:
    """Grouped by cause; the record itself is opened only when asked."""
    (cause,) = cli.ok("deadletters", "list", "--integration", "hr", "--json").json()
    assert (cause["field"], cause["count"], cause["kind"]) == ("progress_percentage", 1, "rejected")
    (each,) = cli.ok("deadletters", "list", "--integration", "hr", "--each", "--json").json()
    assert each["source_position"] == "line 4"
    closed = cli.ok("deadletters", "show", each["id"][:8])
    assert "eve@example.org" not in closed.out
    opened = cli.ok("deadletters", "show", each["id"], "--open", "--json").json()
    assert "eve@example.org" in opened["record"]
    assert "deadletters list" in cli.refused("deadletters", "show", "00000000")


def test_sql_prints_tables_csv_and_json(cli: Cli) -> None:
    """The same rows in three forms; NULL is empty in CSV and null in JSON, numbers are numbers."""
    query = "SELECT course_id, progress_percentage, employee_name FROM enrollments WHERE lms_code = 'hr' ORDER BY 2"
    rows = cli.ok("sql", query, "--format", "json").json()
    assert rows[0] == {"course_id": "C1", "progress_percentage": 10, "employee_name": None}
    assert [row["progress_percentage"] for row in rows] == [10, 40, 100]
    told = list(csv.reader(io.StringIO(cli.ok("sql", query, "--format", "csv").out)))
    assert told[:2] == [["course_id", "progress_percentage", "employee_name"], ["C1", "10.00", ""]]
    assert "Ada Hale" in cli.ok("sql", query).out
    assert cli.ok("sql", "-", "--format", "json", given="SELECT 1 AS one;").json() == [{"one": 1}]


def test_sql_says_what_there_is_instead(cli: Cli) -> None:
    """A column that nearly exists is proposed, any other and a view that is not there lead to those that are."""
    assert 'reference the column "enrollments.course_name"' in cli.refused("sql", "SELECT curse_name FROM enrollments")
    assert "LIMIT 1" in cli.refused("sql", "SELECT xyzzy FROM enrollments")
    views = cli.refused("sql", "SELECT * FROM nix")
    assert "enrollments" in views
    assert "sync_runs" in views


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; SELECT 2",
        "DELETE FROM enrollments",
        "WITH gone AS (DELETE FROM hub.lms_audit_trail RETURNING 1) SELECT * FROM gone",
        "SELECT * FROM hub.employee",
        "SELECT * FROM vault.data_key",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT nextval('x')",
        "COPY enrollments TO STDOUT",
        "SET ROLE postgres",
        "oops",
    ],
)
def test_sql_refuses_all_but_one_reading_query(cli: Cli, query: str) -> None:
    """Neither writing nor another schema, nor two statements, nor the server's files."""
    assert "query: " in cli.refused("sql", query)


def test_sql_has_a_time_limit(cli: Cli) -> None:
    """A query that takes too long ends and says how long it had."""
    assert "1 seconds" in cli.refused("sql", "SELECT pg_sleep(60)", "--timeout", "1")


def test_status_tells_the_truth(cli: Cli) -> None:
    """Nothing is behind, nobody runs while no command does, and the dead letter is counted."""
    found = cli.ok("status", "--json").json()
    assert found["log"] == "PostgreSQL"
    topics = {one["topic"]: one for one in found["topics"]}
    assert topics["lms.observations"]["behind"] == topics["lms.learning"]["behind"] == 0
    assert topics["lms.learning"]["end"] == topics["lms.learning"]["folded"] > 0
    assert topics["lms.governance"]["behind"] is None
    assert {one["name"]: one["state"] for one in found["runners"]} == {
        "serve": "nobody", "fold": "nobody", "decide": "nobody",
    }  # fmt: skip
    assert found["deadletters"] == [{"kind": "rejected", "count": 1}]
    assert "All that is in the log is in the tables." in cli.ok("status").out


def test_projections_are_complete(cli: Cli) -> None:
    """One line per partition for scripts, one per topic for people."""
    rows = cli.ok("projections", "status", "--json").json()
    assert {row["behind"] for row in rows} == {0}
    assert len({row["partition"] for row in rows}) == 12
    assert "lms.learning" in cli.ok("projections", "status").out


def test_the_log_is_shown_decoded_and_sealed(cli: Cli) -> None:
    """Records are readable, personal values in them are not."""
    shown = cli.ok("log", "show", "lms.learning", "--json").json()
    assert {one["type"] for one in shown} >= {"lms.enrollment.completed.v1", "lms.enrollment.started.v1"}
    one = shown[0]
    again = cli.ok("log", "show", "lms.learning", "--partition", str(one["partition"]), "--limit", "1", "--json").json()
    assert again == [one]
    people = cli.ok("log", "show", "lms.directory", "--limit", "100", "--json").out
    assert "sealed:" in people
    assert "ada@example.org" not in people
    assert "lms.learning" in cli.refused("log", "show", "lms.nonsense")


def test_the_log_is_copied_and_a_copy_goes_on(cli: Cli, database_url: str) -> None:
    """All records lie in the copy at the same places; copying again copies nothing; another log is refused."""
    sizes = {one["topic"]: one["records"] for one in cli.ok("log", "stats", "--json").json()}
    copied = cli.ok("log", "copy", "--to-database", database_url, "--json").json()
    assert {one["topic"]: one["copied"] for one in copied} == sizes
    again = cli.ok("log", "copy", "--to-database", database_url, "--json").json()
    assert {one["copied"] for one in again} == {0}
    there = Cli(cli.home, {"HUB_DATABASE_URL": database_url}, cli.printed, cli.starter)
    assert {one["topic"]: one["records"] for one in there.ok("log", "stats", "--json").json()} == sizes


def test_database_and_log_may_be_made_again(cli: Cli) -> None:
    """Both say that nothing was to be done, or what there is."""
    assert "as they were" in cli.ok("db", "upgrade").out
    assert "9 topics with 12 partitions" in cli.ok("log", "init").out
    assert "12" in cli.refused("log", "init", HUB_PARTITIONS="7")
    done = cli.ok("db", "url")
    assert done.out.startswith("postgresql://")
    assert done.err == ""
