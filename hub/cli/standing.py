"""What ``hub status`` and ``hub projections status`` ask: how far log, folds and decisions are, and who is at work.

A runner is at work while its advisory lock is held; the database itself drops the lock when its process is gone. A server
that cannot get on says so in the text of its presence (``hub.serve``), which is gone with its connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from hub.domain.units import moment
from hub.intake.service import RUN_LOCK, run_key
from hub.integrations.settings import own
from hub.log import look
from hub.log.topics import TOPIC_NAMES
from hub.presence import SERVER, WORKER, failures_told
from hub.runners import DECIDE_LOCK, FOLD_LOCK
from projections import folds

if TYPE_CHECKING:
    import psycopg

    from hub.bootstrap import Hub

OBSERVATIONS = "lms.observations"
FOLDED = "SELECT topic, partition, next_offset, event_count, updated_at FROM hub.projection_offset"
DECIDED = "SELECT partition, next_offset FROM ops.decided_offset"
HELD = """
SELECT l.classid::bigint, l.objid::bigint, a.pid, a.application_name, a.backend_start
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
PRESENT = "SELECT pid, query, backend_start FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
DEAD = """
SELECT kind, count(*) FROM hub.dead_letter
WHERE resolved_at IS NULL AND (%(company)s::uuid IS NULL OR company_id = %(company)s) GROUP BY kind ORDER BY kind
"""
INTEGRATIONS = """
SELECT i.company_code, i.lms_code, i.lms_integration_id::text, i.connection_status, i.is_active, i.error_count, i.last_sync_at,
       i.last_successful_sync_at, r.run_id, r.kind AS run_kind, r.status AS last_run, r.started_at, r.failure,
       r.records_read AS read, r.changed, r.unchanged, r.unmatched, r.stored, r.rejected
FROM analytics.integrations i
LEFT JOIN LATERAL (
    SELECT * FROM analytics.sync_runs s WHERE s.lms_integration_id = i.lms_integration_id ORDER BY s.started_at DESC LIMIT 1
) r ON true
WHERE %(company)s::uuid IS NULL OR i.company_id = %(company)s ORDER BY 1, 2
"""
WAITING = """
SELECT c.lms_code, (c.fold_state->>'stopped_at')::bigint AS stopped_at, c.fold_state->'connector_settings' AS settings,
       (SELECT count(*) FROM hub.dead_letter d WHERE d.lms_integration_id = c.id AND d.resolved_at IS NULL) AS letters,
       r.id::text AS run_id, r.held, (extract(epoch FROM r.ended_at) * 1000000)::bigint AS held_at
FROM hub.lms_integration_config c LEFT JOIN hub.sync_run r ON r.id = (c.fold_state->>'held_run')::uuid AND r.held IS NOT NULL
WHERE (c.fold_state ? 'stopped_at' OR r.id IS NOT NULL) AND (%(company)s::uuid IS NULL OR c.company_id = %(company)s)
ORDER BY c.lms_code
"""


def topics(hub: Hub) -> list[dict[str, Any]]:
    """Per topic: records ever appended, folded, decided, and how many are behind; None where that is not done with it."""
    with hub.connection() as connection:
        folded: dict[str, int] = {}
        for topic, _, offset, _, _ in connection.execute(FOLDED).fetchall():
            folded[topic] = folded.get(topic, 0) + offset
        decided = sum(offset for _, offset in connection.execute(DECIDED).fetchall())
    found = []
    for one in look.stats(hub.log, TOPIC_NAMES):  # after the offsets, so that nothing ever seems ahead of the log
        end = sum(one.ends.values())
        reached = (
            decided if one.topic == OBSERVATIONS else folded.get(one.topic, 0) if one.topic in folds.BY_TOPIC else None
        )
        found.append({
            "topic": one.topic, "end": end,
            "folded": None if one.topic == OBSERVATIONS else reached,
            "decided": decided if one.topic == OBSERVATIONS else None,
            "behind": None if reached is None else end - reached,
        })  # fmt: skip
    return found


def partitions(hub: Hub) -> list[dict[str, Any]]:
    """Per folded topic and partition: the next offset to fold, the end of the log, and when it was last folded."""
    with hub.connection() as connection:
        rows = {(row[0], row[1]): row[2:] for row in connection.execute(FOLDED).fetchall()}
    found = []
    for one in look.stats(hub.log, tuple(folds.BY_TOPIC)):
        for number, end in one.ends.items():
            offset, count, moment = rows.get((one.topic, number), (0, 0, None))
            found.append({
                "topic": one.topic, "partition": number, "next_offset": offset, "end": end, "behind": end - offset,
                "events": count, "updated_at": moment,
            })  # fmt: skip
    return found


def runners(connection: psycopg.Connection[Any], *, on_kafka: bool) -> list[dict[str, Any]]:
    """Who serves, and who folds and decides: working, failing, or nobody."""
    servers = connection.execute(PRESENT, (SERVER,)).fetchall()
    failing = {text.partition(":")[0]: text for _, query, _ in servers for text in failures_told(query)}
    found = [_server(servers, failing)]
    if on_kafka:
        return [*found, _workers(connection.execute(PRESENT, (WORKER,)).fetchall())]
    held = connection.execute(HELD).fetchall()
    for name, lock in (("fold", FOLD_LOCK), ("decide", DECIDE_LOCK)):
        rows = {row[2]: row for row in held if row[0] == lock}
        if name in failing:
            state, detail = "failing", failing[name]
        elif rows:
            since = f"since {min(row[4] for row in rows.values()):%Y-%m-%d %H:%M:%S %Z}"
            state, detail = "working", f"database session {', '.join(map(str, sorted(rows)))} {since}"
        else:
            state, detail = "nobody", "a command that writes does it while it runs; `hub serve` does it all the time"
        found.append({"name": name, "state": state, "detail": detail})
    return found


def dead_letters(connection: psycopg.Connection[Any], company_id: str | None) -> list[dict[str, Any]]:
    """Open dead letters by kind."""
    return connection.cursor(row_factory=dict_row).execute(DEAD, {"company": company_id}).fetchall()


def integrations(connection: psycopg.Connection[Any], company_id: str | None) -> list[dict[str, Any]]:
    """Each integration with its connection and its last run. A run whose process is gone did not end: it was interrupted."""
    rows = connection.cursor(row_factory=dict_row).execute(INTEGRATIONS, {"company": company_id}).fetchall()
    held = {row[1] for row in connection.execute(HELD).fetchall() if row[0] == RUN_LOCK}
    for row in rows:
        if row["last_run"] == "running" and run_key(row["lms_integration_id"]) not in held:
            row["last_run"] = "interrupted"
    return rows


def waiting(connection: psycopg.Connection[Any], company_id: str | None) -> list[dict[str, Any]]:
    """What waits for a person: sources stopped by their dead letters, and runs held by the mass-change guard."""
    found = []
    for row in connection.cursor(row_factory=dict_row).execute(WAITING, {"company": company_id}).fetchall():
        if row["stopped_at"] is not None:
            found.append(_stopped(row))
        if row["run_id"] is not None:
            found.append(_held(row))
    return found


def _stopped(row: Mapping[str, Any]) -> dict[str, Any]:
    told = row["settings"]
    limit = own((json.loads(told) if isinstance(told, str) else told) or {}).dead_letter_limit
    code = row["lms_code"]
    return {
        "integration": code, "what": "stopped", "since": moment(row["stopped_at"]),
        "why": f"{row['letters']} dead letters are open, more than the {limit} of dead_letter_limit; no scheduled run begins",
        "do": f"hub deadletters list --integration {code}; replay or discard until there are fewer",
    }  # fmt: skip


def _held(row: Mapping[str, Any]) -> dict[str, Any]:
    code, held = row["lms_code"], row["held"]
    gone = f"{held['would_drop']} of {held['existing']} enrollments"
    if held["would_retire"]:
        gone += f" and {held['would_retire']} of {held['existing_courses']} courses"
    return {
        "integration": code, "what": "held", "since": moment(row["held_at"]),
        "why": f"the mass-change guard holds a full pass that would drop {gone}; nothing of it was taken in",
        "do": f"hub sync {code} --accept {row['run_id']}, if that is right; else mend the LMS and hub sync {code} --full",
    }  # fmt: skip


def _workers(workers: list[Any]) -> dict[str, str]:
    """On Kafka: all workers in one line, since each folds and decides whatever share the others leave it."""
    problems = sorted({text for _, query, _ in workers for text in failures_told(query)})
    if not workers:
        state, detail = "nobody", "no worker is there; `hub worker` folds and decides"
    elif problems:
        state, detail = "failing", "; ".join(problems)
    else:
        since = ", ".join(f"{row[2]:%Y-%m-%d %H:%M:%S %Z}" for row in workers)
        state, detail = "working", f"{len(workers)} of `hub worker`, since {since}"
    return {"name": "fold, decide", "state": state, "detail": detail}


def _server(servers: list[Any], failing: Mapping[str, str]) -> dict[str, str]:
    if not servers:
        return {
            "name": "serve",
            "state": "nobody",
            "detail": "nobody links people, syncs, or tells what time changes; `hub serve` does",
        }
    parts = [text for name, text in failing.items() if name not in ("fold", "decide")]
    if parts:
        return {"name": "serve", "state": "failing", "detail": "; ".join(parts)}
    since = ", ".join(f"{row[2]:%Y-%m-%d %H:%M:%S %Z}" for row in servers)
    return {"name": "serve", "state": "working", "detail": f"since {since}"}
