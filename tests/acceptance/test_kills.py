"""Processes that fold and decide are killed with SIGKILL at random moments of an import: the tables are those of a quiet run."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from hub.bootstrap import open_hub
from hub.intake.service import Intake
from tests.support import equality, learning
from tests.support.site import COMPANY, Site, furnish, site

PEOPLE, COURSES = 60, 8
KILLS = 10
WHOLE = 0.5
"""The share of kills that hit a whole server; the others hit one of its lanes, which the server starts again."""
TABLES = ("company", "employee", "course", "lms_account", "lms_course_enrollment", "lms_learning_progress")
WITHOUT = equality.FROM_RECORDING | equality.FROM_OBSERVING


def take_in(made: Site, folder: Path, kills: int, rng: random.Random) -> dict[str, int]:
    """Import statements while the site's processes are killed and started again; returns the accounting."""
    path = folder / "statements.jsonl"
    learning.write_statements(path, PEOPLE, COURSES)
    told: list[dict[str, int]] = []
    failure: list[BaseException] = []
    with open_hub(made.settings, runners=False) as hub:
        slots = ["one", "two"] if made.on_kafka else ["one"]
        for slot in slots:
            made.start(slot)
        furnish(hub, PEOPLE)

        def run() -> None:
            try:
                told.append(Intake(hub).import_file(COMPANY, "lrs", str(path), {}).plain())
            except BaseException as problem:  # the test's own thread tells it
                failure.append(problem)

        thread = threading.Thread(target=run)
        thread.start()
        done = 0
        while done < kills:
            thread.join(rng.uniform(0.05, 1.5))
            slot = rng.choice(slots)
            if made.on_kafka or rng.random() < WHOLE or not made.kill_lane(slot, rng.choice):
                made.kill(slot)
                made.start(slot)
            done += 1
        thread.join(240)
        assert not thread.is_alive(), "the import did not end"
    if failure:
        raise failure[0]
    return told[0]


@pytest.mark.timeout(600)
def test_killed_processes_change_nothing(
    event_log_kind: str, make_database: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Ten kills of `hub serve` or of one of its lanes (PostgreSQL log), or of one of two workers (Kafka): equal rows, equal accounting."""
    seed = int(os.environ.get("HUB_TEST_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"seed {seed}")
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    accountings, urls = [], []
    for name, kills in (("quiet", 0), ("killed", KILLS)):
        folder = tmp_path / name
        folder.mkdir()
        url = make_database(None)
        with site("postgresql" if kills == 0 else event_log_kind, url, folder, bootstrap) as made:
            with open_hub(made.settings, runners=False):
                pass
            if urls:
                equality.copy_keys(urls[0], url)
            accountings.append(take_in(made, folder, kills, random.Random(seed)))
        urls.append(url)
    assert accountings[0] == accountings[1]
    assert equality.differences(urls[0], urls[1], TABLES, WITHOUT) == []
    trail = equality.rows(urls[1], "lms_audit_trail")
    heads = equality.rows(urls[1], "stream_head")
    assert sum(head["version"] for head in heads.values()) == len(trail)
