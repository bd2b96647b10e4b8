"""The command line as somebody learns it: help, examples, usage. No service is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from hub.cli import options, output, reference
from hub.cli.app import app
from hub.cli.frame import ORDER
from hub.domain import values
from tests.support.cli import Cli

COSTLY = ("pydantic", "psycopg", "sqlalchemy", "rich", "hub.bootstrap", "hub.log", "connectors", "faust", "uvicorn")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its name."""
    todo: list[tuple[str, Any]] = [("hub", typer.main.get_command(app))]
    while todo:
        name, command = todo.pop()
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            todo += [(f"{name} {key}", one) for key, one in below.items()]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


def test_help_imports_nothing_costly() -> None:
    """Help is quick because it needs nothing of the hub itself."""
    code = f"import sys, hub.cli.app; print([name for name in {COSTLY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_every_group_in_the_order_of_use(cli: Cli) -> None:
    """Nothing is forgotten in the order, and nothing is made by asking for help."""
    done = cli.ok("--help")
    lines = done.out.partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ") and line.split()]
    assert tuple(names[: len(ORDER)]) == ORDER
    assert not cli.home.exists()


def test_every_command_teaches_by_example() -> None:
    """Each help ends with an example of that very command, and says what the command does."""
    for name, command in commands():
        assert command.help, name
        lines = (command.epilog or "").splitlines()[2:]
        assert lines, f"{name} has no example"
        assert all(name in line for line in lines), name


def test_every_table_has_a_form_for_scripts() -> None:
    """Whatever lists or shows takes --json, or its own --format."""
    for name, command in commands():
        if name.split()[-1] in ("list", "show", "stats", "status", "doctor", "check", "sync", "import", "tail"):
            flags = {flag for parameter in command.params for flag in parameter.opts}
            assert flags & {"--json"}, name


@pytest.mark.parametrize("width", [30, 60, 100])
def test_a_narrow_terminal_folds_the_long_columns_and_loses_nothing(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Short words stay whole where there is room; every character is shown however narrow it is."""
    for name, value in (("COLUMNS", str(width)), ("FORCE_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    row = {"code": "integration", "count": 7, "id": "0123456789" * 4, "why": "abcdefghij" * 8}
    output.print_table([row], {"code": "code", "count": "n", "id": "id", "why": "why"})
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= width
    assert sum(line.count("9") for line in lines) == 4
    assert sum(line.count("j") for line in lines) == 8
    assert (width == 30) or any(line.startswith("integration ") for line in lines)


def test_the_page_of_commands_is_current() -> None:
    """docs/commands.md is what the commands say of themselves."""
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    assert page.read_text(encoding="utf-8") == reference.text(), "run python -m hub.cli.reference > docs/commands.md"


@pytest.mark.parametrize(
    ("words", "declared"),
    [
        (options.LmsTypes, values.LmsType),
        (options.Methods, values.IntegrationMethod),
        (options.Authentications, values.AuthenticationType),
        (options.DataFormats, values.DataFormat),
        (options.Frequencies, values.SyncFrequency),
        (options.Directions, values.SyncDirection),
    ],
)
def test_words_on_the_command_line_are_those_of_the_domain(words: Any, declared: type[StrEnum]) -> None:
    """The choices were written once more only to keep help quick."""
    assert list(get_args(words)) == [str(one) for one in declared]


@pytest.mark.parametrize(
    "wrong",
    [
        ("nonsense",),
        ("sql",),
        ("integrations", "add", "x", "--name", "X", "--type", "Nothing", "--method", "API"),
        ("integrations", "add", "x", "--type", "Moodle", "--method", "API"),
        ("companies", "add", "X", "X", "--time-zone", "Mars/Base"),
        ("companies", "add", "X", "X", "--currency", "Taler"),
        ("import", "no-such-file", "--integration", "x"),
        ("log", "copy"),
        ("integrations", "change", "x", "--clear", "lms_type"),
    ],
)
def test_wrong_usage_is_status_2(cli: Cli, wrong: tuple[str, ...]) -> None:
    """It is told on stderr, before anything is opened."""
    done = cli.run(*wrong)
    assert done.status == 2, done.err
    assert done.err
    assert "Traceback" not in done.err
    assert not (cli.home / "postgres").exists()


def test_the_version_is_told(cli: Cli) -> None:
    """--version prints it and ends."""
    assert cli.ok("--version").out.startswith("lms-hub ")


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"HUB_NONSENSE": "1"}, "HUB_NONSENSE"),
        ({"HUB_PARTITIONS": "many"}, "HUB_PARTITIONS"),
        ({"HUB_DATABASE_URL": "postgres//u:hidden-word@h/x"}, "HUB_DATABASE_URL"),
        ({"HUB_DATABASE_URL": "postgresql://u:hidden-word@127.0.0.1:1/x"}, "cannot be reached"),
    ],
)
def test_a_wrong_surrounding_is_one_line(cli: Cli, environment: dict[str, str], names: str) -> None:
    """Status 1, one line that names what is wrong, and no password."""
    line = cli.refused("status", **environment)
    assert names in line
    assert "hidden-word" not in line


def test_doctor_tells_a_wrong_setting(cli: Cli) -> None:
    """The doctor does not fall over what it is there to find."""
    done = cli.run("doctor", "--json", HUB_NONSENSE="1")
    assert done.status == 1
    assert [one["name"] for one in done.json() if not one["ok"]] == ["settings"]
    done = cli.run("doctor", HUB_DATABASE_URL="postgres//u:hidden-word@h/x")
    assert done.status == 1
    assert "not ok  database" in done.out
    assert "hidden-word" not in done.out + done.err


def test_an_unforeseen_error_is_one_line_that_says_where_the_rest_is(cli: Cli, tmp_path: Path) -> None:
    """A contract that is a folder where a file should be: nobody foresaw it, and the traceback is in the log."""
    (tmp_path / "schemas" / "ids.json").mkdir(parents=True)
    line = cli.refused("schemas", "export", "--root", tmp_path)
    assert str(cli.home / "hub.log") in line
    log = cli.home / "hub.log"
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_schemas_are_checked_and_exported(cli: Cli, tmp_path: Path) -> None:
    """A folder without a contract is told in one line, not as a finding per type; export writes it; then all is in order."""
    refusal = cli.refused("schemas", "check", "--root", tmp_path)
    assert str(tmp_path) in refusal
    assert "hub schemas export" in refusal
    (tmp_path / "hub" / "log").mkdir(parents=True)
    assert "schemas/ids.json" in cli.ok("schemas", "export", "--root", tmp_path).out
    assert cli.ok("schemas", "check", "--root", tmp_path, "--json").json() == []


def test_the_address_of_the_database_has_no_password_unless_asked(cli: Cli) -> None:
    """Scripts may show it; whoever needs the password says so."""
    url = "postgresql://u:hidden-word@127.0.0.1:1/x"
    assert "hidden-word" not in cli.ok("db", "url", HUB_DATABASE_URL=url).out
    assert cli.ok("db", "url", "--with-password", HUB_DATABASE_URL=url).out.strip() == url


def test_a_worker_is_refused_on_the_postgresql_log(cli: Cli) -> None:
    """One sentence says why and what to run instead."""
    assert "hub serve" in cli.refused("worker")
