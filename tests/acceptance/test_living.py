"""Moodle and Canvas live, die, throttle and lie while the hub reads them: in the end the tables say what the LMS says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from hub.errors import Refused, Retriable
from hub.intake.service import Intake
from tests.support.living import connect, lms
from tests.support.site import COMPANY, Site, furnish, site

ROUNDS = 8
MISCHIEF = (
    "kill",
    "throttle",
    "lie half_list",
    "lie empty_list",
    "lie error_in_200",
    "lie login_page",
    "lie half_body",
)


@pytest.fixture
def place(event_log_kind: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    with site(event_log_kind, database_url, tmp_path, bootstrap) as made:
        yield made


@pytest.mark.parametrize("kind", ["moodle", "canvas"])
def test_in_the_end_the_tables_equal_the_lms(place: Site, kind: str) -> None:
    """People learn; half of the syncs meet an LMS that is down, throttles, or tells half of a list with status 200."""
    seed = int(os.environ.get("HUB_TEST_SEED") or Random().randrange(10**6))
    print(f"HUB_TEST_SEED={seed}")
    rng = Random(seed)
    with ExitStack() as stack:
        hub = stack.enter_context(place.open())
        if place.on_kafka:
            place.start("worker-1")
        furnish(hub, 12)
        people = ("--learners", "60", "--courses", "8", "--seed", str(seed))
        found = stack.enter_context(lms(kind, *people))
        connect(hub, found, max_retry_attempts=1, timeout_seconds=5)
        intake = Intake(hub)
        read = 0
        for number in range(ROUNDS):
            found.say(rng.choice(MISCHIEF) if number % 2 else "well")
            try:
                accounting = intake.sync(COMPANY, kind, full=rng.random() < 0.5)
            except (Retriable, Refused):
                pass  # told as a failed run; the next sync goes on
            else:
                assert accounting.adds_up()
                read += accounting.read
            found.say("step 60")
        found.say("well")
        accounting = intake.sync(COMPANY, kind, full=True)
        assert accounting.adds_up()
        assert found.differences(place.url) == []
        assert read > 0
