"""What the benches share: a real server with filled tables, copies of its database, CPU accounts and figures.

A figure stands beside its limit from the same run, since a machine's speed moves. CPU time is counted apart for this process,
for the database's server, and for everybody else, whose share says how far a run can be trusted.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import psutil
import psycopg

from connectors.observe import Observer
from hub import settings
from hub.bootstrap import Hub, open_hub
from hub.deciding.commands import Command
from hub.directory.commands import company, upsert
from hub.domain import ids
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import to_text
from hub.errors import HubError
from hub.identity.reactor import IdentityReactor
from hub.integrations import commands as acts
from hub.log import codec
from hub.log.port import Record
from projections.queries import Queries
from tests.bench.fill import fill
from tests.bench.generate import COURSES, LEARNERS, Generator, learner
from tests.support import services

COMPANY, LMS = "BENCH", "lms"
OBSERVATIONS = "lms.observations"


class Figure(TypedDict):
    """One line of ``bench.json``. ``ratio``: value by limit, or limit by value where less is better; more is better."""

    bench: str
    value: float
    unit: str
    limit: float | None
    limit_name: str
    ratio: float | None


def figure(
    bench: str, value: float, unit: str, limit: float | None = None, limit_name: str = "", *, less: bool = False
) -> Figure:
    """A figure beside its limit: another measurement of the same run, or an aim. ``less``: less is better."""
    ratio = None if not limit or not value else limit / value if less else value / limit
    return {
        "bench": bench,
        "value": _rounded(value),
        "unit": unit,
        "limit": None if limit is None else _rounded(limit),
        "limit_name": limit_name,
        "ratio": None if ratio is None else round(ratio, 2),
    }


def _rounded(value: float) -> float:
    return round(value) if abs(value) >= 100 else round(value, 2)


@dataclass
class Spent:
    """Seconds that a stretch of work took: wall, CPU of this process (and children that ended), of the server, of all others."""

    wall: float = 0.0
    own: float = 0.0
    server: float = 0.0
    others: float = 0.0

    def rate(self, count: int) -> float:
        """So many per second of wall time."""
        return count / self.wall

    def cpu(self, count: int) -> str:
        """The CPU time of each one, in words."""
        return f"{self.own / count * 1e6:.0f} µs here, {self.server / count * 1e6:.0f} µs in the server"

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.wall + other.wall, self.own + other.own, self.server + other.server, self.others + other.others
        )


@dataclass
class Meter:
    """Adds up what stretches of work take. ``paused`` leaves a stretch out."""

    server: psutil.Process | None
    spent: Spent = field(default_factory=Spent)
    hub: psutil.Process | None = None
    """A process of the hub that counts as this one does, with its own children."""
    _begun: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the block."""
        before = self._begun = self._now()
        try:
            yield
        finally:
            self.spent += self._since(before)

    def so_far(self) -> Spent:
        """What the running stretch has taken; children count once they have ended."""
        return self._since(self._begun)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the block out of the stretch around it."""
        before = self._now()
        try:
            yield
        finally:
            gone = self._since(before)
            self.spent += Spent(-gone.wall, -gone.own, -gone.server, -gone.others)

    def _now(self) -> tuple[float, float, float, float]:
        busy = psutil.cpu_times()
        all_busy = sum(busy) - busy.idle - getattr(busy, "iowait", 0.0) - getattr(busy, "guest", 0.0)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = time.process_time() + ended.ru_utime + ended.ru_stime + tree_cpu(self.hub)
        return time.perf_counter(), own, tree_cpu(self.server), all_busy

    def _since(self, before: tuple[float, float, float, float]) -> Spent:
        wall, own, server, busy = (now - then for now, then in zip(self._now(), before, strict=True))
        return Spent(wall, own, server, max(0.0, busy - own - server))


def tree_cpu(root: psutil.Process | None) -> float:
    """CPU of a process and all below it, those that have ended included."""
    if root is None:
        return 0.0
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            spent = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def trust(spent: Sequence[Spent]) -> str:
    """The share of the machine's CPU that others took meanwhile."""
    wall, others = sum(one.wall for one in spent), sum(one.others for one in spent)
    return f"others took {others / wall / (psutil.cpu_count() or 1):.0%} of the CPU"


def best_and_median(
    bench: str, rates: Sequence[float], unit: str, limits: Sequence[float] = (), limit_name: str = ""
) -> Iterator[Figure]:
    """Two figures of several rounds: the best, and the median, each beside the same of its limit."""
    for word, of in (("best", max), ("median", statistics.median)):
        yield figure(f"{bench}, {word}", of(rates), unit, of(limits) if limits else None, limit_name)


def note(text: str) -> None:
    """Say what is being done, or what stands behind a figure."""
    print(f"  {text}", flush=True)


@dataclass
class Bed:
    """A server with one prepared database that is never changed: benches run on copies of it."""

    home: Path
    databases: services.Databases
    server: psutil.Process | None
    template: str

    @contextmanager
    def hub(self, *, runners: bool = False) -> Iterator[Hub]:
        """A hub over a fresh copy, which making it has left in the server's memory; it is dropped afterwards."""
        with self.copy() as url, open_hub(settings_of(self.home, url), runners=runners) as hub:
            yield hub

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The URL of a fresh copy, which is dropped afterwards."""
        url = self.databases.create(self.template)
        try:
            yield url
        finally:
            self.databases.drop(url)

    def meter(self, hub: psutil.Process | None = None) -> Meter:
        """A meter that counts this server. ``hub``: a process beside this one that belongs to what is measured."""
        return Meter(self.server, hub=hub)

    @contextmanager
    def serving(self, url: str) -> Iterator[psutil.Process]:
        """``hub serve`` on a database, as it is by default: with its lanes."""
        given = {"HUB_HOME": str(self.home), "HUB_DATABASE_URL": url, "HUB_LOG_LEVEL": "warning"}
        command = [sys.executable, "-c", "from hub.cli import main; main()", "serve", "--port", "0"]
        root = Path(__file__).parents[2]
        with subprocess.Popen(
            command, env={**os.environ, **given}, cwd=root, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                if process.stdout is None or not process.stdout.readline():
                    raise ChildProcessError("the server did not start")
                yield psutil.Process(process.pid)
            finally:
                process.terminate()
                process.wait(60)

    @classmethod
    @contextmanager
    def open(cls, home: Path, rows: int) -> Iterator[Bed]:
        """A server of one's own, or the one of the tests' environment, with about ``rows`` enrollments."""
        with ExitStack() as stack:
            service = stack.enter_context(services.postgres(home))
            databases = services.Databases(service.address)
            stack.callback(databases.close)
            bed = cls(home, databases, _process_of(service.address), databases.create())
            note(f"PostgreSQL from {service.origin}")
            with open_hub(settings_of(home, bed.template)) as hub:
                populate(hub)
            fill(bed.template, rows)
            yield bed


def settings_of(home: Path, url: str) -> settings.Settings:
    """The settings of a hub of the benches."""
    return settings.load({"HUB_HOME": str(home), "HUB_DATABASE_URL": url})


def _process_of(url: str) -> psutil.Process | None:
    """The server's main process, where it runs on this machine."""
    with psycopg.connect(url) as connection:
        try:
            session = psutil.Process(connection.info.backend_pid)
        except psutil.NoSuchProcess:
            return None
        return session.parent() if session.name().startswith("postgres") else None


def config() -> IntegrationConfig:
    """The integration of the benches."""
    company_id = ids.company_id(COMPANY)
    return IntegrationConfig(
        ids.integration_id(company_id, LMS), company_id, LMS, "Bench", "Corporate LMS", "File Upload"
    )


def observer(hub: Hub, run_id: str | None = None) -> Observer:
    """Makes observations as a run does."""
    return Observer(config(), hub.keyring, run_id=run_id, source_name="bench")


def populate(hub: Hub, events: int = 2_000) -> None:
    """A company, its employees, an integration, its courses and its accounts, each by the way that it takes in life."""
    company_id = ids.company_id(COMPANY)
    _execute(hub, [company(COMPANY, "Bench")])
    hub.keyring.prepare(company_id, [employee(hub, number) for number in range(LEARNERS)])
    _execute(hub, [_hired(hub, number) for number in range(LEARNERS)])
    wanted = {"lms_code": LMS, "lms_name": "Bench", "lms_type": "Corporate LMS", "integration_method": "File Upload"}
    _execute(hub, [acts.add(company_id, wanted)])
    observe = observer(hub)
    hub.keyring.prepare(company_id, [observe.account_id(learner(number).native_id) for number in range(LEARNERS)])
    seen = Generator(observe).seen("set-up")
    told = [observe.course(f"course-{number}", seen, course_name=f"Course {number}") for number in range(COURSES)]
    told += [observe.account(learner(number), seen) for number in range(LEARNERS)]
    told += Generator(observe).take(events)
    publish(hub, told)
    queries = Queries(hub.connection)
    IdentityReactor(hub.commands, queries.matchable_accounts, queries.stale_enrollments).react()


def _hired(hub: Hub, number: int) -> Command:
    company_id, person = ids.company_id(COMPANY), learner(number)
    stream = employee(hub, number)
    told = {"given_name": "Given", "family_name": person.display_name, "email": person.email}
    wanted = {name: to_text(hub.keyring.seal(stream, str(text), company_id)) for name, text in told.items()}
    wanted["employee_number"] = to_text(hub.keyring.seal(stream, f"E{number}", company_id))
    return upsert("employee", stream, company_id, wanted)


def employee(hub: Hub, number: int) -> str:
    """The id of an employee."""
    return hub.keyring.pseudonym(ids.company_id(COMPANY), "employee", f"E{number}")


def _execute(hub: Hub, commands: Sequence[Command]) -> None:
    for answer in hub.commands.execute_all(commands):
        if isinstance(answer, HubError):
            raise answer


def publish(hub: Hub, told: Sequence[dict[str, Any]], *, wait: bool = True) -> dict[tuple[str, int], int]:
    """Append observations, and wait until they are decided; returns where they end."""
    wanted = append(hub, encoded(told))
    if wait and not hub.watch.wait(wanted, 300):
        raise TimeoutError(f"observations were not decided in time: {hub.failures()}")
    return wanted


def append(hub: Hub, records: Sequence[tuple[str, bytes]]) -> dict[tuple[str, int], int]:
    """Append observations a thousand at a time; returns where they end."""
    wanted: dict[tuple[str, int], int] = {}
    for start in range(0, len(records), 1000):
        for topic, partition, offset in hub.around.append(OBSERVATIONS, records[start : start + 1000]):
            wanted[topic, partition] = max(wanted.get((topic, partition), 0), offset + 1)
    return wanted


def encoded(told: Sequence[dict[str, Any]]) -> list[tuple[str, bytes]]:
    """Observations as records: key and value."""
    return [(f"{one['stream_kind']}/{one['stream_id']}", codec.encode(one)) for one in told]


def partitions(hub: Hub, topics: Sequence[str]) -> list[tuple[str, int]]:
    """All partitions of these topics."""
    return [(topic, number) for topic in topics for number in range(hub.log.partitions)]


def read_all(hub: Hub, at: dict[tuple[str, int], int], limit: int) -> Iterator[list[Record]]:
    """What the log holds from there on, in batches; ``at`` moves along."""
    while records := hub.log.read(at, limit):
        for record in records:
            at[record.topic, record.partition] = record.offset + 1
        yield records
