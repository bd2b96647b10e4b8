"""kill -9 of every kind of process: servers, their lanes, workers, whoever imports, whoever syncs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random

import psycopg
import pytest

from hub.bootstrap import open_hub
from hub.intake.service import Intake
from tests.acceptance.faults.conftest import MakeScene, tally
from tests.support.fault_truth import Verdict, account, settled
from tests.support.faults import SERVER
from tests.support.living import connect, lms, wait_for
from tests.support.site import COMPANY, Site, furnish, site

pytestmark = pytest.mark.timeout(600)
KILLS = 3
RUNNING = "SELECT id FROM hub.sync_run WHERE status = 'running'"


def test_servers_lanes_and_workers_are_killed(event_log_kind: str, make_scene: MakeScene) -> None:
    """Each kind of process is killed while records are on their way, in any order, and started again."""
    with make_scene(event_log_kind) as scene:
        victims = ["lane", "lane"] if event_log_kind == "postgresql" else list(scene.workers)
        for victim in scene.rng.sample([SERVER, *victims], k=3):
            scene.until(lambda: scene.flow.giving, "a part on its way")
            if victim == "lane":
                scene.kill_lane()
            else:
                scene.kill(victim)
            scene.flowed(2)
        scene.settle()
        scene.verify()


def test_status_tells_who_is_dead(event_log_kind: str, make_scene: MakeScene) -> None:
    """With every process of the hub killed, `hub status` says that nobody serves, folds or decides, and what lies behind;
    once they are back, that somebody does."""
    with make_scene(event_log_kind) as scene:
        scene.flowed(1)
        scene.until(lambda: scene.flow.giving, "a part on its way")
        for slot in scene.known:
            scene.kill(slot, again=False)
        scene.until(lambda: scene.status().state("serve") == "nobody", "status says that nobody serves")
        scene.until(lambda: scene.status().behind() > 0, "status tells what is behind")
        assert scene.statuses[-1].state_of_work() == {"nobody"}, scene.statuses[-1]
        for slot in scene.known:
            scene.start(slot)
        scene.until(lambda: scene.status().state("serve") == "working", "status says that somebody serves")
        scene.until(lambda: scene.status().state_of_work() == {"working"}, "status says that somebody works")
        scene.settle()
        scene.verify()


def test_imports_are_killed(event_log_kind: str, make_scene: MakeScene) -> None:
    """`hub import` is killed in the middle of a file and given it again; so is what imports beside the server."""
    with make_scene(event_log_kind, pace=0.1) as scene:
        for _ in range(KILLS):
            scene.until(scene.flow.kill, "a part killed on its way in")
            scene.count("SIGKILL import")
            scene.flowed(1)
        scene.flowed(len(scene.truth.parts))
        part = scene.flow.free  # the next one is held back
        scene.flow.repeated.add(part)
        _kill_in_run(scene.site, "import", scene.truth.parts[part]["file"], "--integration", "lrs")
        scene.count("SIGKILL hub import")
        assert [
            one["last_run"] for one in scene.status().found_or_fail()["integrations"] if one["lms_code"] == "lrs"
        ] == ["interrupted"]
        scene.settle()
        scene.verify()


def test_syncs_are_killed(
    event_log_kind: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """`hub sync` is killed in the middle of a run; the next one goes on, and in the end the tables say what the LMS says."""
    rng = Random(seed := request.getfixturevalue("fault_seed"))
    print(f"HUB_TEST_SEED={seed}")
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    with ExitStack() as stack:
        made = stack.enter_context(site(event_log_kind, database_url, tmp_path, bootstrap))
        hub = stack.enter_context(open_hub(made.settings, runners=False))
        made.start("one")
        furnish(hub, 12)
        found = stack.enter_context(lms("moodle", "--learners", "60", "--courses", "8", "--seed", str(seed)))
        connect(hub, found)
        for _ in range(KILLS):
            _kill_in_run(made, "sync", "moodle", pause=rng.uniform(0, 0.5))
            found.say("step 60")
        accounting = Intake(hub).sync(COMPANY, "moodle", full=True)
        assert accounting.adds_up()
        assert wait_for(lambda: not settled(hub), 60)
        verdict = Verdict()
        account(hub, verdict)
        print(accounting.plain())
        tally(request.node, made.on_kafka, KILLS, verdict)
        assert verdict == Verdict()
        assert found.differences(made.url) == []


def _kill_in_run(made: Site, *arguments: str, pause: float = 0.0) -> None:
    """Start a command until it was killed in the middle of its run."""
    with psycopg.connect(made.url, autocommit=True) as connection:
        for _ in range(10):
            before = set(connection.execute(RUNNING).fetchall())
            process = subprocess.Popen(
                [sys.executable, "-c", "from hub.cli import main; main()", *arguments],
                env={**os.environ, **made.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while process.poll() is None and before.issuperset(connection.execute(RUNNING).fetchall()):
                time.sleep(0.005)
            time.sleep(pause)
            process.kill()
            if process.wait() < 0:
                return
            pause /= 2
    raise AssertionError(f"{arguments[0]} was never killed in the middle of its run")
