"""Topics ``lms.statements`` and ``lms.deadletter``: what came in as it came in.

These records belong to no stream that is decided, so they have no version; each is identified by its ``event_id`` and
folding one twice changes nothing.
"""

from __future__ import annotations

from pydantic import Field

from hub.domain.events.base import Wire
from hub.domain.values import UUID, Count, Instant, Sealed


class RawRecord(Wire):
    """What such records have in common."""

    event_id: UUID = Field(description="UUIDv5 of what it tells")
    company_id: UUID
    integration_id: UUID | None = None
    recorded_at: Instant
    correlation_id: str | None = Field(None, description="The run that read it")


class StatementReceived(RawRecord):
    """An xAPI statement, whole, as received; sealed with its actor's key."""

    statement_id: UUID = Field(description="The statement's id, or one derived from its content where it has none")
    target_stream: UUID | None = Field(None, description="The enrollment whose observation was made of it")
    target_part: str | None = Field(None, description="The lesson it concerns; none: the enrollment")
    account_id: UUID | None = None
    kind: str = Field(description="Kind of the verb: completed, passed, …, other")
    digest: bytes = Field(description="SHA-256 of the comparison form")
    statement: Sealed = Field(description="The statement's JSON")
    type = "lms.statement.received.v1"
    topic = "lms.statements"


class StatementVoided(RawRecord):
    """A voiding statement arrived; its target may come later."""

    statement_id: UUID = Field(description="The target")
    voided_by: UUID = Field(description="The voiding statement")
    type = "lms.statement.voided.v1"
    topic = "lms.statements"


class RecordRejected(RawRecord):
    """A source record that cannot be taken in, with the field, the rule and what was expected."""

    run_id: UUID | None = None
    source_name: str = Field(description="File or address it came from, without credentials")
    source_position: str = Field(description="Line, item or page in it")
    native_id: str | None = None
    stream_id: UUID | None = None
    field: str
    rule: str
    expected: str
    message: str
    record: Sealed | None = Field(
        None, description="The record, at most its first 64 KiB, as text; sealed with the company's key"
    )
    record_size: Count = Field(description="Bytes of the whole record")
    record_sha256: bytes = Field(description="SHA-256 of the whole record")
    observation: bytes | None = Field(
        None, description="The observation's own bytes, where it was rejected when decided"
    )
    type = "lms.record.rejected.v1"
    topic = "lms.deadletter"
