"""Reading a Moodle: records per second mapped from a fake at no delay in a process of its own, and memory over many records.

``python -m tests.bench.bench_moodle URL`` is the process that reads. Memory is looked at after every 5,000 records: what
it grows by after the first fifth is what more records cost. What the connector itself takes, without the requests, is
measured by giving it the same answers once more from memory.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import orjson
import psutil

from connectors.contract import Pull
from connectors.moodle.client import MoodleClient
from connectors.moodle.connector import MoodleConnector
from connectors.moodle.errors import MoodleError
from connectors.observe import Observer
from connectors.testing.waiting import ClearSealer
from hub.domain.integration_config import IntegrationConfig
from tests.bench import harness
from tests.bench.bench_memory import MIB, child

CONFIG = IntegrationConfig(
    "11111111-1111-5111-8111-111111111111", "22222222-2222-5222-8222-222222222222", "moodle", "Moodle", "Moodle", "API",
    authentication_type="API Key", credentials={"api_key": "moodle-secret-token"}, rate_limit_per_hour=10**9,
)  # fmt: skip
LOOKS = 5_000


@contextmanager
def moodle(enrollments: int, courses: int) -> Iterator[str]:
    """The address of a fake in a process of its own."""
    learners = max(1, enrollments // 6)
    sizes = ["--learners", str(learners), "--courses", str(courses), "--enrollments", str(enrollments)]
    command = [sys.executable, "-m", "connectors.testing.moodle", *sizes]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(30)


def connector(url: str) -> MoodleConnector:
    """A connector that makes observations as a run does."""
    config = replace(CONFIG, api_endpoint_url=url)
    return MoodleConnector(config, Observer(config, ClearSealer(), run_id=CONFIG.id, defer=True))


def pulled(reader: MoodleConnector) -> Iterator[int]:
    """The number of each record of a whole pull."""
    ask = Pull(None, now=lambda: int(time.time() * 1_000_000))
    return (number for number, _ in enumerate(reader.pull(ask), 1))


def work(url: str) -> None:
    """Read everything; prints [records, MiB, CPU seconds] after every so many records, and at the end."""
    with closing(connector(url)) as reader:
        process, read = psutil.Process(), 0
        began = time.process_time()
        for read in pulled(reader):
            if read % LOOKS == 0:
                _tell(read, process.memory_info().rss / MIB, time.process_time() - began)
        _tell(read, process.memory_info().rss / MIB, time.process_time() - began)


def _tell(*values: float) -> None:
    print(orjson.dumps(values).decode(), flush=True)


class Kept(MoodleClient):
    """Keeps what is answered; what was asked before is not asked again."""

    answers: dict[str, Any]

    def ask(self, function: str, shape: Any, **arguments: Any) -> Any:
        key = function + orjson.dumps(arguments).decode()
        if key not in self.answers:
            try:
                self.answers[key] = super().ask(function, shape, **arguments)
            except MoodleError as error:
                self.answers[key] = error
        found = self.answers[key]
        if isinstance(found, MoodleError):
            raise found
        return list(found) if isinstance(found, list) else found


def alone(url: str) -> float:
    """Records per second of CPU of the connector itself: the answers of one pull, given once more from memory."""
    with closing(connector(url)) as reader:
        reader._client.__class__ = Kept
        reader._client.answers = {}
        sum(1 for _ in pulled(reader))
        began = time.process_time()
        return sum(1 for _ in pulled(reader)) / (time.process_time() - began)


def figures(enrollments: int = 6_000, courses: int = 40) -> Iterator[harness.Figure]:
    """The figures; a record for each course, enrollment, activity of a learner and certificate (five to an enrollment)."""
    meter = harness.Meter(None)
    with moodle(enrollments, courses) as url, meter.running():
        points = [orjson.loads(line) for line in child("tests.bench.bench_moodle", url)]
    read, size, cpu = points[-1]
    early = next(size for done, size, _ in points if done >= read / 5)
    harness.note(
        f"{read} records of {enrollments} enrollments in {meter.spent.wall:.0f} s, {cpu / read * 1e6:.0f} µs of CPU each with "
        f"all requests; {harness.trust([meter.spent])}"
    )
    yield harness.figure("Moodle, read and mapped", meter.spent.rate(read), "records/s", 3_000, "aim")
    with moodle(enrollments // 6, courses // 4) as url:
        yield harness.figure("Moodle, mapped by the connector itself", alone(url), "records/s", 3_000, "aim")
    peak = max(size for _, size, _ in points)
    yield harness.figure(f"Moodle, memory over {read} records, peak", peak, "MiB")
    yield harness.figure("Moodle, growth after the first fifth", size - early, "MiB")


if __name__ == "__main__":
    work(sys.argv[1])
