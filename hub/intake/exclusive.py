"""One run per integration at a time: an advisory lock of the database, which is free again when its process is gone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from hub.bootstrap import Hub
from hub.domain.integration_config import IntegrationConfig
from hub.domain.units import micros
from hub.errors import Refused
from hub.integrations import commands as acts
from hub.integrations.telling import tell

RUN_LOCK = 7_203
"""First key of the advisory lock that a run holds; the second is made of the integration's id."""
LOOK_SECONDS = 0.1
INTERRUPTED = "interrupted: the process that ran it ended"
RUNNING = "SELECT id::text, kind, started_at FROM hub.sync_run WHERE lms_integration_id = %s AND status = 'running'"


class RunUnderWay(Refused):
    """Another run of the integration is under way."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"integration: another run of {code} is under way; expected it to end first",
            field="integration", rule="one run at a time", expected="no run under way",
        )  # fmt: skip


@contextmanager
def exclusive(hub: Hub, config: IntegrationConfig, patience: float = 0.0) -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock, in a database session of one's own. Runs that ended without a word are told as failed first.

    ``patience``: so many seconds what is no run, such as the server's quiet look at a connection, is waited for.

    Raises RunUnderWay where another run is.
    """
    key = run_key(config.id)
    with hub.connect() as connection:
        until = time.monotonic() + patience
        while not _locked(connection, key):
            if time.monotonic() >= until or connection.execute(RUNNING, (config.id,)).fetchone():
                raise RunUnderWay(config.lms_code)
            time.sleep(LOOK_SECONDS)
        try:
            _tell_interrupted(hub, config, connection)
            yield connection
        finally:  # by word: the end of the session frees it only some time after the connection is closed
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock(%s, %s)", (RUN_LOCK, key))


def _locked(connection: psycopg.Connection[Any], key: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (RUN_LOCK, key)).fetchone()
    return row is not None and bool(row[0])


def run_key(integration_id: str) -> int:
    """The second key of the advisory lock that a run of this integration holds."""
    return int(hashlib.sha256(integration_id.encode()).hexdigest()[:7], 16)


def _tell_interrupted(hub: Hub, config: IntegrationConfig, connection: psycopg.Connection[Any]) -> None:
    for run_id, kind, started in connection.execute(RUNNING, (config.id,)).fetchall():
        told = {
            "kind": kind,
            "started_at": micros(started),
            "failure": INTERRUPTED,
            "unreachable": False,
            "credentials_refused": False,
        }
        tell(hub.commands, acts.sync_failed(config.company_id, config.id, run_id, told))
