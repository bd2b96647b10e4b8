"""Sessions that fell silent in the middle of a write.

A process that is stopped (SIGSTOP, a frozen machine) or cut off while it writes leaves its rows locked for as long as the
database waits for it, which may be for ever: whoever has its partitions by then would wait with it. So what the hub
writes for its partitions bears a name and never pauses to think inside a transaction, and whoever takes partitions over
ends the sessions of that name that keep the database waiting. Nothing is lost: what they had not committed is taken
again by whoever has the partitions now.
"""

from __future__ import annotations

from typing import Any

import psycopg

from hub.logging import logger

NAME = "hub write"
"""Of sessions that write, as ``pg_stat_activity`` shows them."""
SILENT_SECONDS = 5
"""For so long a client says nothing in the middle of a write only where it is stopped or cut off."""
LOCK_SECONDS = 10
"""So long a write waits for a lock before it is given up and taken again, which ends who holds it where that one is silent."""

_MARK = f"SELECT set_config('application_name', '{NAME}', %s), set_config('lock_timeout', '{LOCK_SECONDS}s', %s)"
END = """
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
AND xact_start IS NOT NULL AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - make_interval(secs => %s)
"""

log = logger(__name__)


def mark_session(connection: psycopg.Connection[Any]) -> None:
    """All that this session (in autocommit) does from now on is such a write."""
    connection.execute(_MARK, (False, False))


def mark_transaction(connection: psycopg.Connection[Any]) -> None:
    """The transaction that is open is such a write."""
    connection.execute(_MARK, (True, True), prepare=True)


def end_silent(connection: psycopg.Connection[Any]) -> int:
    """End the sessions that fell silent in the middle of a write; returns how many."""
    ((ended,),) = connection.execute(END, (NAME, SILENT_SECONDS)).fetchall()
    if ended:
        log.warning("sessions ended that were silent in the middle of a write", sessions=ended)
    return int(ended)
