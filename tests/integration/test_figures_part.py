"""The clock of figures in a hub that runs: it begins, tells what is due, says why it does not get on, and ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.bootstrap import Hub
from hub.directory.commands import company
from hub.figures.part import LOCK, Figures
from hub.integrations.commands import add
from tests.support.site import COMPANY, site

DEADLINE = 30.0
ROWS = "SELECT count(*) FROM hub.lms_integration_monitoring"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    with site("postgresql", database_url, tmp_path, None) as made, made.open() as hub:  # type: ignore[attr-defined]
        hub.commands.execute(company("ACME", "Acme"))
        wanted = {
            "lms_code": "csv",
            "lms_name": "CSV",
            "lms_type": "Corporate LMS",
            "integration_method": "File Upload",
        }
        hub.commands.execute(add(COMPANY, wanted))
        yield hub


def until(holds: Callable[[], bool]) -> bool:
    """Whether it holds before the deadline."""
    end = time.monotonic() + DEADLINE
    gone = threading.Event()
    while not holds():
        if time.monotonic() > end:
            return False
        gone.wait(0.05)
    return True


def count(hub: Hub) -> int:
    with hub.connection() as connection:
        row = connection.execute(ROWS).fetchone()
    return int(row[0]) if row else 0


def test_it_tells_what_is_due_and_ends(hub: Hub) -> None:
    """A row of today for the integration, without anybody asking."""
    figures = Figures(hub)
    figures.start()
    try:
        assert until(lambda: count(hub) == 1)
        assert figures.failures() == []
    finally:
        figures.close()
    assert not [one for one in threading.enumerate() if one.name == "figures"]


def test_one_server_computes_at_a_time(hub: Hub) -> None:
    """While another holds the lock nothing is computed, and that is no failure."""
    with hub.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        figures = Figures(hub)
        assert figures.react() is False
        assert count(hub) == 0
    assert until(figures.look)
    assert count(hub) == 1


def test_what_fails_is_told(hub: Hub) -> None:
    """The reason stands in ``failures`` until it goes well again."""
    figures = Figures(hub)
    with hub.connection() as connection:
        connection.execute("ALTER TABLE hub.sync_run RENAME TO sync_run_away")
    figures.start()
    try:
        assert until(lambda: figures.failures() != [])
        assert figures.failures()[0].startswith("figures: ")
        with hub.connection() as connection:
            connection.execute("ALTER TABLE hub.sync_run_away RENAME TO sync_run")
        assert until(lambda: count(hub) == 1 and figures.failures() == [])
    finally:
        figures.close()
