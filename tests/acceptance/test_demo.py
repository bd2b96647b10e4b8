"""``hub demo`` on a machine with nothing but the hub: it shows a whole hub, twice, and leaves nothing running."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.postgres.embedded import running
from tests.support import demo
from tests.support.demo import Shown

RUNS = ("LRS, at first", "LRS, later", "classroom.csv")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty home."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def first(home: Path) -> Shown:
    """The first run."""
    return demo.run(home)


@pytest.fixture(scope="module")
def second(home: Path, first: Shown) -> Shown:
    """The second run in the same home."""
    assert first.status == 0, first.logged[-3000:]
    return demo.run(home)


def counts(shown: Shown, run: str) -> list[int]:
    """Read, changed, unchanged, unmatched, stored, rejected."""
    return [int(cell) for cell in shown.table("What came in, and what became of it")[run][:6]]


def test_the_demo_shows_what_came_in(first: Shown) -> None:
    """Every record is accounted for, and each kind of outcome is shown at least once."""
    assert first.status == 0, first.logged[-3000:]
    told = [counts(first, run) for run in RUNS]
    assert all(read == sum(outcomes) for read, *outcomes in told)
    assert all(sum(column) for column in zip(*told, strict=True))
    assert first.table("The directory")["employees"] == ["503", "500", "0", "3"]
    assert {"Completed", "Certified", "In Progress", "Failed", "On Hold"} <= first.table("Enrollments").keys()
    for title in (
        "Accounts that no employee could be found for",
        "Rejected records",
        "The audit trail of",
        "How fresh it is",
    ):
        assert title in first.printed
    assert "hub sql" in first.printed


def test_the_second_run_tells_nothing_new(first: Shown, second: Shown) -> None:
    """What was changed is unchanged now; what is unmatched or wrong is that again; the tables are as they were."""
    assert second.status == 0, second.logged[-3000:]
    for run in RUNS:
        read, changed, unchanged, unmatched, stored, rejected = counts(second, run)
        assert changed == 0
        assert (read, unmatched, rejected) == tuple(counts(first, run)[place] for place in (0, 3, 5))
        assert unchanged + stored >= counts(first, run)[1]  # the one that was voided meanwhile is stored now
    assert second.table("The directory")["employees"] == ["503", "0", "500", "3"]
    for title in ("Enrollments", "The audit trail of"):
        assert second.table(title) == first.table(title)


def test_nothing_is_left_running(home: Path, second: Shown) -> None:
    """The embedded server stops with the demo."""
    assert second.status == 0
    assert not running(home / "demo")
