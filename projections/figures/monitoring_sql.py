"""What monitoring reads: integrations, their runs, the events of their connection, acts of people and rejected records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from hub.domain.units import moment
from projections.figures.connection import Moment, Standing

_INTEGRATIONS = """
SELECT c.id::text, c.lms_code, c.is_active, c.connection_status, c.sync_frequency, c.compliance_settings,
       (extract(epoch FROM c.created_at) * 1000000)::bigint, (c.fold_state->>'failing_since')::bigint,
       EXISTS (SELECT FROM hub.sync_run r WHERE r.lms_integration_id = c.id AND r.started_at < %(story)s)
FROM hub.lms_integration_config c WHERE c.company_id = %(company)s ORDER BY c.id
"""
_RUNS = """
SELECT r.id::text, r.lms_integration_id::text, r.kind, r.status, r.trigger, r.held IS NOT NULL,
       (extract(epoch FROM r.started_at) * 1000000)::bigint, (extract(epoch FROM r.ended_at) * 1000000)::bigint,
       r.rejected, r.failure, r.requests, r.samples, (extract(epoch FROM r.updated_at) * 1000000)::bigint,
       (extract(epoch FROM r.failing_since) * 1000000)::bigint, coalesce(r.credentials_refused, false)
FROM hub.sync_run r
WHERE r.lms_integration_id = ANY(%(integrations)s::uuid[])
  AND (r.started_at >= %(earlier)s OR r.ended_at >= %(earlier)s) AND r.started_at < %(end)s
ORDER BY r.started_at, r.id
"""
_MOMENTS = """
SELECT a.lms_integration_id::text, (extract(epoch FROM a.timestamp) * 1000000)::bigint,
       (extract(epoch FROM (a.additional_context->>'occurred_at')::timestamptz) * 1000000)::bigint,
       a.additional_context->>'event_type', a.additional_context->'transitions', a.field_changes->'connection_status',
       a.field_changes->'is_active', a.additional_context->>'actor', a.additional_context->>'correlation_id'
FROM hub.lms_audit_trail a
WHERE a.company_id = %(company)s AND a.entity_type = 'LMS Config' AND a.timestamp >= %(story)s
  AND a.lms_integration_id IS NOT NULL
  AND (a.field_changes ?| ARRAY['connection_status', 'is_active']
       OR EXISTS (SELECT FROM jsonb_array_elements_text(a.additional_context->'transitions') AS t
                  WHERE t LIKE 'connection.%%' OR t LIKE 'breaker.%%' OR t LIKE 'source.%%'))
ORDER BY a.timestamp, (a.additional_context->>'version')::integer
"""
_ACTS = """
SELECT a.lms_integration_id::text, (extract(epoch FROM a.timestamp) * 1000000)::bigint
FROM hub.lms_audit_trail a
WHERE a.company_id = %(company)s AND a.timestamp >= %(start)s AND a.timestamp < %(end)s
  AND a.lms_integration_id IS NOT NULL
  AND a.additional_context->>'event_type' IN ('lms.account.linked.v1', 'lms.account.unlinked.v1',
      'lms.enrollment.corrected.v1', 'lms.enrollment.retracted.v1', 'lms.deadletter.replayed.v1', 'lms.deadletter.discarded.v1')
  AND (a.additional_context->>'actor' = 'system/cli' OR a.additional_context->>'actor' LIKE ANY (ARRAY['user/%%', 'employee/%%']))
"""
_ROLLBACKS = """
SELECT a.lms_integration_id::text, (extract(epoch FROM a.timestamp) * 1000000)::bigint
FROM hub.lms_audit_trail a
WHERE a.company_id = %(company)s AND a.entity_type = 'LMS Config' AND a.timestamp >= %(start)s AND a.timestamp < %(end)s
  AND a.lms_integration_id IS NOT NULL AND a.field_changes ? 'field_mappings'
  AND EXISTS (SELECT FROM hub.lms_audit_trail b WHERE b.entity_id = a.entity_id AND b.entity_type = 'LMS Config'
              AND b.timestamp < a.timestamp AND b.field_changes->'field_mappings'->0 = a.field_changes->'field_mappings'->1)
"""
_LETTERS = """
SELECT d.lms_integration_id::text, (extract(epoch FROM d.recorded_at) * 1000000)::bigint
FROM hub.dead_letter d
WHERE d.company_id = %(company)s AND d.kind = 'rejected' AND d.recorded_at >= %(start)s AND d.recorded_at < %(end)s
  AND d.lms_integration_id IS NOT NULL
"""

PEOPLE = ("user/", "employee/", "system/cli")
"""How the actor of what a person did begins; behind the command line is a person, too."""
CONTACTS = frozenset(f"lms.connection.{name}.v1" for name in ("lost", "restored", "tested", "checked"))
"""Events of a test or a probe that reached out to the LMS."""


@dataclass(frozen=True, slots=True)
class Integration:
    """One integration, and how it stands."""

    id: str
    code: str
    frequency: str | None
    settings: Mapping[str, Any] | None
    now: Standing


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. Times are microseconds; ``requests`` and ``samples`` as the run told them."""

    id: str
    integration_id: str
    kind: str | None
    status: str | None
    trigger: str | None
    was_held: bool
    started_at: int
    ended_at: int | None
    rejected: int | None
    failure: str | None
    requests: Mapping[str, Any] | None
    samples: Mapping[str, Any] | None
    updated_at: int
    failing_since: int | None = None
    """First failure of the series that the run is part of."""
    credentials_refused: bool = False


@dataclass(slots=True)
class Read:
    """All that monitoring needs of one company and stretch of time, by integration."""

    integrations: list[Integration]
    runs: dict[str, list[RunRow]]
    moments: dict[str, list[Moment]]
    acts: dict[str, list[int]]
    rollbacks: dict[str, list[int]]
    letters: dict[str, list[int]]


def read(connection: psycopg.Connection[Any], company_id: str, start: int, end: int, *, runs: int, story: int) -> Read:
    """Read what happened from ``start`` to ``end``; runs since ``runs``, and of the connection all from ``story`` up to now,
    since what came after tells what was so."""
    given: dict[str, Any] = {
        "company": company_id,
        "start": moment(start),
        "end": moment(end),
        "earlier": moment(runs),
        "story": moment(story),
    }
    integrations = [
        Integration(key, code, frequency, settings, Standing(status, bool(active), failing, created, ran))
        for key, code, active, status, frequency, settings, created, failing, ran in connection.execute(
            _INTEGRATIONS, given
        )
    ]
    given["integrations"] = [one.id for one in integrations]
    by_integration: dict[str, list[RunRow]] = {}
    for row in connection.execute(_RUNS, given):
        by_integration.setdefault(row[1], []).append(RunRow(*row))
    failing = {run.id: run.failing_since for of in by_integration.values() for run in of}
    moments: dict[str, list[Moment]] = {}
    for row in connection.execute(_MOMENTS, given):
        moments.setdefault(row[0], []).append(_moment(row[1:], failing))
    return Read(
        integrations,
        by_integration,
        moments,
        _times(connection, _ACTS, given),
        _times(connection, _ROLLBACKS, given),
        _times(connection, _LETTERS, given),
    )


def _moment(row: Sequence[Any], failing: Mapping[str, int | None]) -> Moment:
    at, occurred, kind, transitions, status, active, actor, run_id = row
    began = occurred
    if kind == "lms.sync.failed.v1":
        began = failing.get(run_id or "") or at
    person = (actor or "").startswith(PEOPLE)
    return Moment(
        at,
        frozenset(transitions or ()),
        began,
        None if status is None else (status[0], status[1]),
        None if active is None else (active[0], active[1]),
        person,
        kind in CONTACTS,
    )


def _times(connection: psycopg.Connection[Any], query: str, given: Mapping[str, Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for integration, at in connection.execute(query.encode(), given):
        found.setdefault(integration, []).append(at)
    return found
