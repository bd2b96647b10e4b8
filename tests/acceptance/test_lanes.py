"""The processes of one server: what one of them may lose, and that none is left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from hub.bootstrap import Hub, open_hub
from hub.presence import SERVER, failures_told
from tests.support import equality
from tests.support.site import Site, furnish, site

SECONDS = 60.0
PEOPLE = 12
TOLD = "SELECT query FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"


@pytest.fixture
def serving(database_url: str, tmp_path: Path) -> Iterator[tuple[Site, Hub, psutil.Process]]:
    """A server with two lanes, a hub beside it that folds nothing, and the server's keeper."""
    with site("postgresql", database_url, tmp_path, None) as made, open_hub(made.settings, runners=False) as hub:
        made.start("one")
        server = psutil.Process(made.workers["one"].pid)
        until(lambda: len(_lanes(server)) == 2)
        yield made, hub, server


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


def _lanes(server: psutil.Process) -> list[psutil.Process]:
    """The lanes of a server: the children of its only child."""
    return [lane for keeper in server.children() for lane in keeper.children()]


def _told(url: str) -> list[str]:
    """What the server says it fails at."""
    with psycopg.connect(url) as connection:
        return [text for (query,) in connection.execute(TOLD, (SERVER,)) for text in failures_told(query)]


def test_a_lane_that_died_is_started_again(serving: tuple[Site, Hub, psutil.Process]) -> None:
    """Its share is folded and decided by its successor; the other lane goes on, and nobody fails for long."""
    made, hub, server = serving
    before = _lanes(server)
    before[0].kill()
    furnish(hub, PEOPLE)  # commands are answered once they are folded, in whichever partition
    until(lambda: len(_lanes(server)) == 2)
    assert before[1] in _lanes(server)
    assert before[0] not in _lanes(server)
    until(lambda: _told(made.url) == [])
    assert len(equality.rows(made.url, "employee")) == PEOPLE - 5


def test_no_lane_outlives_its_server(serving: tuple[Site, Hub, psutil.Process]) -> None:
    """However the server ends, by SIGKILL too."""
    made, _, server = serving
    family = server.children(recursive=True)
    assert len(family) == 3
    made.kill("one")
    _, alive = psutil.wait_procs(family, SECONDS)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


def test_a_signal_to_all_ends_all_in_order(serving: tuple[Site, Hub, psutil.Process]) -> None:
    """A terminal and systemd signal every process: the lanes wait for the server, and it ends with status 0."""
    made, _, server = serving
    family = server.children(recursive=True)
    for one in [*family, server]:
        os.kill(one.pid, signal.SIGTERM)
    assert made.workers.pop("one").wait(SECONDS) == 0
    assert psutil.wait_procs(family, SECONDS)[1] == []


def test_without_its_keeper_a_server_ends(serving: tuple[Site, Hub, psutil.Process]) -> None:
    """Nobody would start a lane again, so whoever supervises the server has to see that it failed."""
    made, _, server = serving
    family = server.children(recursive=True)
    server.children()[0].kill()
    assert made.workers.pop("one").wait(SECONDS) == 1
    _, alive = psutil.wait_procs(family, SECONDS)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
    assert "the processes that fold and decide have ended" in (made.logs / "one.log").read_text(encoding="utf-8")
