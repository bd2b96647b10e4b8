"""Reading an LMS: records per second read, mapped and published from a fake at no delay in a process of its own, and memory.

What is read is published as a run does it, chunk by chunk: sealed, encoded and durable in the PostgreSQL log. Deciding and
folding take place elsewhere and are measured by other benches. Memory is looked at after every chunk: what it grows by after
the first fifth is what more records cost. What the connector itself takes, without the requests, is measured by giving it the
same answers once more from memory.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from uuid import uuid4

import orjson
import psutil

from connectors.contract import Connector, Item, Pull
from connectors.observe import Observer
from connectors.testing.waiting import ClearSealer
from hub.bootstrap import clock, open_hub
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import Sealer
from hub.intake.publish import Publisher
from hub.intake.run import CHUNK
from projections.queries import Queries
from tests.bench import harness
from tests.bench.bench_memory import MIB, child

IN_A_COURSE = 150
"""Enrollments of each course."""
ALONE = 6
"""The connector by itself is given so many times fewer records."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of LMS. ``keep``: lets a connector keep what is answered, so that what was asked is not asked again."""

    name: str
    connector: Callable[[IntegrationConfig, Observer], Connector]
    path: str
    """What follows the address of the fake."""
    per_enrollment: float
    """About so many records come of one enrollment."""
    keep: Callable[[Connector], None]

    @property
    def kind(self) -> str:
        """As its modules are named."""
        return self.name.lower()

    def config(self, url: str) -> IntegrationConfig:
        """The integration, which may ask as often as it likes."""
        return replace(
            harness.config(), lms_type=self.kind, integration_method="API", authentication_type="API Key",
            credentials={"api_key": f"{self.kind}-secret-token"}, rate_limit_per_hour=10**9, api_endpoint_url=url + self.path,
        )  # fmt: skip

    def connect(self, url: str, sealer: Sealer, run_id: str | None = None) -> Connector:
        """A connector that makes observations as a run does."""
        config = self.config(url)
        return self.connector(config, Observer(config, sealer, run_id=run_id, defer=True))

    def work(self, url: str, home: str, database: str) -> None:
        """Read and publish everything; prints [records, MiB, CPU seconds, seconds] after every chunk."""
        run_id = str(uuid4())
        with open_hub(harness.settings_of(Path(home), database), runners=False) as hub:
            known = Queries(hub.connection).known_dead_letters
            around = hub.around
            publisher = Publisher(
                self.config(url), run_id, self.name, hub.keyring, around.append, around.encode, clock, known
            )
            with closing(self.connect(url, hub.keyring, run_id)) as reader:
                process, read = psutil.Process(), 0
                began, spent = time.perf_counter(), time.process_time()
                items = _pulled(reader)
                while chunk := list(islice(items, CHUNK)):
                    _publish(publisher, chunk)
                    read += len(chunk)
                    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
                    size = process.memory_info().rss / MIB
                    print(orjson.dumps([read, size, cpu, seconds]).decode(), flush=True)

    def figures(self, bed: harness.Bed, module: str, records: int) -> Iterator[harness.Figure]:
        """The figures. ``module``: run with the address, the home and the database as its arguments, it does :meth:`work`."""
        meter = bed.meter()
        enrollments = int(records / self.per_enrollment)
        with _fake(self.kind, enrollments) as url, bed.copy() as database, meter.running():
            points = [orjson.loads(line) for line in child(module, url, str(bed.home), database)]
        read, size, cpu, seconds = points[-1]
        early = next(size for done, size, *_ in points if done >= read / 5)
        harness.note(
            f"{read} records of {enrollments} enrollments in {seconds:.0f} s, {cpu / read * 1e6:.0f} µs of CPU each with all "
            f"requests; {harness.trust([meter.spent])} (the fake is one of them)"
        )
        yield harness.figure(f"{self.name}, read, mapped and published", read / seconds, "records/s", 3_000, "aim")
        with _fake(self.kind, min(enrollments, 6_000) // ALONE) as url:
            alone = self._alone(url)
        yield harness.figure(f"{self.name}, mapped by the connector itself", alone, "records/s", 3_000, "aim")
        peak = max(size for _, size, *_ in points)
        yield harness.figure(f"{self.name}, memory over {read} records, peak", peak, "MiB")
        yield harness.figure(f"{self.name}, growth after the first fifth", size - early, "MiB")

    def _alone(self, url: str) -> float:
        """Records per second of CPU of the connector itself: the answers of one pull, given once more from memory."""
        with closing(self.connect(url, ClearSealer())) as reader:
            self.keep(reader)
            sum(1 for _ in _pulled(reader))
            began = time.process_time()
            return sum(1 for _ in _pulled(reader)) / (time.process_time() - began)


def _publish(publisher: Publisher, items: list[Item]) -> None:
    """As a run does, but for the waiting."""
    publisher.seal(items)
    publisher.rejected(items)
    publisher.raw(items)
    publisher.causes(items)
    publisher.effects(items)


@contextmanager
def _fake(kind: str, enrollments: int) -> Iterator[str]:
    """The address of a fake in a process of its own."""
    sizes = {
        "learners": max(1, enrollments // 6),
        "courses": max(1, enrollments // IN_A_COURSE),
        "enrollments": enrollments,
    }
    given = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    command = [sys.executable, "-m", f"connectors.testing.{kind}", *given]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(30)


def _pulled(reader: Connector) -> Iterator[Item]:
    """The records of a whole pull."""
    return reader.pull(Pull(None, now=clock))
