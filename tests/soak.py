"""A long run: ``python -m tests.soak --minutes 10`` has ``hub serve`` sync a Moodle and a Canvas of 20,000 enrollments each every
few seconds while people learn and both are killed, throttled and lying by turns; in the end the tables must equal both.

Prints one line a minute, and the seed with which all is done again but for the timing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random

import psycopg

from hub.bootstrap import Hub
from hub.errors import HubError
from hub.intake.service import Intake
from tests.support import services
from tests.support.living import Lms, connect, lms
from tests.support.site import COMPANY, Site, furnish, site

RUNS = """
SELECT c.lms_code, r.status, count(*), coalesce(sum(r.records_read), 0), coalesce(sum(r.changed), 0), coalesce(sum(r.dropped), 0)
FROM hub.sync_run r JOIN hub.lms_integration_config c ON c.id = r.lms_integration_id GROUP BY 1, 2 ORDER BY 1, 2
"""
MISCHIEF = (
    "kill",
    "throttle",
    "lie half_list",
    "lie empty_list",
    "lie error_in_200",
    "lie login_page",
    "lie half_body",
)

BAD_SECONDS, GOOD_SECONDS = 8.0, 17.0
"""How long a source misbehaves in one way, and how long it is well then."""


def main() -> int:
    """Run it; the status is 1 where the tables differ in the end."""
    given = _arguments()
    seed = given.seed if given.seed is not None else Random().randrange(10**6)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        server = stack.enter_context(services.postgres(folder / "pg"))
        databases = services.Databases(server.address)
        stack.callback(databases.close)
        made = stack.enter_context(site("postgresql", databases.create(None), folder, None))
        with made.open() as hub:
            furnish(hub, 12)
        given_people = ("--learners", str(given.enrollments // 4), "--courses", str(given.courses), "--seed", str(seed))
        systems = [
            stack.enter_context(lms(kind, *given_people, "--enrollments", str(given.enrollments), "--per-second", "5"))
            for kind in ("moodle", "canvas")
        ]
        return _live(made, systems, Random(seed), given.minutes * 60, folder)


def _live(made: Site, systems: list[Lms], rng: Random, seconds: float, folder: Path) -> int:
    with made.open() as hub:
        for one in systems:
            connect(
                hub, one, sync_frequency="Real-time", max_retry_attempts=2, timeout_seconds=20,
                connector_settings={"poll_seconds": 3, "probe_seconds": 5, "full_pass_hours": 1},
            )  # fmt: skip
            _settle(hub, one)
    made.start("server")
    began = time.monotonic()
    told = began
    while time.monotonic() - began < seconds:
        for one in systems:
            one.say(rng.choice(MISCHIEF))
        time.sleep(min(BAD_SECONDS, seconds / 10))
        for one in systems:
            one.say("well")
        time.sleep(min(GOOD_SECONDS, seconds / 10))
        if time.monotonic() - told >= 60:
            told = time.monotonic()
            _tell(made, f"{told - began:.0f} s")
    for one in systems:
        one.say("well")
        one.say("stop")
    made.stop()
    with made.open() as hub:
        for one in systems:
            _settle(hub, one)
    _tell(made, "the end")
    differences = [text for one in systems for text in one.differences(made.url)]
    print(f"{len(differences)} differences", *differences[:20], sep="\n", flush=True)
    return 1 if differences else 0


def _settle(hub: Hub, one: Lms) -> None:
    """Read everything, from a source that is well."""
    try:
        accounting = Intake(hub).sync(COMPANY, one.kind, full=True)
    except HubError as problem:
        sys.exit(f"{one.kind}: {problem}")
    print(f"{one.kind}: {accounting.plain()}", flush=True)


def _tell(made: Site, when: str) -> None:
    with psycopg.connect(made.url) as connection:
        rows = connection.execute(RUNS).fetchall()
    print(
        when,
        *(
            f"{code} {status}: {runs} runs, {read} read, {changed} changed, {dropped} dropped"
            for code, status, runs, read, changed, dropped in rows
        ),
        sep="\n  ",
        flush=True,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--enrollments", type=int, default=20_000)
    parser.add_argument("--courses", type=int, default=100)
    parser.add_argument(
        "--seed", type=int, default=int(os.environ["HUB_TEST_SEED"]) if "HUB_TEST_SEED" in os.environ else None
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
