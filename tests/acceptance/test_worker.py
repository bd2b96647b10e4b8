"""Workers as processes, on a real broker and a real database: nothing lost, nothing twice, whoever is killed."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.bootstrap import Hub, open_hub
from hub.log.port import NewRecord
from tests.support import worker_scene as scene

pytestmark = pytest.mark.kafka

PATIENCE = 90.0
ROWS = 300
RUN = "6f0c6b1e-0000-4000-8000-000000000001"
SEED = 20260101
WHERE = frozenset({"additional_context"})
"""Columns that say where something lies in the log."""
LATER = re.compile(r"20(2[5-9]|[3-9]\d)-\d\d-\d\d[T ][0-9:.+Z]*")
"""The times of the test itself; what the source tells is of 2024."""
MOMENTS = re.compile(r'"(pulled_at|last_contact_at|full_pass_at|retry_at|failing_since)": (\[[^]]*\]|\d{16})')
"""Moments in ``fold_state`` of an integration, microseconds."""

Workers = scene.Workers


@contextmanager
def _hub(database_url: str, bootstrap: str, folder: Path) -> Iterator[tuple[Hub, Workers]]:
    """A hub with topics of its own, and its workers, none of them started."""
    given = scene.environment(folder, database_url, bootstrap, f"w{uuid.uuid4().hex[:8]}.")
    workers = Workers(given, folder)
    try:
        with open_hub(scene.load_settings(given), runners=False) as hub:
            yield hub, workers
    finally:
        workers.close()


def _until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def _value(hub: Hub, query: str, *parameters: Any) -> Any:
    with hub.connection() as connection:
        row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def _decided(hub: Hub) -> int:
    return int(_value(hub, "SELECT coalesce(sum(next_offset), 0) FROM ops.decided_offset"))


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Exit code and stdout."""
    told, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, told


def _tables(hub: Hub) -> dict[str, list[str]]:
    """Every row of every table that events give, without what says when and where."""
    found = {}
    with hub.connection() as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'hub' AND table_type = 'BASE TABLE' "
            "AND table_name NOT IN ('projection_offset', 'alembic_version', 'sync_run')"
        ).fetchall()
        for (name,) in names:
            rows = connection.execute(f'SELECT to_jsonb(t) FROM hub."{name}" t').fetchall()
            kept = [{key: value for key, value in row.items() if key not in WHERE} for (row,) in rows]
            found[name] = sorted(MOMENTS.sub("now", LATER.sub("now", json.dumps(row, sort_keys=True))) for row in kept)
    return found


def _differences(found: dict[str, list[str]], expected: dict[str, list[str]]) -> list[str]:
    """Rows that are in one only: a short list to read, where two dictionaries of rows would fill pages."""
    told = []
    for name in found.keys() | expected.keys():
        only = set(found.get(name, ())) ^ set(expected.get(name, ()))
        told += [f"{name}: {row}" for row in sorted(only)]
        if len(found.get(name, ())) != len(expected.get(name, ())):
            told.append(f"{name}: {len(found.get(name, ()))} rows, expected {len(expected.get(name, ()))}")
    return told


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(json.load(answer)["ready"])
    except (urllib.error.URLError, ConnectionError):
        return False


def test_one_worker_does_all_and_ends_in_order(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> None:
    """An import is decided and folded by a worker; SIGTERM ends it with code 0; stdout stays empty, logs are JSON."""
    with _hub(database_url, kafka_bootstrap, tmp_path) as (hub, workers):
        port = _free_port()
        process = workers.start("1", "--health-port", str(port))
        scene.settle_company(hub)
        accounting = scene.import_rows(hub, RUN, 60)
        assert accounting.adds_up()
        assert (accounting.changed, accounting.unmatched) == (scene.EMPLOYEES, 60 - scene.EMPLOYEES)
        _until(lambda: _ready(port))
        process.send_signal(signal.SIGTERM)
        assert _ended(process) == (0, b"")
        assert not _ready(port)
    for line in workers.log("1").splitlines():
        json.loads(line)


def test_kills_change_nothing(make_database: Callable[[str | None], str], kafka_bootstrap: str, tmp_path: Path) -> None:
    """Two workers, one of them killed three times and one ended in order while an import runs: the tables are those of a
    quiet run, every observation is counted once and every record is folded once."""
    template = make_database(None)
    scene.prepare_keys(template, {RUN: ROWS})
    with _hub(make_database(template), kafka_bootstrap, _folder(tmp_path, "quiet")) as (hub, workers):
        workers.start("1")
        scene.settle_company(hub)
        quiet = scene.import_rows(hub, RUN, ROWS), _tables(hub)
    with _hub(make_database(template), kafka_bootstrap, _folder(tmp_path, "noisy")) as (hub, workers):
        for slot in ("1", "2"):
            workers.start(slot)
        scene.settle_company(hub)
        done: list[Any] = []
        importing = threading.Thread(target=lambda: done.append(scene.import_rows(hub, RUN, ROWS)), daemon=True)
        importing.start()
        _disturb(hub, workers, importing)
        importing.join(PATIENCE)
        assert done == [quiet[0]]
        assert _differences(_tables(hub), quiet[1]) == []
        _counted_once(hub)


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def _is_past(hub: Hub, goal: float, importing: threading.Thread) -> bool:
    return _decided(hub) >= goal or not importing.is_alive()


def _disturb(hub: Hub, workers: Workers, importing: threading.Thread) -> None:
    """Kill and restart a worker whenever a random part of the import is decided."""
    chance = random.Random(SEED)
    begun = _decided(hub)
    for moment in sorted(chance.uniform(0, 0.9) for _ in range(3)):
        goal = begun + moment * 2 * ROWS
        _until(partial(_is_past, hub, goal, importing))
        slot = chance.choice(("1", "2"))
        workers.kill(slot)
        workers.start(slot)
    _end_in_order(workers, "1")
    workers.start("1")


def _end_in_order(workers: Workers, slot: str) -> None:
    """SIGTERM to a worker that has begun its work."""
    process = workers.running[slot]
    _until(lambda: workers.has_begun(slot))
    process.send_signal(signal.SIGTERM)
    assert _ended(process)[0] == 0


def _counted_once(hub: Hub) -> None:
    topics = ["lms.learning", "lms.directory", "lms.integration"]
    ends = sum(sum(hub.log.ends(topic).values()) for topic in topics)
    counts = "SELECT sum(event_count), sum(next_offset) FROM hub.projection_offset WHERE topic = ANY(%s)"
    with hub.connection() as connection:
        assert connection.execute(counts, (topics,)).fetchone() == (ends, ends)
    assert _decided(hub) == sum(hub.log.ends("lms.observations").values())
    outcomes = "SELECT sum(changed + unchanged + unmatched + stored + rejected) FROM ops.run_outcome"
    assert _value(hub, outcomes) == ROWS


def test_a_database_behind_its_log_is_folded_by_two_workers(
    database_url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    """All tables empty, the log full: references between partitions of two workers are waited for, crosswise too."""
    with _hub(database_url, kafka_bootstrap, tmp_path) as (hub, workers):
        workers.start("1")
        scene.settle_company(hub)
        scene.import_rows(hub, RUN, 90)
        before = _tables(hub)
        _end_in_order(workers, "1")
        with hub.connection() as connection:
            names = ", ".join(f'hub."{name}"' for name in before)
            connection.execute(f"TRUNCATE {names}, hub.sync_run, hub.projection_offset")
        for slot in ("1", "2"):
            workers.start(slot)
        _until(lambda: _tables(hub) == before)
        assert all(process.poll() is None for process in workers.running.values())


def test_a_poison_record_is_parked(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> None:
    """A record that is no event, in every partition of a topic, is parked; partitions and worker go on."""
    with _hub(database_url, kafka_bootstrap, tmp_path) as (hub, workers):
        workers.start("1")
        scene.settle_company(hub)
        for topic in ("lms.learning", "lms.observations"):
            for partition in range(hub.log.partitions):
                hub.log.append(topic, [NewRecord(b"enrollment/x", b"poison %d" % partition)], partition=partition)
        accounting = scene.import_rows(hub, RUN, 30)
        assert accounting.adds_up()
        kinds = "SELECT count(*) FROM hub.dead_letter WHERE kind = %s"
        _until(lambda: _value(hub, kinds, "rejected") == hub.log.partitions)
        assert _value(hub, kinds, "parked") == hub.log.partitions
        assert workers.running["1"].poll() is None


def test_offsets_of_another_log_are_refused(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> None:
    """A database that was folded further than this log goes ends the worker with code 1, and nothing is written."""
    with _hub(database_url, kafka_bootstrap, tmp_path) as (hub, workers):
        with hub.connection() as connection:
            connection.execute(
                "INSERT INTO hub.projection_offset (topic, partition, next_offset, chain, event_count, epoch) "
                "VALUES ('lms.learning', 1, 7, %s, 7, 0)",
                (bytes(32),),
            )
        assert _ended(workers.start("1"))[0] == 1
        assert "expected the log that this database was folded from" in workers.log("1")


def test_no_worker_on_the_postgresql_log(database_url: str, tmp_path: Path) -> None:
    """Without Kafka there is nothing for a worker to do: one sentence, code 1, no traceback."""
    given = scene.environment(tmp_path, database_url, "", "")
    workers = Workers(given, tmp_path)
    assert _ended(workers.start("1")) == (1, b"")
    assert workers.log("1").count("\n") == 1
    assert "'hub serve' folds and decides" in workers.log("1")


def test_the_worker_outlives_a_lost_connection(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> None:
    """The database ends every connection of the worker: it folds on over new ones."""
    with _hub(database_url, kafka_bootstrap, tmp_path) as (hub, workers):
        workers.start("1")
        scene.settle_company(hub)
        with psycopg.connect(database_url, autocommit=True) as other:
            mine = [connection.info.backend_pid for connection in _connections(hub)]
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND NOT pid = ANY(%s)",
                (mine,),
            )
        assert scene.import_rows(hub, RUN, 30).adds_up()
        assert workers.running["1"].poll() is None


def _connections(hub: Hub) -> Iterator[psycopg.Connection[Any]]:
    with hub.connection() as connection:
        yield connection
