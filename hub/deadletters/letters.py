"""Open dead letters as the tables have them, chosen by id, by cause, or all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from hub.errors import Refused

Connections = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]

CAUSE = "left(md5(concat_ws(chr(31), d.kind, d.lms_integration_id, d.field, d.rule, d.expected)), 8)"
"""A short name for what is wrong: the same kind, integration, field, rule and expectation."""
LETTERS = f"""
SELECT d.id::text, d.kind, {CAUSE} AS cause, d.company_id::text AS company_id, d.lms_integration_id::text AS integration_id,
       i.lms_code AS code, d.topic, d.partition, d."offset", d.stream_id::text AS stream, h.kind AS stream_kind, d.field, d.rule,
       d.expected, d.message, d.record, d.record_size AS size, d.record_sha256 AS sha256, d.source_name, d.source_position,
       d.run_id::text, r.source_sha256, d.resolved_at IS NOT NULL AS resolved
FROM hub.dead_letter d
LEFT JOIN hub.lms_integration_config i ON i.id = d.lms_integration_id
LEFT JOIN hub.stream_head h ON h.stream_id = d.stream_id
LEFT JOIN hub.sync_run r ON r.id = d.run_id
"""
BY_ID = f"{LETTERS} WHERE d.id::text LIKE %s ORDER BY d.id LIMIT 2"
CHOSEN = f"""
{LETTERS} WHERE d.resolved_at IS NULL AND d.kind <> 'behind' AND (%(company)s::uuid IS NULL OR d.company_id = %(company)s)
  AND (%(cause)s::text IS NULL OR {CAUSE} = %(cause)s) AND (%(code)s::text IS NULL OR lower(i.lms_code) = lower(%(code)s))
ORDER BY d.recorded_at, d.topic, d.partition, d."offset", d.id
"""
DIGITS = frozenset("0123456789abcdef-")


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter."""

    id: str
    kind: str
    cause: str
    company_id: str | None
    integration_id: str | None
    code: str | None
    topic: str | None
    partition: int | None
    offset: int | None
    stream: str | None
    stream_kind: str | None
    field: str | None
    rule: str | None
    expected: str | None
    message: str | None
    record: bytes | None
    size: int | None
    sha256: bytes | None
    source_name: str | None
    source_position: str | None
    run_id: str | None
    source_sha256: str | None
    """SHA-256 of the file that its run read, hex."""
    resolved: bool

    @property
    def is_parked(self) -> bool:
        """A record of the log that cannot be folded, not input that was rejected."""
        return self.kind == "parked"

    @property
    def people(self) -> int:
        """How many people it tells of."""
        return int(self.stream_kind in ("enrollment", "account", "employee") or self.kind == "rejected")


def by_id(connections: Connections, start: str) -> Letter:
    """The letter whose id begins so. Raises Refused where there is none, or several."""
    start = start.lower()
    if not start or not set(start) <= DIGITS:
        raise unknown(start)
    with connections() as connection, connection.cursor(row_factory=class_row(Letter)) as cursor:
        found = cursor.execute(BY_ID, (start + "%",)).fetchall()
    if len(found) > 1:
        raise Refused(
            f"id: several begin with {start}; expected more of it", field="id", rule="unique", expected="more of it"
        )
    if not found:
        raise unknown(start)
    return found[0]


def chosen(
    connections: Connections, company_id: str | None = None, *, cause: str | None = None, code: str | None = None
) -> Sequence[Letter]:
    """The open letters of a cause or an integration (none: all), the oldest first. Raises Refused where a cause has none."""
    asked = {"company": company_id, "cause": cause, "code": code}
    with connections() as connection, connection.cursor(row_factory=class_row(Letter)) as cursor:
        found = cursor.execute(CHOSEN, asked).fetchall()
    if cause is not None and not found:
        raise Refused(
            f"cause: no open dead letter has the cause {cause}; expected one of `hub deadletters list`",
            field="cause", rule="exists", expected="a cause with open letters",
        )  # fmt: skip
    return found


def unknown(letter: str) -> Refused:
    """The error for an id that no letter has."""
    return Refused(
        f"id: no dead letter has the id {letter}; expected one of `hub deadletters list --each`",
        field="id", rule="exists", expected="a known id",
    )  # fmt: skip
