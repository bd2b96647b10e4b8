"""``hub demo`` on a machine with nothing but the hub: it shows a whole hub, twice, and leaves nothing running."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.postgres.embedded import running
from tests.support import demo
from tests.support.demo import Shown

RUNS = ("LRS, at first", "LRS, later", "classroom.csv", "Moodle, at first", "Canvas, at first")
"""Runs that tell nothing new the second time."""
LIVING = ("Moodle, later", "Canvas, later")


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
    told = [counts(first, run) for run in (*RUNS, *LIVING)]
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


def test_people_learn_while_it_runs(first: Shown, second: Shown) -> None:
    """Each time something happened in Moodle and Canvas between two syncs, and only that is changed."""
    for shown in (first, second):
        for run in LIVING:
            read, changed, unchanged, _, stored, rejected = counts(shown, run)
            assert 0 < changed < 200
            assert (unchanged + changed + stored, rejected) == (read, 0)


def test_a_broken_source_is_shown(first: Shown) -> None:
    """Half of a list with status 200 is held and changes nothing; a source that is down is in Error, and comes back."""
    text = " ".join(first.printed.split())
    assert "Nothing was changed" in text
    assert "--accept" in text
    assert "cannot be reached" in text
    monitoring = first.table("How the integrations were today")
    assert monitoring["canvas"][0] == "Connected"
    assert float(monitoring["canvas"][1]) < 100
    assert float(monitoring["moodle"][1]) == 100


def test_figures_are_shown(first: Shown) -> None:
    """This year's dashboards, and why a figure has no value: what no source gave is named, not zero."""
    for title in ("This year's dashboards", "Figures without a value, and why"):
        assert title in first.printed
    reasons = first.printed.split("Figures without a value, and why")[1]
    assert "roi_analysis" in reasons
    assert "no_input_event" in reasons


def test_the_second_run_tells_nothing_new(first: Shown, second: Shown) -> None:
    """What was changed is unchanged now; what is unmatched or wrong is that again."""
    assert second.status == 0, second.logged[-3000:]
    for run in RUNS:
        read, changed, unchanged, unmatched, stored, rejected = counts(second, run)
        assert changed == 0
        if run not in ("Moodle, at first", "Canvas, at first"):  # these read what changed since, not all
            assert (read, unmatched, rejected) == tuple(counts(first, run)[place] for place in (0, 3, 5))
            assert unchanged + stored >= counts(first, run)[1]  # the one that was voided meanwhile is stored now
    assert second.table("The directory")["employees"] == ["503", "0", "500", "3"]
    assert second.table("The audit trail of") == first.table("The audit trail of")


def test_nothing_is_left_running(home: Path, second: Shown) -> None:
    """The embedded server stops with the demo."""
    assert second.status == 0
    assert not running(home / "demo")
