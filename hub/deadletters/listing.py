"""Lists of dead letters as tables show them: by cause, one by one, and what became of those that are resolved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from hub.deadletters.letters import CAUSE, unknown
from hub.deciding.ports import Surroundings
from projections.auditvalues import differences
from projections.engine.resolver import Change
from projections.plain import names_of, personal_of
from projections.tables import TABLES

Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

WHERE = """
FROM hub.dead_letter d LEFT JOIN analytics.integrations i ON i.lms_integration_id = d.lms_integration_id
WHERE d.resolved_at IS NULL AND (%(company)s::uuid IS NULL OR d.company_id = %(company)s)
  AND (%(code)s::text IS NULL OR lower(i.lms_code) = lower(%(code)s))
"""
CAUSES = f"""
SELECT {CAUSE} AS cause, d.kind, i.lms_code, d.field, d.rule, d.expected, count(*) AS count, min(d.recorded_at) AS since,
       max(d.recorded_at) AS last_at, (array_agg(d.message ORDER BY d.recorded_at DESC, d.id))[1] AS message,
       (array_agg(d.id::text ORDER BY d.recorded_at DESC, d.id))[1] AS newest
{WHERE} GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY count DESC, 2, 3, 4, 5, 6, 1
"""
EACH = f"""
SELECT d.id::text AS id, {CAUSE} AS cause, d.kind, i.lms_code, d.field, d.rule, d.expected, d.message, d.source_name,
       d.source_position, d.recorded_at
{WHERE} ORDER BY d.recorded_at DESC, d.id LIMIT %(limit)s
"""
ONE = f"""
SELECT d.id::text AS id, d.kind, {CAUSE} AS cause, m.code AS company, i.lms_code AS integration, d.field, d.rule, d.expected,
       d.message, d.source_name, d.source_position, d.topic, d.partition, d."offset", d.stream_id::text AS stream_id,
       d.run_id::text AS run_id, d.recorded_at, d.resolved_at, d.resolution, d.record_size, d.record_sha256, d.record
FROM hub.dead_letter d LEFT JOIN hub.company m ON m.id = d.company_id
LEFT JOIN hub.lms_integration_config i ON i.id = d.lms_integration_id
WHERE d.id = %s
"""
RESOLVED = """
SELECT a.additional_context->>'topic' AS topic, (a.additional_context->>'partition')::int AS partition,
       (a.additional_context->>'offset')::bigint AS "offset", i.lms_code, a.timestamp AS resolved_at, d.source_name, d.source_position
FROM hub.lms_audit_trail a LEFT JOIN hub.dead_letter d ON d.id = a.entity_id
LEFT JOIN analytics.integrations i ON i.lms_integration_id = a.lms_integration_id
WHERE a.additional_context->>'event_type' IN ('lms.deadletter.replayed.v1', 'lms.deadletter.discarded.v1')
  AND a.entity_type = 'LMS Config' AND a.audit_type = 'Data Sync' AND a.action IN ('Sync', 'Delete')
  AND (%(company)s::uuid IS NULL OR a.company_id = %(company)s) AND (%(code)s::text IS NULL OR lower(i.lms_code) = lower(%(code)s))
ORDER BY a.timestamp DESC, a.id LIMIT %(limit)s
"""


def causes(connections: Connections, company_id: str | None, code: str | None) -> list[dict[str, Any]]:
    """Open letters, grouped by what is wrong: how many, since when, and the newest."""
    return _ask(connections, CAUSES, company_id, code)


def each(connections: Connections, company_id: str | None, code: str | None, limit: int) -> list[dict[str, Any]]:
    """Open letters, the newest first."""
    return _ask(connections, EACH, company_id, code, limit)


def one(connections: Connections, letter_id: str) -> dict[str, Any]:
    """All of one letter. Raises Refused where it was resolved meanwhile."""
    with connections() as connection:
        found = connection.cursor(row_factory=dict_row).execute(ONE, (letter_id,)).fetchone()
    if found is None:
        raise unknown(letter_id)
    return found


def resolved(
    connections: Connections, around: Surroundings, company_id: str | None, code: str | None, limit: int
) -> list[dict[str, Any]]:
    """What was replayed or discarded, the newest first, as its events tell it. A record of the log leaves the table when
    it is resolved, so the events are all there is."""
    rows = _ask(connections, RESOLVED, company_id, code, limit)
    return [_acted(row, around) for row in rows]


def difference(change: Change) -> list[dict[str, Any]]:
    """The columns that a change of a row touches, before and after; of personal ones only what is sealed."""
    table = TABLES[change.table]
    names = set(names_of(table)) - {"fold_state", "created_at", "updated_at"} - set(personal_of(table))
    before, after, _ = differences(table, change.before, names, change.after)
    told = sorted({**(before or {}), **(after or {})})
    return [{"column": name, "before": (before or {}).get(name), "after": (after or {}).get(name)} for name in told]


def _acted(row: dict[str, Any], around: Surroundings) -> dict[str, Any]:
    event = around.decode(around.read(row["topic"], row["partition"], row["offset"]))
    is_of_log = event["record_topic"] is not None
    return {
        "id": event["stream_id"],
        "kind": event["kind"],
        "lms_code": row["lms_code"],
        "source_name": event["record_topic"] if is_of_log else row["source_name"],
        "source_position": f"{event['record_partition']}/{event['record_offset']}"
        if is_of_log
        else row["source_position"],
        "message": event["message"],
        "resolution": event["type"].split(".")[2],
        "resolved_at": row["resolved_at"],
        "reason": event["reason"],
        "run_id": event["run_id"],
    }


def _ask(
    connections: Connections, query: str, company_id: str | None, code: str | None, limit: int | None = None
) -> list[dict[str, Any]]:
    asked = {"company": company_id, "code": code, "limit": limit}
    with connections() as connection:
        return connection.cursor(row_factory=dict_row).execute(query, asked).fetchall()
