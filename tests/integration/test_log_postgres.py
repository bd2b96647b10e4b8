"""The log on PostgreSQL: the contract, and what it does when the server goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from hub.errors import Refused
from hub.log.manage import PostgresTarget, check, init, open_log
from hub.log.port import EventLog, LogUnavailable, NewRecord, RecordsGone
from hub.log.postgres import PostgresLog
from tests.support.log_contract import (
    DEADLINE,
    PARTITIONS,
    TOPIC,
    DurableLogContract,
    FairLogContract,
    at_start,
    in_thread,
    key_in,
    read_all,
    until,
)

APPENDED = [NewRecord(b"enrollment/%d" % n, b"%d" % n) for n in range(10)]


@pytest.fixture
def opened(database_url: str) -> Iterator[Callable[[int], EventLog]]:
    """Makes the log once and opens it as often as asked; closes what was opened."""
    init(PostgresTarget(database_url), PARTITIONS)
    with ExitStack() as stack:

        def opened(partitions: int) -> EventLog:
            log = open_log(PostgresTarget(database_url), partitions)
            stack.callback(log.close)
            return log

        yield opened


@pytest.fixture
def log(opened: Callable[[int], EventLog]) -> EventLog:
    return opened(PARTITIONS)


class TestPostgresLog(DurableLogContract, FairLogContract):
    """The contract, on a real server."""


CONNECTIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hub log'"


def cut_connections(url: str) -> None:
    """What a restart of the server does to its clients; returns when the log has no connection left."""
    with psycopg.connect(url, autocommit=True) as connection:
        old = [pid for (pid,) in connection.execute(CONNECTIONS).fetchall()]
        assert old
        connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", (old,))
        until(lambda: not {pid for (pid,) in connection.execute(CONNECTIONS)} & set(old))


def test_a_wait_asks_the_server_nothing(log: EventLog, database_url: str) -> None:
    """No polling: while a thread waits, no connection of the log runs a statement."""
    assert not log.wait(at_start(), 0.05)
    query = "SELECT pid, query, query_start FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hub log'"
    with psycopg.connect(database_url, autocommit=True) as connection:
        until(lambda: any("log.head" in row[1] for row in connection.execute(query)))
        before = sorted(connection.execute(query).fetchall())
        assert not log.wait(at_start(), 0.5)
        assert sorted(connection.execute(query).fetchall()) == before


def test_appends_and_reads_go_on_after_the_server_came_back(log: EventLog, database_url: str) -> None:
    """A connection that the server ended while it was idle is noticed before anything is sent on it."""
    log.append(TOPIC, APPENDED)
    cut_connections(database_url)
    assert len(read_all(log)) == 10
    cut_connections(database_url)
    log.append(TOPIC, APPENDED)
    assert len(read_all(log)) == 20


def test_a_waiter_survives_the_servers_absence(log: EventLog, database_url: str) -> None:
    """What was appended while the listening connection was gone wakes it as well."""
    waiting = in_thread(lambda: log.wait(at_start(), 10 * DEADLINE))
    with psycopg.connect(database_url, autocommit=True) as connection:
        until(lambda: len(connection.execute(CONNECTIONS).fetchall()) == 2)
    cut_connections(database_url)
    log.append(TOPIC, [NewRecord(key_in(1), b"x")])
    assert waiting.wait(DEADLINE)


def test_an_append_that_fails_takes_no_offset(log: EventLog, database_url: str) -> None:
    """Nothing is stored and no hole is left when the server stops an append half way."""
    log.append(TOPIC, APPENDED)
    with psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE log.record IN ACCESS EXCLUSIVE MODE")
        failed: list[LogUnavailable] = []

        def append() -> None:
            try:
                log.append(TOPIC, APPENDED)
            except LogUnavailable as error:
                failed.append(error)

        done = in_thread(append)
        waiting = f"{CONNECTIONS} AND wait_event_type = 'Lock'"
        with psycopg.connect(database_url, autocommit=True) as connection:
            until(lambda: connection.execute(waiting).fetchone() is not None)
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) w")
        assert done.wait(DEADLINE)
    assert ["not known" in str(error) for error in failed] == [True]
    log.append(TOPIC, APPENDED)
    assert len(read_all(log)) == 20


def test_a_server_that_is_not_there(database_url: str) -> None:
    """Opening says so, and the check finds it."""
    nowhere = PostgresTarget("postgresql://localhost:1/none")
    with pytest.raises(LogUnavailable):
        open_log(nowhere, PARTITIONS)
    (finding,) = check(nowhere, PARTITIONS)
    assert not finding.ok


def test_making_a_log(database_url: str) -> None:
    """Refused before, made once, the same when repeated, never with another partition count."""
    target = PostgresTarget(database_url)
    with pytest.raises(Refused, match="hub log init"):
        open_log(target, PARTITIONS)
    assert [finding.ok for finding in check(target, PARTITIONS)] == [False]
    for partitions in (0, 257):
        with pytest.raises(Refused, match="from 1 to 256"):
            init(target, partitions)
    init(target, PARTITIONS)
    init(target, PARTITIONS)
    with pytest.raises(Refused, match="HUB_PARTITIONS is 4, but the log was made with 3 partitions"):
        init(target, 4)
    assert all(finding.ok for finding in check(target, PARTITIONS))
    assert [finding.name for finding in check(target, 4) if not finding.ok] == ["log partitions"]


def test_a_log_without_a_topic_is_refused_until_it_is_made(
    opened: Callable[[int], EventLog], database_url: str
) -> None:
    """As after an upgrade that declares a new topic."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DELETE FROM log.head USING log.topic WHERE topic.topic_id = head.topic_id AND name = 'lms.outcomes'"
        )
        connection.execute("DELETE FROM log.topic WHERE name = 'lms.outcomes'")
    with pytest.raises(Refused, match=r"lms\.outcomes; 'hub log init'"):
        opened(PARTITIONS)
    assert [finding.name for finding in check(PostgresTarget(database_url), PARTITIONS) if not finding.ok] == [
        "log topics"
    ]
    init(PostgresTarget(database_url), PARTITIONS)
    assert opened(PARTITIONS).ends("lms.outcomes") == dict.fromkeys(range(PARTITIONS), 0)


def test_observations_expire_and_facts_do_not(log: PostgresLog) -> None:
    """After 30 days, from the beginning, and what is left keeps its offsets."""
    for topic in ("lms.observations", TOPIC):
        log.append(topic, [NewRecord(key_in(0), b"%d" % n) for n in range(4)])
    now = datetime.now(UTC)
    assert log.expire(now + timedelta(days=29)) == 0
    assert log.expire(now + timedelta(days=31)) == 4
    assert log.expire(now + timedelta(days=31)) == 0
    assert log.begins("lms.observations")[0] == log.ends("lms.observations")[0] == 4
    assert len(read_all(log)) == 4
    with pytest.raises(RecordsGone):
        log.read({("lms.observations", 0): 0}, 1)


def test_commits_are_durable_whatever_the_role_says(opened: Callable[[int], EventLog], database_url: str) -> None:
    """A database set to answer before the disk did is overruled, since visible must mean durable."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        log = opened(PARTITIONS)
        connection.execute("CREATE TABLE seen (setting text)")
        connection.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$"
        )
        connection.execute("CREATE TRIGGER note AFTER INSERT ON log.record FOR EACH STATEMENT EXECUTE FUNCTION note()")
        log.append(TOPIC, APPENDED)
        assert connection.execute("SELECT setting FROM seen").fetchall() == [("on",)]
