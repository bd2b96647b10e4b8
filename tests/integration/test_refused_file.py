"""A file that is refused as a whole is a run that failed: told, accounted for and shown like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.postgres.embedded import embedded
from tests.support.cli import Cli, Starter

GOOD = "email,course_id,course_name,progress_percentage\nada@example.org,C1,Safety,40\n"
RUNS = """
SELECT status, kind, records_read, changed, unchanged, unmatched, stored, rejected, source_name
FROM sync_runs WHERE failure = '{}' ORDER BY started_at DESC LIMIT 1
"""
FAILED = {"kind": "import", "status": "failed"} | dict.fromkeys(
    ("records_read", "changed", "unchanged", "unmatched", "stored", "rejected"), 0
)
TOLD = """
SELECT event_type FROM audit WHERE event_type LIKE 'lms.sync.%' ORDER BY occurred_at DESC, event_type LIMIT 2
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    folder = tmp_path_factory.mktemp("refused")
    with Starter() as starter, embedded(folder / "home"):
        made = Cli(folder / "home", starter=starter)
        made.ok("companies", "add", "ACME", "Acme Inc.")
        made.ok("integrations", "add", "hr", "--name", "Lists", "--type", "custom lms", "--method", "File Upload")
        yield made


@pytest.mark.parametrize(
    ("content", "options", "word"),
    [
        (b"", (), "file"),
        (b"\n \n\n", (), "file"),
        (GOOD.encode(), ("--encoding", "no-such"), "encoding"),
        (bytes(range(256)) * 100, (), "encoding"),
        (GOOD.encode(), ("--format", "xlsx"), "file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), (), "file"),
        (GOOD.replace("email", "who").encode(), (), "learner"),
        (GOOD.replace("course_id", "what").encode(), (), "course_id"),
    ],
    ids=["empty", "blank", "encoding", "binary", "no workbook", "old workbook", "no learner", "no course"],
)
def test_a_refused_file_is_a_failed_run(cli: Cli, content: bytes, options: tuple[str, ...], word: str) -> None:
    """The command ends with status 1 and one sentence; status and runs tell the same sentence, and that no record was read."""
    path = cli.home.parent / "told.csv"
    path.write_bytes(content)
    line = cli.run("import", path, "--integration", "hr", *options)
    assert line.status == 1
    said = line.err.removeprefix("hub: ").rstrip("\n")
    assert "\n" not in said
    assert word in said
    shown = cli.ok("status", "--json").json()["integrations"][0]
    assert (shown["last_run"], shown["failure"]) == ("failed", said)
    assert cli.ok("sql", RUNS.format(said.replace("'", "''")), "--format", "json").json() == [
        FAILED | {"source_name": path.name}
    ]
    told = [row["event_type"] for row in cli.ok("sql", TOLD, "--format", "json").json()]
    assert sorted(told) == ["lms.sync.failed.v1", "lms.sync.started.v1"]


def test_a_good_file_after_it_ends_the_failure(cli: Cli) -> None:
    """Failures in a row are counted as those of any run, and over with the next that completes."""
    wrong, good = cli.home.parent / "wrong.csv", cli.home.parent / "good.csv"
    wrong.write_bytes(b"")
    good.write_text(GOOD)
    said = cli.refused("import", wrong, "--integration", "hr").removeprefix("hub: ")
    assert f"The last run of hr failed: {said}" in cli.ok("status").out
    assert cli.ok("status", "--json").json()["integrations"][0]["error_count"] > 0
    assert cli.ok("import", good, "--integration", "hr", "--json").json()["read"] == 1
    shown = cli.ok("status", "--json").json()["integrations"][0]
    assert (shown["last_run"], shown["failure"], shown["error_count"]) == ("completed", None, 0)


def test_a_preview_of_such_a_file_is_no_run(cli: Cli, tmp_path: Path) -> None:
    """A dry run tells nothing, whatever it finds."""
    before = cli.ok("log", "stats", "--json").json()
    (tmp_path / "empty.csv").write_bytes(b"")
    cli.refused("import", tmp_path / "empty.csv", "--integration", "hr", "--dry-run")
    assert cli.ok("log", "stats", "--json").json() == before


def test_a_connection_that_is_none_is_not_tested(cli: Cli) -> None:
    """Files are imported: there is nothing to connect to, and the integration stays as it is."""
    before = cli.ok("integrations", "show", "hr", "--json").json()
    line = cli.run("integrations", "test", "hr")
    assert line.status == 1
    assert "its files are imported" in line.err
    assert cli.ok("integrations", "show", "hr", "--json").json() == before
