"""A whole hub on one kind of log, for acceptance tests: its settings, and the processes that fold and decide."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg

from hub import settings
from hub.bootstrap import Hub, open_hub
from hub.directory.commands import company, upsert
from hub.domain import ids
from hub.domain.sealing import to_text
from hub.integrations import commands as acts
from hub.settings import Settings
from tests.support import learning

CODE = "ACME"
COMPANY = ids.company_id(CODE)


@dataclass
class Site:
    """A hub's settings and its worker processes."""

    environment: dict[str, str]
    logs: Path
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings as every process of the site reads them."""
        return settings.load(self.environment)

    @property
    def url(self) -> str:
        """The database."""
        return self.environment["HUB_DATABASE_URL"]

    @property
    def on_kafka(self) -> bool:
        """Whether the log lies on Kafka."""
        return "HUB_KAFKA_BOOTSTRAP_SERVERS" in self.environment

    def open(self) -> contextmanager[Hub]:  # type: ignore[valid-type]
        """A hub in this process; on the PostgreSQL log it folds and decides, or stands by."""
        return open_hub(self.settings)

    def start(self, slot: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of the site; by default a worker (Kafka) or a server (PostgreSQL log)."""
        serve = ("-c", "from hub.cli import main; main()", "serve", "--port", "0")
        default = ("-m", "hub.worker", "--slot", slot) if self.on_kafka else serve
        log = (self.logs / f"{slot}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, *(command or default)],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        self.workers[slot] = process
        return process

    def kill(self, slot: str) -> None:
        """SIGKILL a process and wait for its end."""
        process = self.workers.pop(slot)
        process.send_signal(signal.SIGKILL)
        process.wait(30)

    def kill_lane(self, slot: str, choose: Callable[[list[psutil.Process]], psutil.Process]) -> bool:
        """SIGKILL one of the processes in which a server folds and decides; False where it has none at the moment."""
        try:
            keepers = psutil.Process(self.workers[slot].pid).children()
            lanes = [lane for keeper in keepers for lane in keeper.children()]
            if lanes:
                choose(lanes).kill()
        except psutil.NoSuchProcess:
            return False
        return bool(lanes)

    def stop(self) -> None:
        """End all processes of the site."""
        for process in self.workers.values():
            process.terminate()
        for slot, process in self.workers.items():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{slot} did not end within 30 s of SIGTERM") from None
        self.workers.clear()


@contextmanager
def site(kind: str, database_url: str, folder: Path, bootstrap: str | None) -> Iterator[Site]:
    """A site on a fresh database and, on Kafka, topics of its own."""
    environment = {
        "HUB_HOME": str(folder / "home"),
        "HUB_DATABASE_URL": database_url,
        "HUB_PARTITIONS": "4",
        "HUB_LANES": "2",
        "HUB_MASTER_KEY": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=",
        "HUB_LOG_LEVEL": "warning",
    }
    if kind == "kafka":
        if bootstrap is None:
            raise ValueError("a site on Kafka needs a broker")
        environment |= {"HUB_KAFKA_BOOTSTRAP_SERVERS": bootstrap, "HUB_KAFKA_TOPIC_PREFIX": f"t{uuid4().hex[:8]}."}
    made = Site(environment, folder)
    try:
        yield made
    finally:
        made.stop()


def furnish(hub: Hub, people: int) -> None:
    """A company, employees (five fewer than learners, so that some accounts are unmatched) and two integrations."""
    hub.commands.execute(company(CODE, "Acme", time_zone="Europe/Berlin"))
    staff = learning.learners(people - 5)
    streams = [hub.keyring.pseudonym(COMPANY, "employee", person["employee_number"]) for person in staff]
    hub.keyring.prepare(COMPANY, streams)
    answers = hub.commands.execute_all([
        upsert("employee", stream, COMPANY, {
            name: to_text(hub.keyring.seal(stream, value, COMPANY)) for name, value in person.items()
        }, effective_from=20_000)
        for stream, person in zip(streams, staff, strict=True)
    ])  # fmt: skip
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    if refused:
        raise refused[0]
    statements = {"lms_code": "lrs", "lms_name": "LRS", "lms_type": "xAPI Compatible", "data_format": "xAPI"}
    table = {"lms_code": "csv", "lms_name": "Table", "lms_type": "Corporate LMS"}
    for wanted in (statements, table):
        hub.commands.execute(acts.add(COMPANY, {**wanted, "integration_method": "File Upload"}))


def ends(hub: Hub) -> dict[str, int]:
    """Records per topic."""
    topics = ("lms.directory", "lms.integration", "lms.learning", "lms.statements", "lms.deadletter")
    return {topic: sum(hub.log.ends(topic).values()) for topic in topics}


def counts(url: str, query: str) -> int:
    """One number from a database."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0
