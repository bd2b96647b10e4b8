"""Questions that the hub's own parts ask the tables. Every answer is of one company, or of one run or integration."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg
import psycopg.rows

from hub.domain import ids

Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

OUTCOMES = """
SELECT coalesce(sum(changed), 0)::bigint, coalesce(sum(unchanged), 0)::bigint, coalesce(sum(unmatched), 0)::bigint,
       coalesce(sum(stored), 0)::bigint, coalesce(sum(rejected), 0)::bigint
FROM ops.run_outcome WHERE run_id = %s
"""
STATEMENTS = """
SELECT statement_id::text, stream_id::text, encode(digest, 'hex'), voided_by::text
FROM hub.xapi_statement WHERE lms_integration_id = %s AND statement_id = ANY(%s::uuid[])
"""
STALE = """
SELECT DISTINCT a.id::text, e.fold_state->>'course_key', e.lms_integration_id::text, e.company_id::text
FROM hub.lms_course_enrollment e JOIN hub.lms_account a ON a.id = (e.fold_state->>'account_id')::uuid
WHERE e.employee_id IS DISTINCT FROM a.employee_id AND (a.id::text, e.fold_state->>'course_key') > (%s, %s)
ORDER BY 1, 2 LIMIT %s
"""
FREE = "SELECT stream_id::text, version FROM hub.stream_head WHERE stream_id = ANY(%s::uuid[]) AND NOT parked"
MATCHABLE = """
SELECT a.id::text, a.company_id::text, h.version,
       array(SELECT e.id::text FROM hub.employee e WHERE e.company_id = a.company_id AND lower(e.employee_number) = lower(a.hr_number)
             AND e.employment_status IS DISTINCT FROM 'Terminated'),
       array(SELECT e.id::text FROM hub.employee e WHERE e.company_id = a.company_id AND lower(e.custom_identifier) = lower(a.custom_identifier)
             AND e.employment_status IS DISTINCT FROM 'Terminated'),
       array(SELECT e.id::text FROM hub.employee e WHERE e.company_id = a.company_id AND lower(e.email) = lower(a.email)
             AND e.employment_status IS DISTINCT FROM 'Terminated'),
       array(SELECT e.id::text FROM hub.employee e WHERE e.company_id = a.company_id AND lower(e.login_name) = lower(a.login_name)
             AND e.employment_status IS DISTINCT FROM 'Terminated')
FROM hub.lms_account a JOIN hub.stream_head h ON h.stream_id = a.id
WHERE a.employee_id IS NULL AND a.match_problem IS DISTINCT FROM %s AND NOT h.parked
ORDER BY a.id
"""


@dataclass(frozen=True, slots=True)
class Stale:
    """An enrollment that says another employee than its account."""

    stream: str
    company_id: str
    account_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Matchable:
    """An account that nobody is linked to, with the employees whom each of its keys names."""

    account_id: str
    company_id: str
    version: int
    candidates: dict[str, list[str]]


CONFIG = """
SELECT c.id::text, c.lms_code, c.lms_name, c.lms_type, c.integration_method, c.api_endpoint_url, c.api_version,
       c.authentication_type, c.authentication_config, c.data_format, c.encoding_format, c.max_retry_attempts,
       c.timeout_seconds, c.rate_limit_per_hour, c.supported_course_types, c.field_mappings, c.validation_rules,
       c.transformation_rules, c.compliance_settings, c.is_active, c.fold_state->'connector_settings' AS connector_settings,
       (c.fold_state->>'watermark')::bigint AS watermark, p.time_zone
FROM hub.lms_integration_config c JOIN hub.company p ON p.id = c.company_id
WHERE c.company_id = %s AND lower(c.lms_code) = lower(%s)
"""


class Queries:
    """Asks on connections of a pool."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def run_outcomes(self, run_id: str) -> dict[str, int]:
        """What became of the counted observations of a run, so far."""
        with self._connections() as connection:
            row = connection.execute(OUTCOMES, (run_id,)).fetchone()
        names = ("changed", "unchanged", "unmatched", "stored", "rejected")
        return dict(zip(names, row or (0,) * 5, strict=True))

    def statements(
        self, integration_id: str, statement_ids: Collection[str]
    ) -> dict[str, tuple[str | None, str | None, str | None]]:
        """statement id → (stream, digest in hex, voided by), for those that are known."""
        with self._connections() as connection:
            found = connection.execute(STATEMENTS, (integration_id, list(statement_ids)))
            return {row[0]: (row[1], row[2], row[3]) for row in found}

    def known_dead_letters(self, dead_letter_ids: Collection[str]) -> set[str]:
        """Which of these dead letters need not be told again: they are open, or discarded for good."""
        with self._connections() as connection:
            query = "SELECT id::text FROM hub.dead_letter WHERE id = ANY(%s::uuid[]) AND resolution IS DISTINCT FROM 'replayed'"
            return {row[0] for row in connection.execute(query, (list(dead_letter_ids),))}

    def stale_enrollments(self, limit: int = 1000) -> list[Stale]:
        """Enrollments of which some cycle does not say the employee that its account says, at most ``limit``; those whose
        stream waits behind a parked record are left out."""
        found: list[Stale] = []
        after: tuple[str, str] = ("", "")
        with self._connections() as connection:
            while len(found) < limit:
                page = connection.execute(STALE, (*after, limit)).fetchall()
                streams = {ids.enrollment_stream(row[2], row[0], row[1]): row for row in page}
                free = connection.execute(FREE, (list(streams),)).fetchall()
                found += [Stale(stream, streams[stream][3], streams[stream][0], version) for stream, version in free]
                if len(page) < limit:
                    break
                after = (page[-1][0], page[-1][1])
        return found[:limit]

    def matchable_accounts(self, unlinked_by_hand: str) -> list[Matchable]:
        """Accounts linked to nobody that some employee's key names."""
        with self._connections() as connection:
            rows = connection.execute(MATCHABLE, (unlinked_by_hand,)).fetchall()
        names = ("hr_number", "custom_field", "email", "login")
        found = (Matchable(row[0], row[1], row[2], dict(zip(names, row[3:], strict=True))) for row in rows)
        return [one for one in found if any(one.candidates.values())]

    def config(self, company_id: str, code: str) -> dict[str, Any] | None:
        """The configuration row of an integration by its code, with the company's time zone; None where there is none."""
        with self._connections() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(CONFIG, (company_id, code)).fetchone()

    def companies(self) -> dict[str, str]:
        """Code → id of every company."""
        with self._connections() as connection:
            return {
                row[0]: row[1] for row in connection.execute("SELECT code, id::text FROM hub.company ORDER BY code")
            }
