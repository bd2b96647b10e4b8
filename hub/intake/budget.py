"""``rate_limit_per_hour`` across runs and processes: the level of an integration's bucket lies in the database."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import psycopg

from connectors.http_limit import Level

LEASE_SECONDS: Final = 10.0
"""A client takes what it may use in this time at once, so that few of its requests write."""
MAKE = "INSERT INTO ops.request_budget (lms_integration_id, tokens, changed_at) VALUES (%s, 0, to_timestamp(0)) ON CONFLICT DO NOTHING"
LOOK = """
SELECT tokens::float8, extract(epoch FROM changed_at)::float8 FROM ops.request_budget
WHERE lms_integration_id = %s FOR UPDATE
"""
KEEP = "UPDATE ops.request_budget SET tokens = %s, changed_at = to_timestamp(%s) WHERE lms_integration_id = %s"


class PgBucket:
    """Implements :class:`connectors.http_limit.BucketStore`; its clock is the wall clock, seconds since 1970."""

    def __init__(
        self, connections: Callable[[], AbstractContextManager[psycopg.Connection[Any]]], integration_id: str
    ) -> None:
        self.lease_seconds = LEASE_SECONDS
        self._connections = connections
        self._integration_id = integration_id

    def update(self, change: Callable[[Level | None], Level]) -> None:
        """Change the level under the lock of its row."""
        with self._connections() as connection, connection.transaction():
            row = connection.execute(LOOK, (self._integration_id,)).fetchone()
            if row is None:
                connection.execute(MAKE, (self._integration_id,))
                row = connection.execute(LOOK, (self._integration_id,)).fetchone()
            level = None if row is None or row[1] == 0 else Level(row[0], row[1])
            changed = change(level)
            rounded = math.floor(changed.tokens * 1e6) / 1e6  # down: what is lost by rounding is never a request more
            connection.execute(KEEP, (rounded, changed.at, self._integration_id))
