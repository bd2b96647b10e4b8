"""A hub on Kafka for tests of the worker: worker processes, and imports that are the same whenever they are made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from connectors.contract import Item
from connectors.observe import Learner, Observer, Seen
from hub import settings, vault
from hub.bootstrap import Hub
from hub.directory.commands import company, upsert
from hub.domain import ids
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import to_text
from hub.identity.reactor import IdentityReactor
from hub.intake.publish import Publisher
from hub.intake.run import Accounting, Run, Source
from hub.integrations import commands as acts
from hub.vault import Keyring, PostgresKeyStore, load_master_key
from projections import migrations
from projections.queries import Queries

COMPANY = ids.company_id("ACME")
CONFIG = IntegrationConfig(ids.integration_id(COMPANY, "csv"), COMPANY, "csv", "CSV", "Corporate LMS", "File Upload")
MASTER_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
SEEN_AT = 1_704_067_200_000_000
"""2024-01-01, microseconds since 1970 UTC."""
EMPLOYEES = 5


def environment(home: Path, database_url: str, bootstrap: str, prefix: str, partitions: int = 3) -> dict[str, str]:
    """The settings of a hub as environment variables."""
    return {
        "HUB_HOME": str(home),
        "HUB_DATABASE_URL": database_url,
        "HUB_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "HUB_KAFKA_TOPIC_PREFIX": prefix,
        "HUB_MASTER_KEY": MASTER_KEY,
        "HUB_PARTITIONS": str(partitions),
    }


def items(keyring: Keyring, run_id: str, count: int) -> Iterator[Item]:
    """Source records: every third is a lesson, half of the others a completion; five people are employees."""
    observer = Observer(CONFIG, keyring, run_id=run_id, source_name="rows.csv", defer=True)
    for number in range(count):
        who = Learner(f"email:p{number}@x.org", email=f"p{number}@x.org", display_name=f"Person {number}")
        seen = Seen(SEEN_AT, position=f"line {number}")
        course = f"C{number % 7}"
        item = Item(f"line {number}")
        item.observations = [observer.course(course, seen, course_name=f"Course {course}"), observer.account(who, seen)]
        if number % 3 == 0:
            facts: dict[str, Any] = {"completed": True, "score": 800_000, "score_max": 1_000_000}
            facts["attempt"] = '{"number":1,"score":80}'
            item.observations.append(observer.lesson(who, course, "L1", facts, seen, course_name=f"Course {course}"))
        else:
            done = {"completed": True, "passed": True, "score": 850_000, "score_max": 1_000_000, "progress": 10_000}
            facts = done if number % 2 else {"progress": 4_000, "worked": True}
            item.observations.append(observer.enrollment(who, course, facts, seen))
        yield item


def prepare_keys(database_url: str, runs: dict[str, int]) -> None:
    """Tables, and the keys of everybody in these runs: copies of the database then seal the same text alike."""
    migrations.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        vault.create(connection)

    @contextmanager
    def connect() -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(database_url, autocommit=True) as connection:
            yield connection

    keyring = Keyring(PostgresKeyStore(connect), load_master_key(MASTER_KEY, Path("/nonexistent")))
    for run_id, count in runs.items():
        publisher = Publisher(CONFIG, run_id, "rows.csv", keyring, _no, _no, _no, _no)
        publisher.seal(list(items(keyring, run_id, count)))
    for number in range(EMPLOYEES):
        employee(keyring, number)


def _no(*_: Any) -> Any:
    raise AssertionError("nothing is published while keys are prepared")


def employee(keyring: Keyring, number: int) -> tuple[str, dict[str, Any]]:
    """An employee's id and facts."""
    who = keyring.pseudonym(COMPANY, "employee", f"E{number}")
    said = {"employee_number": f"E{number}", "given_name": f"Given {number}", "email": f"p{number}@x.org"}
    return who, {name: to_text(keyring.seal(who, text, COMPANY)) for name, text in said.items()}


def settle_company(hub: Hub) -> None:
    """A company with employees and an integration; needs a worker."""
    wishes = [company("ACME", "Acme")]
    for number in range(EMPLOYEES):
        who, facts = employee(hub.keyring, number)
        wishes.append(upsert("employee", who, COMPANY, facts))
    told = {"lms_code": "csv", "lms_name": "CSV", "lms_type": "Corporate LMS", "integration_method": "File Upload"}
    wishes.append(acts.add(COMPANY, told))
    for number, wish in enumerate(wishes):
        hub.commands.execute(replace(wish, id=ids.derived(COMPANY, "wish", str(number))))


def import_rows(hub: Hub, run_id: str, count: int) -> Accounting:
    """Import rows; needs a worker."""
    queries = Queries(hub.connection)
    around = hub.around
    publisher = Publisher(
        CONFIG, run_id, "rows.csv", hub.keyring, around.append, around.encode, around.clock, queries.known_dead_letters
    )
    reactor = IdentityReactor(hub.commands, queries.matchable_accounts, queries.stale_enrollments)
    run = Run(publisher, hub.commands, hub.watch, queries.run_outcomes, reactor.react, around.clock)
    return run.execute(Source("import", items(hub.keyring, run_id, count), "rows.csv"))


def load_settings(given: dict[str, str]) -> settings.Settings:
    """Settings from an environment."""
    return settings.load(given)


class Workers:
    """Worker processes; what is left at the end is killed."""

    def __init__(self, given: dict[str, str], folder: Path) -> None:
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")} | given
        self._folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._began: dict[str, int] = {}

    def start(self, slot: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the worker of a slot."""
        with (self._folder / f"worker-{slot}.log").open("ab") as log:
            self._began[slot] = log.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", "hub.worker", "--slot", slot, *arguments],
                env=self._environment, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.running[slot] = process
        return process

    def kill(self, slot: str) -> None:
        """SIGKILL."""
        process = self.running.pop(slot)
        process.kill()
        process.communicate()

    def log(self, slot: str) -> str:
        """What a slot's processes wrote on stderr."""
        return (self._folder / f"worker-{slot}.log").read_text()

    def has_begun(self, slot: str) -> bool:
        """Whether the process that was last started in a slot has taken over its partitions, to fold and to decide."""
        return self.log(slot)[self._began[slot] :].count('"partitions taken over"') >= 2

    def close(self) -> None:
        """Kill what is left."""
        for slot in list(self.running):
            self.kill(slot)
