"""What ``hub status`` and ``hub projections status`` ask: how far log, folds and decisions are, and who is at work.

A runner is at work while its advisory lock is held; the database itself drops the lock when its process is gone. A server
that cannot get on says so in the text of its presence (``hub.serve``), which is gone with its connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from hub.intake.service import RUN_LOCK, run_key
from hub.log import look
from hub.log.topics import TOPIC_NAMES
from hub.runners import DECIDE_LOCK, FOLD_LOCK
from hub.serve import PRESENCE, failures_told
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
    servers = connection.execute(PRESENT, (PRESENCE,)).fetchall()
    failing = {text.partition(":")[0]: text for _, query, _ in servers for text in failures_told(query)}
    found = [_server(servers, failing)]
    if on_kafka:
        detail = "each `hub worker` folds and decides its share; what is behind tells whether any does"
        return [*found, {"name": "fold, decide", "state": "not known here", "detail": detail}]
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
