"""``hub serve`` as a process: it folds, links and answers, says how it is, and ends cleanly."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.postgres.embedded import running
from tests.support.cli import SECONDS, Cli

COURSES = """email,display_name,course_id,enrollment_status
ada@example.org,Ada Hale,C1,Completed
"""
PEOPLE = """employee_number,given_name,family_name,email
E1001,Ada,Hale,ada@example.org
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home")


@contextmanager
def serving(cli: Cli) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server, and its address once it told it."""
    command = [*cli.command(), "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=cli.surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        logged: list[str] = []
        assert process.stderr is not None
        assert process.stdout is not None
        reader = threading.Thread(target=logged.extend, args=(process.stderr,))
        reader.start()
        guard = threading.Timer(SECONDS, process.kill)
        guard.start()
        try:
            line = process.stdout.readline()
            assert line.startswith("The hub serves http://"), logged
            yield process, line.split()[3].rstrip(";")
        finally:
            process.kill()
            process.wait()
            reader.join()
            guard.cancel()
            cli.printed += logged


def ended(process: subprocess.Popen[str], number: signal.Signals) -> int:
    """The status of a server after a signal."""
    process.send_signal(number)
    return process.wait(SECONDS)


def health(address: str) -> tuple[int, Any]:
    """Status and body of GET /health."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.load(answer)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        threading.Event().wait(0.2)


def states(cli: Cli) -> dict[str, str]:
    """Each runner's state, as `hub status` tells it."""
    return {one["name"]: one["state"] for one in cli.ok("status", "--json").json()["runners"]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_is_seen_and_ends_cleanly(cli: Cli, number: signal.Signals) -> None:
    """Health is answered, status names who works; a signal ends it with status 0 and the database with it."""
    with serving(cli) as (process, address):
        assert health(address) == (200, {"alive": True, "ready": True})
        until(lambda: states(cli) == {"serve": "working", "fold": "working", "decide": "working"})
        assert ended(process, number) == 0
    assert not any("Traceback" in line or "exception" in line for line in cli.printed)
    assert not running(cli.home)


def test_a_server_links_who_arrives_later(cli: Cli, tmp_path: Path) -> None:
    """The account was unmatched; once another process brings the employee's row by an event, the server links it."""
    (tmp_path / "courses.csv").write_text(COURSES, encoding="utf-8")
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    query = ("sql", "SELECT employee_number FROM enrollments", "--format", "json")
    with serving(cli) as (process, _):
        cli.ok("companies", "add", "ACME", "Acme")
        cli.ok("integrations", "add", "hr", "--name", "L", "--type", "Custom LMS", "--method", "File Upload")
        done = cli.ok("import", tmp_path / "courses.csv", "--integration", "hr", "--json").json()
        assert done["unmatched"] == 1
        assert cli.ok(*query).json() == [{"employee_number": None}]
        cli.ok("directory", "import", tmp_path / "people.csv")
        until(lambda: cli.ok(*query).json() == [{"employee_number": "E1001"}])
        assert ended(process, signal.SIGTERM) == 0
    assert not any("ada@example.org" in line or "Hale" in line for line in cli.printed if line.startswith("{"))


def test_a_server_that_cannot_fold_says_so(cli: Cli, database_url: str) -> None:
    """Somebody broke the engine's table: health is 503, status names the runner, a command gives up with one line. Then all goes on."""
    cli.environment["HUB_DATABASE_URL"] = database_url
    with serving(cli) as (process, address), psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE hub.projection_offset RENAME chain TO broken")
        assert "cannot go on" in cli.refused("companies", "add", "ACME", "Acme")
        until(lambda: health(address)[0] == 503)
        until(lambda: states(cli)["fold"] == "failing")
        assert cli.ok("status").out.splitlines()[-1].startswith("Not well: fold fails, and 1 records wait")
        connection.execute("ALTER TABLE hub.projection_offset RENAME broken TO chain")
        until(lambda: health(address)[0] == 200)
        assert [one["code"] for one in cli.ok("companies", "list", "--json").json()] == ["ACME"]
        assert ended(process, signal.SIGTERM) == 0


def test_an_address_that_is_taken_is_refused(cli: Cli) -> None:
    """One line says so; nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = cli.refused("serve", "--port", str(taken.getsockname()[1]))
    assert "--port" in line
    assert not (cli.home / "postgres").exists()


def test_a_tail_shows_what_comes_and_ends_on_ctrl_c(cli: Cli) -> None:
    """One line a record; Ctrl-C is the way to end it, so the status is 0."""
    cli.ok("companies", "add", "ACME", "Acme")
    command = [*cli.command(), "log", "tail", "lms.directory", "--last", "1"]
    with subprocess.Popen(
        command, env=cli.surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tail:
        guard = threading.Timer(SECONDS, tail.kill)
        guard.start()
        assert tail.stdout is not None
        assert "lms.company.registered.v1" in tail.stdout.readline()
        cli.ok("companies", "add", "ACME", "Another name")
        assert "lms.company.changed.v1" in tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        assert tail.wait(SECONDS) == 0
        guard.cancel()
    assert not running(cli.home)
