"""How late runs begin where many integrations sync at once in one process: none starves.

Each is pulled again so many seconds after its last run ended; the delay is what passes beyond that until the next one has
begun, its event of the beginning folded.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hub.bootstrap import open_hub
from hub.directory.commands import company
from hub.domain import ids
from hub.scheduling.scheduler import AT_ONCE, Scheduler
from tests.bench import harness
from tests.support.fake_lms import installed

CODE = "SCHEDULE"
POLL_SECONDS = 5
SECONDS_OF_A_PULL = 0.2
"""So long each LMS takes to answer."""
LEARNERS = 20
AIM_MS = 1000 * POLL_SECONDS
"""A start that is later than this is one that another integration took away."""
DELAYS = """
SELECT extract(epoch FROM started_at - before) * 1000 - %s FROM (
    SELECT started_at, lag(ended_at) OVER (PARTITION BY lms_integration_id ORDER BY started_at) AS before
    FROM hub.sync_run WHERE company_id = %s) runs
WHERE before IS NOT NULL ORDER BY 1
"""


def figures(url: str, home: Path, integrations: int = 50, seconds: float = 30.0) -> Iterator[harness.Figure]:
    """p50 and p99 of the delay of a start, in milliseconds, and runs per second. ``url``: a database of its own."""
    company_id = ids.company_id(CODE)
    with pytest.MonkeyPatch.context() as patch, open_hub(harness.settings_of(home, url)) as hub:
        fakes = installed(patch)
        hub.commands.execute(company(CODE, "Schedule", time_zone="UTC"))
        settings = json.dumps({"poll_seconds": POLL_SECONDS})
        for number in range(integrations):
            lms = fakes.add(hub, company_id, f"lms{number}", sync_frequency="Real-time", connector_settings=settings)
            lms.enroll("A", LEARNERS)
            lms.on_pull = lambda: time.sleep(SECONDS_OF_A_PULL)
        scheduler = Scheduler(hub)
        scheduler.start()
        try:
            time.sleep(seconds)
        finally:
            scheduler.close()
    with psycopg.connect(url) as connection:
        delays = [float(row[0]) for row in connection.execute(DELAYS, (AIM_MS, company_id))]
    if not delays:
        raise TimeoutError("no integration was pulled twice")
    harness.note(f"{len(delays) + integrations} runs of {integrations} integrations, {AT_ONCE} at once")
    name = f"delay of a start, {integrations} integrations"
    yield harness.figure(f"{name}, p50", delays[len(delays) // 2], "ms", AIM_MS, "seconds between runs", less=True)
    p99 = delays[min(len(delays) - 1, len(delays) * 99 // 100)]
    yield harness.figure(f"{name}, p99", p99, "ms", AIM_MS, "seconds between runs", less=True)
    yield harness.figure("runs of a scheduler", (len(delays) + integrations) / seconds, "1/s")
