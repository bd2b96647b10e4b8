"""rate_limit_per_hour across runs and processes: the level of the bucket lies in the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from connectors.http_limit import HOUR, RateLimit
from hub.intake.budget import LEASE_SECONDS, PgBucket
from projections import migrations

START = 1_770_000_000.0


@pytest.fixture
def pool(database_url: str) -> Iterator[ConnectionPool[psycopg.Connection[Any]]]:
    migrations.upgrade(database_url)
    with ConnectionPool(database_url, min_size=2, max_size=4, kwargs={"autocommit": True}) as pool:
        yield pool


def test_clients_share_the_hour(pool: ConnectionPool[psycopg.Connection[Any]]) -> None:
    """Four threads, as many processes would, ask as fast as they can for two and a half hours (of their clock)."""
    now, used, lock = [START], [], threading.Lock()
    integration, per_hour = str(uuid4()), 200

    def connection() -> AbstractContextManager[psycopg.Connection[Any]]:
        return pool.connection()

    def ask() -> None:
        limit = RateLimit(per_hour, PgBucket(connection, integration), lambda: now[0])
        while now[0] < START + 2.5 * HOUR:
            at = now[0]
            if limit.take():
                with lock:
                    now[0] += 7.0
            else:
                with lock:
                    used.append(at)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used.sort()
    most = max(sum(1 for one in used[first:] if one < at + HOUR) for first, at in enumerate(used))
    assert per_hour * 0.9 < most <= per_hour


def test_integrations_have_budgets_of_their_own(pool: ConnectionPool[psycopg.Connection[Any]]) -> None:
    """And a client that comes later finds what the one before it left, a lease at most."""
    first, second = str(uuid4()), str(uuid4())
    assert [_limit(pool, first).take() for _ in range(3)] == [0.0, 0.0, pytest.approx(HOUR / 19, rel=0.01)]
    assert _limit(pool, second).take() == 0.0
    with pool.connection() as connection:
        kept = connection.execute(
            "SELECT tokens::float8, extract(epoch FROM changed_at)::float8 FROM ops.request_budget"
        ).fetchall()
    assert sorted(kept) == [(0.0, START), (1.0, START)]


def _limit(pool: ConnectionPool[psycopg.Connection[Any]], integration: str) -> RateLimit:
    """A new client: 20 an hour, two at once."""
    assert LEASE_SECONDS * 20 / HOUR < 1, "its lease is one request"
    return RateLimit(20, PgBucket(pool.connection, integration), lambda: START)
