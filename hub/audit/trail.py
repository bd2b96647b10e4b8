"""What the tables tell the verifier: present heads, heads after single events, erased people, and how far it was before.

Nothing here is taken as proof; it says which record is the bad one, after a seal or a head has said that there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import psycopg

from hub.audit.offline import Finding, Mark

HEADS = "SELECT topic, partition, event_count, next_offset, chain FROM hub.projection_offset"
TRAIL = """
SELECT (t.additional_context ->> 'offset')::bigint, t.additional_context ->> 'chain', t.id::text,
       t.additional_context ->> 'event_type'
FROM hub.lms_audit_trail t
WHERE t.additional_context ->> 'topic' = %(topic)s AND (t.additional_context ->> 'partition')::int = %(partition)s
  AND (t.additional_context ->> 'offset')::bigint >= %(start)s AND (t.additional_context ->> 'offset')::bigint < %(end)s
"""
ERASED = """
SELECT k.subject_id::text, k.destroyed_at, count(t.id)
FROM vault.data_key k LEFT JOIN hub.lms_audit_trail t ON t.enrollment_id IS NULL AND t.entity_id = k.subject_id
WHERE k.destroyed_at IS NOT NULL GROUP BY 1, 2 ORDER BY 2, 1
"""
VERIFIED = "SELECT topic, partition, seal_number FROM ops.chain_verified"
REMEMBER = """
INSERT INTO ops.chain_verified (topic, partition, seal_number, verified_at) VALUES (%s, %s, %s, now())
ON CONFLICT (topic, partition) DO UPDATE SET seal_number = excluded.seal_number, verified_at = excluded.verified_at
"""


class Told(NamedTuple):
    """One event as the audit trail tells of it."""

    head: bytes
    event_id: str
    event_type: str


class Trail:
    """The tables, over a connection of its own (autocommit), which the caller closes."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def heads(self) -> dict[tuple[str, int], Mark]:
        """The present head of every partition that is folded."""
        rows = self._connection.execute(HEADS).fetchall()
        return {(row[0], row[1]): Mark(row[2], bytes(row[4]), "the folding of the tables") for row in rows}

    def events(self, topic: str, partition: int, start: int, end: int) -> dict[int, Told]:
        """The events of a range of offsets; void, raw and parked records have no row in the trail. Reads the whole table."""
        asked = {"topic": topic, "partition": partition, "start": start, "end": end}
        rows = self._connection.execute(TRAIL, asked).fetchall()
        return {offset: Told(bytes.fromhex(head), event, kind) for offset, head, event, kind in rows}

    def erased(self) -> list[Finding]:
        """The people whose key was destroyed: their events lie in the log as they were, and open for nobody."""
        return [
            Finding(
                "erased",
                f"person {subject}",
                f"the key was destroyed on {when:%Y-%m-%d}; {count} events lie there closed",
            )
            for subject, when, count in self._connection.execute(ERASED)
        ]

    def verified(self) -> dict[tuple[str, int], int]:
        """The seal up to which each partition was verified before."""
        return {(topic, partition): number for topic, partition, number in self._connection.execute(VERIFIED)}

    def remember(self, verified: Mapping[tuple[str, int], int]) -> None:
        """Keep how far partitions are verified."""
        values: Iterable[tuple[str, int, int]] = ((*where, number) for where, number in verified.items())
        with self._connection.cursor() as cursor:
            cursor.executemany(REMEMBER, values)
