"""Reading an LMS: records per second mapped from a fake at no delay in a process of its own, and memory over many records.

Memory is looked at after every 5,000 records: what it grows by after the first fifth is what more records cost. What the
connector itself takes, without the requests, is measured by giving it the same answers once more from memory.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import orjson
import psutil

from connectors.contract import Connector, Pull
from connectors.observe import Observer
from connectors.testing.waiting import ClearSealer
from hub.domain.integration_config import IntegrationConfig
from tests.bench import harness
from tests.bench.bench_memory import MIB, child

LOOKS = 5_000


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of LMS. ``keep``: lets a connector keep what is answered, so that what was asked is not asked again."""

    name: str
    connector: Callable[[IntegrationConfig, Observer], Connector]
    path: str
    """What follows the address of the fake."""
    keep: Callable[[Connector], None]

    @property
    def kind(self) -> str:
        """As its modules are named."""
        return self.name.lower()

    def connect(self, url: str) -> Connector:
        """A connector that makes observations as a run does."""
        config = IntegrationConfig(
            "11111111-1111-5111-8111-111111111111", "22222222-2222-5222-8222-222222222222", self.kind, self.name, self.name,
            "API", authentication_type="API Key", credentials={"api_key": f"{self.kind}-secret-token"},
            rate_limit_per_hour=10**9,
        )  # fmt: skip
        config = replace(config, api_endpoint_url=url + self.path)
        return self.connector(config, Observer(config, ClearSealer(), run_id=config.id, defer=True))

    def work(self, url: str) -> None:
        """Read everything; prints [records, MiB, CPU seconds] after every so many records, and at the end."""
        with closing(self.connect(url)) as reader:
            process, read = psutil.Process(), 0
            began = time.process_time()
            for read in _pulled(reader):
                if read % LOOKS == 0:
                    _tell(read, process.memory_info().rss / MIB, time.process_time() - began)
            _tell(read, process.memory_info().rss / MIB, time.process_time() - began)

    def figures(self, module: str, enrollments: int, courses: int) -> Iterator[harness.Figure]:
        """The figures. ``module``: run with the address as its argument, it does :meth:`work`."""
        meter = harness.Meter(None)
        with _fake(self.kind, enrollments, courses) as url, meter.running():
            points = [orjson.loads(line) for line in child(module, url)]
        read, size, cpu = points[-1]
        early = next(size for done, size, _ in points if done >= read / 5)
        harness.note(
            f"{read} records of {enrollments} enrollments in {meter.spent.wall:.0f} s, {cpu / read * 1e6:.0f} µs of CPU each "
            f"with all requests; {harness.trust([meter.spent])}"
        )
        yield harness.figure(f"{self.name}, read and mapped", meter.spent.rate(read), "records/s", 3_000, "aim")
        with _fake(self.kind, enrollments // 6, courses // 4) as url:
            alone = self._alone(url)
        yield harness.figure(f"{self.name}, mapped by the connector itself", alone, "records/s", 3_000, "aim")
        peak = max(size for _, size, _ in points)
        yield harness.figure(f"{self.name}, memory over {read} records, peak", peak, "MiB")
        yield harness.figure(f"{self.name}, growth after the first fifth", size - early, "MiB")

    def _alone(self, url: str) -> float:
        """Records per second of CPU of the connector itself: the answers of one pull, given once more from memory."""
        with closing(self.connect(url)) as reader:
            self.keep(reader)
            sum(1 for _ in _pulled(reader))
            began = time.process_time()
            return sum(1 for _ in _pulled(reader)) / (time.process_time() - began)


@contextmanager
def _fake(kind: str, enrollments: int, courses: int) -> Iterator[str]:
    """The address of a fake in a process of its own."""
    learners = max(1, enrollments // 6)
    sizes = ["--learners", str(learners), "--courses", str(courses), "--enrollments", str(enrollments)]
    command = [sys.executable, "-m", f"connectors.testing.{kind}", *sizes]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(30)


def _pulled(reader: Connector) -> Iterator[int]:
    """The number of each record of a whole pull."""
    ask = Pull(None, now=lambda: int(time.time() * 1_000_000))
    return (number for number, _ in enumerate(reader.pull(ask), 1))


def _tell(*values: float) -> None:
    print(orjson.dumps(values).decode(), flush=True)
