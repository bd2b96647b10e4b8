"""All tables are rebuilt while commands and observations arrive, and while the rebuild is killed: equal, nobody fails or waits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.bootstrap import Hub, open_hub
from hub.directory.commands import company
from hub.rebuilding.service import Rebuilding
from projections.rebuild import pair
from tests.support import equality, learning
from tests.support.rebuilding import filled
from tests.support.site import CODE, COMPANY, Site

KILLS = 5
REBUILD = ("-c", "from hub.cli import main; main()", "projections", "rebuild", "--json")
READS = (
    "SELECT count(*) FROM analytics.enrollments",
    "SELECT count(*) FROM analytics.lesson_progress",
    "SELECT count(*) FROM hub.lms_audit_trail",
    "SELECT count(*) FROM hub.company c JOIN analytics.employees e ON e.company_code = c.code",
)
"""What readers ask again and again; none of these may ever go down, as it would where a reader met a half."""


@dataclass
class Traffic:
    """Writers and readers beside a rebuild, each in a thread of its own."""

    site: Site
    folder: Path
    stop: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    """How long each transaction of a writer took that touches the tables as a fold does."""
    commands: int = 0
    reads: int = 0
    imports: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Traffic:
        for work in (self._command, self._import, self._write, self._read):
            thread = threading.Thread(target=self._run, args=(work,))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(90)
        if self.failures:
            raise self.failures[0]

    def _run(self, work: Any) -> None:
        try:
            work()
        except BaseException as problem:  # the test's own thread tells it
            self.failures.append(problem)
            self.stop.set()

    def _command(self) -> None:
        with open_hub(self.site.settings, runners=False) as hub:
            while not self.stop.wait(0.02):
                hub.commands.execute(company(CODE, f"Name {self.commands}", time_zone="Europe/Berlin"))
                self.commands += 1

    def _import(self) -> None:
        from hub.intake.service import Intake

        with open_hub(self.site.settings, runners=False) as hub:
            while not self.stop.wait(0.2):
                path = self.folder / f"more{self.imports}.jsonl"
                learning.write_statements(path, 8, 4, seed=100 + self.imports)
                Intake(hub).import_file(COMPANY, "lrs", str(path), {})
                self.imports += 1

    def _write(self) -> None:
        """A writer of the tables that a fold writes, one prepared transaction after the other; it changes nothing."""
        with psycopg.connect(self.site.url) as connection:
            while not self.stop.wait(0.01):
                begun = time.monotonic()
                with connection.transaction():
                    connection.execute("UPDATE hub.stream_head SET version = version WHERE false", prepare=True)
                    connection.execute("UPDATE hub.employee SET site = site WHERE false", prepare=True)
                self.pauses.append(time.monotonic() - begun)

    def _read(self) -> None:
        seen = dict.fromkeys(READS, 0)
        with psycopg.connect(self.site.url, autocommit=True) as connection:
            while not self.stop.wait(0.005):
                for query in READS:
                    row = connection.execute(query, prepare=True).fetchone()
                    assert row is not None
                    assert row[0] >= seen[query], f"{query}: {row[0]} after {seen[query]}"
                    seen[query] = row[0]
                    self.reads += 1


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Site]:
    with filled(database_url, tmp_path) as made:
        made.start("server")
        yield made


@pytest.fixture
def either(event_log_kind: str, request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Site]:
    """The same on either log; on Kafka its worker folds and decides."""
    bootstrap = request.getfixturevalue("kafka_bootstrap") if event_log_kind == "kafka" else None
    with filled(database_url, tmp_path, event_log_kind, bootstrap) as made:
        if not made.on_kafka:
            made.start("server")
        yield made


def told(hub: Hub, traffic: Traffic, before: int, seconds: float) -> str:
    """The figures of a run in one line."""
    return (
        f"{(events(hub) - before) / seconds:.0f} events/s for {seconds:.0f} s, {traffic.commands} commands, {traffic.imports} imports, "
        f"{traffic.reads} reads, 0 failed, longest pause of a writer {max(traffic.pauses) * 1000:.0f} ms"
    )


def events(hub: Hub) -> int:
    """How many the log holds."""
    return sum(sum(hub.log.ends(topic).values()) for topic in ("lms.learning", "lms.directory", "lms.integration"))


def settled(hub: Hub) -> None:
    """Wait until all that is in the log is in the tables."""
    wanted = {
        (topic, part): end
        for topic in ("lms.learning", "lms.directory", "lms.operations", "lms.integration")
        for part, end in hub.log.ends(topic).items()
    }
    assert hub.watch.wait(wanted, 60)


@pytest.mark.timeout(300)
def test_a_rebuild_beside_live_traffic(either: Site, tmp_path: Path) -> None:
    """Commands, imports, readers and a writer go on through a rebuild and a rollback; afterwards the tables equal the log."""
    with open_hub(either.settings, runners=False) as hub:
        acts = Rebuilding(hub, lambda *_: None)
        begun, before = time.monotonic(), events(hub)
        with Traffic(either, tmp_path) as traffic:
            done = acts.rebuild()
            back = acts.rollback()
        seconds = time.monotonic() - begun
        settled(hub)
        print(told(hub, traffic, before, seconds))
        print("held", *(f"{one.held_seconds * 1000:.0f} ms after {one.attempts}" for one in (done, back)))
        assert not [row for one in done.results for row in one.differing]
        assert traffic.commands > 10
        assert traffic.imports > 0
        assert acts.drop_old() == ["hub_old"]
        assert not [row for one in acts.compare() for row in one.differing]


@pytest.mark.timeout(240)
def test_a_rebuild_that_is_killed_goes_on(place: Site, tmp_path: Path) -> None:
    """SIGKILL at five random moments, traffic going on: asked again it ends, the tables equal the log, nothing is left behind."""
    seed = int(os.environ.get("HUB_TEST_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"seed {seed}")
    rng = random.Random(seed)
    killed = 0
    with open_hub(place.settings, runners=False) as hub, Traffic(place, tmp_path) as traffic:
        while killed < KILLS:
            process = rebuild(place)
            while not (begun := has(hub, pair.NEXT)) and process.poll() is None:
                traffic.stop.wait(0.05)
            if begun:
                traffic.stop.wait(rng.uniform(0.0, 2.0))
            process.send_signal(signal.SIGKILL)
            killed += process.wait(30) == -signal.SIGKILL
            if has(hub, pair.OLD):
                Rebuilding(hub, lambda *_: None).drop_old()
        assert rebuild(place).wait(120) == 0
    with open_hub(place.settings, runners=False) as hub:
        settled(hub)
        assert has(hub, pair.OLD)
        Rebuilding(hub, lambda *_: None).drop_old()
        assert not [row for one in Rebuilding(hub, lambda *_: None).compare() for row in one.differing]
        with hub.connection() as connection:
            left = connection.execute("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'hub%'").fetchall()
            unchecked = connection.execute("SELECT count(*) FROM pg_constraint WHERE NOT convalidated").fetchone()
        assert left == [("hub",)]
        assert unchecked == (0,)
        trail, heads = (equality.rows(place.url, name) for name in ("lms_audit_trail", "stream_head"))
        assert sum(head["version"] for head in heads.values()) == len(trail)
        print(f"longest pause of a writer {max(traffic.pauses) * 1000:.0f} ms, {traffic.reads} reads")


def rebuild(place: Site) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, *REBUILD],
        env={**os.environ, **place.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def has(hub: Hub, schema: str) -> bool:
    """Whether there is a second set of tables: one that is being built, or the one before a swap."""
    with hub.connection() as connection:
        return pair.exists(connection, schema)
