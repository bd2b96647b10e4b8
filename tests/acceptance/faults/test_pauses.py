"""SIGSTOP for longer than others wait, then SIGCONT: who was away finds its partitions with somebody else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest

from hub import silent
from hub.runners import DECIDE_LOCK, FOLD_LOCK
from projections import folds
from tests.acceptance.faults.conftest import MakeScene
from tests.support.faults import SERVER, Scene

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
OTHER = "server-2"
OF_LOCKS = """
FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ANY(%s)
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
HOLDERS = f"SELECT DISTINCT pid {OF_LOCKS}"
HELD = f"SELECT count(*) {OF_LOCKS} AND NOT pid = ANY(%s)"
LOCKS = [FOLD_LOCK, DECIDE_LOCK]
WRITING = """
SELECT pid, backend_xid::text FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()
AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL
"""


@pytest.mark.kafka
def test_a_paused_worker_comes_back(make_scene: MakeScene) -> None:
    """A worker is stopped in the middle of its work until the group has given its partitions to the other, goes on with
    what it had in hand, and does no harm: neither by what it appends nor by what it writes. Nor does one that is stopped
    in the middle of a transaction hold up the other by the rows that it has locked."""
    with make_scene("kafka", named=False, environment={"HUB_LOG_LEVEL": "info"}) as scene:
        scene.flowed(1)
        for slot, other, pause in (
            ("worker-1", "worker-2", _paused_in_a_write),
            ("worker-2", "worker-1", _paused_in_a_write),
            ("worker-1", "worker-2", _paused),
        ):
            with scene.fault("worker stopped for longer than its session"), pause(scene, scene.pid(slot)):
                scene.until(partial(_has_all, scene, other), "the other has all partitions")
                scene.flowed(1)
                assert scene.status().code == 0
            scene.flowed(1)
        scene.settle()
        scene.verify()


def test_a_paused_server_comes_back(make_scene: MakeScene) -> None:
    """All lanes of the server that works are stopped, and the database ends the sessions that hold their locks, as it does
    with a client whose machine is gone: the other server takes over. What the first had in hand lands late."""
    with make_scene("postgresql", pace=0.2) as scene:
        scene.start(OTHER)
        scene.until(lambda: len(scene.lanes(OTHER)) == 2, "the lanes of both")
        mine, other = SERVER, OTHER
        for pause in (_paused_in_a_write, _paused, _paused_in_a_write, _paused):
            with (
                scene.fault("lanes stopped, and their locks lost"),
                pause(scene, *[lane.pid for lane in scene.lanes(mine)]),
            ):
                _lose_locks(scene)
                scene.flowed(1)
                assert scene.status().state_of_work() == {"working"}
            scene.flowed(1)
            mine, other = other, mine
        scene.settle()
        assert scene.exits == []
        scene.verify()


def test_a_paused_lane_is_waited_for(make_scene: MakeScene) -> None:
    """A stopped lane keeps the locks of its partitions: they wait for it, `hub status` says what is behind, and all goes on
    with SIGCONT."""
    with make_scene("postgresql") as scene:
        scene.until(lambda: len(scene.lanes()) == 2, "two lanes")
        scene.flowed(1)
        lane = scene.rng.choice(scene.lanes())
        with scene.fault("lane stopped"), scene.paused(lane.pid):
            scene.until(lambda: scene.status().behind() > 0 and scene.flow.giving, "status tells what is behind")
        scene.settle()
        assert scene.exits == []
        scene.verify()


@contextmanager
def _paused(scene: Scene, *pids: int) -> Iterator[None]:
    """Stopped while a part of the input is on its way."""
    scene.until(lambda: scene.flow.giving, "a part on its way")
    with scene.paused(*pids):
        yield


@contextmanager
def _paused_in_a_write(scene: Scene, *pids: int) -> Iterator[None]:
    """Stopped in the middle of a transaction that has written: stopped again and again until it is so."""
    with psycopg.connect(scene.url, autocommit=True) as connection:

        def open_writes() -> set[tuple[int, str]]:
            time.sleep(0.05)  # the server is done with what it was given
            return set(connection.execute(WRITING, (silent.NAME,)).fetchall())

        for _ in range(2000):
            with scene.paused(*pids):
                if open_writes() & open_writes() & open_writes():
                    yield
                    return
            time.sleep(scene.rng.uniform(0.0, 0.05))
    raise AssertionError("never stopped in the middle of a write")


def _has_all(scene: Scene, slot: str) -> bool:
    """Whether a worker said at last that it took over every partition, to fold and to decide."""
    last: dict[str, int] = {}
    for line in scene.logged(slot).splitlines():
        if '"partitions taken over"' in line:
            told = json.loads(line)
            last[told["lane"]] = told["partitions"]
    every = scene.site.settings.partitions
    return last == {"fold": every * len(folds.BY_TOPIC), "decide": every}


def _lose_locks(scene: Scene) -> None:
    """End the sessions that hold the locks of folding and deciding; returns when others hold them."""
    with psycopg.connect(scene.url, autocommit=True) as connection:
        ended = {pid for (pid,) in connection.execute(HOLDERS, (LOCKS,)).fetchall()}
        assert ended
        connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (list(ended),))
        wanted = len(LOCKS) * scene.site.settings.partitions
        scene.until(
            lambda: (found := connection.execute(HELD, (LOCKS, list(ended))).fetchone()) and found[0] == wanted,
            "the other server holds every lock",
        )
