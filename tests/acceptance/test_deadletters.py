"""Dead letters beside a server at work: a discard and a replay by the command line while `hub serve` folds and decides."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event

import psycopg
import pytest

from tests.support.cli import Cli
from tests.support.letters import CURE, OPEN, POISON
from tests.support.site import counts, site

HEAD = "lms_user_id,course_id,progress_percentage,changed_at\n"
PROGRESS = "SELECT count(*) FROM hub.lms_course_enrollment WHERE progress_percentage = {}"


def test_acts_by_the_command_line_beside_whoever_folds(
    event_log_kind: str, request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> None:
    """Server or worker goes on with the rows as they were written, and takes in what comes after; it never fails."""
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    with site(event_log_kind, database_url, tmp_path, bootstrap) as made:
        cli = Cli(tmp_path / "home", made.environment)
        cli.ok("db", "upgrade")
        cli.ok("log", "init")
        server = made.start("one")
        cli.ok("companies", "add", "ACME", "Acme", "--time-zone", "Europe/Berlin")
        cli.ok("integrations", "add", "csv", "--name", "Table", "--type", "corporate lms", "--method", "File Upload")

        def take_in(*rows: str) -> None:
            (tmp_path / "rows.csv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
            cli.ok("import", tmp_path / "rows.csv", "--integration", "csv")

        _do(database_url, POISON)
        take_in("u1,C1,20,2026-01-01T10:00:00Z", "u2,C1,20,2026-01-01T10:00:00Z")
        take_in("u1,C1,66.66,2026-01-02T10:00:00Z", "u2,C1,66.66,2026-01-02T10:00:00Z")
        take_in("u1,C1,70,2026-01-03T10:00:00Z", "u2,C1,70,2026-01-03T10:00:00Z", "u3,C1,70,2026-01-03T10:00:00Z")
        assert counts(database_url, PROGRESS.format(70)) == 1
        first, second = (
            one["id"] for one in cli.ok("deadletters", "list", "--each", "--json").json() if one["kind"] == "parked"
        )
        assert "still cannot be folded" in cli.refused("deadletters", "replay", first)
        cli.ok("deadletters", "discard", first, "--reason", "nonsense")
        _do(database_url, CURE)
        cli.ok("deadletters", "replay", second)
        assert _soon(lambda: not _open(database_url))
        assert counts(database_url, PROGRESS.format(70)) == 3
        take_in(*(f"u{number},C1,90,2026-01-04T10:00:00Z" for number in (1, 2, 3)))
        assert counts(database_url, PROGRESS.format(90)) == 3
        assert server.poll() is None
        assert "Traceback" not in (tmp_path / "one.log").read_text(encoding="utf-8")


def _do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def _open(url: str) -> list[tuple[str, int]]:
    with psycopg.connect(url) as connection:
        return connection.execute(OPEN).fetchall()


def _soon(holds, seconds: float = 60) -> bool:  # type: ignore[no-untyped-def]
    """Whether something comes to hold before the time is over."""
    end, pause = time.monotonic() + seconds, Event()
    while not (held := holds()) and time.monotonic() < end:
        pause.wait(0.1)
    return held
