"""What is known of every integration that may be scheduled, read in one query."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from connectors import registry
from hub.domain.values import ConnectionStatus
from hub.errors import Refused
from hub.intake.comparing import IN_PLAY
from hub.intake.guard import loss_of
from hub.integrations.settings import Own, own
from hub.scheduling.plan import Standing

Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

ALL = """
SELECT c.id::text, c.company_id::text, c.lms_code, c.lms_type, c.integration_method, c.sync_frequency, c.sync_direction,
       c.connection_status, c.error_count, coalesce(p.time_zone, 'UTC') AS zone,
       c.fold_state->'connector_settings' AS settings, c.fold_state,
       (extract(epoch FROM b.changed_at) * 1000000)::bigint AS asked_at, r.held,
       CASE WHEN r.held IS NOT NULL THEN
           (SELECT count(*) FROM hub.lms_course_enrollment e
            WHERE e.lms_integration_id = c.id AND e.enrollment_status = ANY(%(play)s)) END AS existing,
       CASE WHEN r.held IS NOT NULL THEN
           (SELECT count(*) FROM hub.course k WHERE k.lms_integration_id = c.id AND k.retired_at IS NULL) END AS existing_courses
FROM hub.lms_integration_config c
JOIN hub.company p ON p.id = c.company_id
LEFT JOIN ops.request_budget b ON b.lms_integration_id = c.id
LEFT JOIN hub.sync_run r ON r.id = (c.fold_state->>'held_run')::uuid
WHERE c.is_active AND (%(id)s::uuid IS NULL OR c.id = %(id)s)
ORDER BY c.id
"""
RUNNING = """
SELECT DISTINCT c.company_id::text, c.lms_code, c.id::text FROM hub.sync_run r
JOIN hub.lms_integration_config c ON c.id = r.lms_integration_id WHERE r.status = 'running'
"""


def standings(connections: Connections, integration_id: str | None = None) -> tuple[list[Standing], list[str]]:
    """All active integrations that have a connector (or the one), and why others cannot be scheduled."""
    with connections() as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(ALL, {"play": list(IN_PLAY), "id": integration_id}).fetchall()
    found: list[Standing] = []
    problems: list[str] = []
    for row in rows:
        try:
            shows_gone = registry.shows_gone(row["lms_type"], row["integration_method"])
        except Refused:
            continue  # its files are imported
        try:
            found.append(_standing(row, shows_gone))
        except Refused as problem:
            problems.append(f"{row['lms_code']}: {problem}")
    return found, problems


def unended(connections: Connections) -> list[tuple[str, str, str]]:
    """Company, code and id of the integrations with a run that did not end so far."""
    with connections() as connection:
        return connection.execute(RUNNING).fetchall()


def _standing(row: Mapping[str, Any], shows_gone: bool) -> Standing:
    told = row["settings"]
    chosen = own((json.loads(told) if isinstance(told, str) else told) or {})
    state = row["fold_state"] or {}
    contacts = [at for at in (state.get("last_contact_at"), row["asked_at"]) if at is not None]
    return Standing(
        integration_id=row["id"],
        company_id=row["company_id"],
        code=row["lms_code"],
        zone=row["zone"],
        frequency=row["sync_frequency"],
        direction=row["sync_direction"],
        status=row["connection_status"] or ConnectionStatus.DISCONNECTED.value,
        error_count=row["error_count"] or 0,
        own=chosen,
        pulled_at=state.get("pulled_at"),
        full_pass_at=state.get("full_pass_at"),
        retry_at=state.get("retry_at"),
        contact_at=max(contacts, default=None),
        closed_at=state.get("last_contact_at"),
        is_held=row["held"] is not None and _would_be_held(row, chosen),
        is_stopped=state.get("stopped_at") is not None,
        shows_gone=shows_gone,
    )


def _would_be_held(row: Mapping[str, Any], chosen: Own) -> bool:
    """Whether what was held would be held by now, with what the hub has and the settings as they are."""
    loss = loss_of({**row["held"], "existing": row["existing"], "existing_courses": row["existing_courses"]})
    return loss.trips(chosen.guard_share_percent, chosen.guard_least)
