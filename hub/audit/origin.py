"""Where an event came from: its place in the log, the seal over it, the observation or command, the run and its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from hub.errors import Refused
from hub.log.port import EventLog

ONE = """
SELECT t.id::text AS event_id, t.timestamp AS recorded_at, t.additional_context AS context
FROM hub.lms_audit_trail t WHERE t.id = %s
"""
RUN = """
SELECT r.id::text AS run_id, r.kind, r.status, r.trigger, r.started_at, r.ended_at, r.scope, r.records_read, r.source_name,
       r.source_sha256, i.lms_code
FROM hub.sync_run r LEFT JOIN hub.lms_integration_config i ON i.id = r.lms_integration_id WHERE r.id::text = %s
"""
SEAL = """
SELECT number, sealed_at, key_id, records FROM ops.chain_seal
WHERE topic = %s AND partition = %s AND records > %s AND kind = 'seal' ORDER BY records, number LIMIT 1
"""
OBSERVED = (
    "type", "observed_at", "source_time", "source_name", "source_position", "native_id", "payload_sha256", "run_id", "backfill",
)  # fmt: skip
GONE = "no longer in the log: observations are kept for 30 days"

Natural = Callable[[bytes], dict[str, Any]]
"""Decodes a record to what a person reads."""


def origin(connection: psycopg.Connection[Any], log: EventLog, event_id: str, natural: Natural) -> dict[str, Any]:
    """Everything that leads from an event back to its source; what is not there is left out.

    Raises Refused where no event has this id.
    """
    try:
        row = connection.cursor(row_factory=dict_row).execute(ONE, (event_id,)).fetchone()
    except psycopg.DataError:
        row = None
    if row is None:
        raise Refused(f"event: {event_id} is not known; expected the id of an event", field="event", rule="exists")
    context = row["context"]
    topic, partition, offset = context["topic"], context["partition"], context["offset"]
    told: dict[str, Any] = {
        "event_id": row["event_id"],
        "position": f"{topic}/{partition}/{offset}",
        "recorded_at": row["recorded_at"],
        "chain": context["chain"],
        "sealed": _seal(connection, topic, partition, offset),
        "event": _record(log, topic, partition, offset, natural),
    }
    cause = context.get("causation_id")
    parts = str(cause).rsplit("/", 2)
    if cause is not None and len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        observation = _record(log, parts[0], int(parts[1]), int(parts[2]), natural)
        kept = (
            {name: observation[name] for name in OBSERVED if observation.get(name) is not None} if observation else {}
        )
        told["observation"] = {"position": cause, **(kept or {"note": GONE})}
    elif cause is not None:
        told["command"] = cause
    run = connection.cursor(row_factory=dict_row).execute(RUN, (str(context.get("correlation_id")),)).fetchone()
    if run is not None:
        told["run"] = {name: value for name, value in run.items() if value is not None}
    return {name: value for name, value in told.items() if value is not None}


def _seal(connection: psycopg.Connection[Any], topic: str, partition: int, offset: int) -> dict[str, Any] | None:
    return connection.cursor(row_factory=dict_row).execute(SEAL, (topic, partition, offset)).fetchone()


def _record(log: EventLog, topic: str, partition: int, offset: int, natural: Natural) -> Mapping[str, Any] | None:
    """A record as a person reads it; None where it is no longer there."""
    if offset < log.begins(topic).get(partition, 0):
        return None
    found = log.read({(topic, partition): offset}, 1)
    return {name: value for name, value in natural(found[0].value).items() if value is not None} if found else None
