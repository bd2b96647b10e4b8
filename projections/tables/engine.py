"""The engine's own bookkeeping: heads of streams, offsets of folding and deciding, dead letters.

These rows say how far the hub has come, not what is true; they have no foreign keys, since a dead letter may name
what does not exist.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped

from projections.tables import columns as c
from projections.tables.base import OPS_SCHEMA, Base, described, index
from projections.tables.rules import AtLeast, ByteLength

DEAD_LETTER_KINDS = ("rejected", "parked", "behind")
DEAD_LETTER_RESOLUTIONS = ("replayed", "discarded")


class StreamHead(Base):
    """The last applied event of a stream."""

    __tablename__ = "stream_head"
    __table_args__ = described(
        "stream_head",
        "Last applied event of each stream: the next one must follow it and make the next version.",
        part="engine",
        fillfactor=85,
    )

    stream_id: Mapped[UUID] = c.key("Identifier of the stream.")
    kind: Mapped[str] = c.varchar(
        20, "Kind of the stream (enrollment, settings, company, ...); kind/stream_id is the partition key."
    )
    company_id: Mapped[UUID] = c.uuid("Company that the stream belongs to.")
    last_event_id: Mapped[UUID | None] = c.uuid("Last applied event; NULL: none yet, only parked ones.")
    version: Mapped[int] = c.integer("Version that the last applied event made: 1, 2, 3, ...; 0: none yet.")
    recorded_at: Mapped[datetime | None] = c.moment("Greatest recorded_at among the applied events (UTC).")
    row_id: Mapped[UUID | None] = c.uuid("Current row of the stream, such as the newest cycle of an enrollment.")
    parked: Mapped[bool] = c.boolean(
        "True while an event of the stream is parked; what follows waits behind it.", default=False
    )
    observation_offset: Mapped[int | None] = c.big_integer(
        "Offset in lms.observations of the last observation that led to an event; NULL: none did yet."
    )


class ProjectionOffset(Base):
    """How far one partition of a topic is folded."""

    __tablename__ = "projection_offset"
    __table_args__ = described(
        "projection_offset",
        "How far each partition of a topic is folded, written in the transaction of the rows.",
        part="engine",
        rules=(ByteLength("chk_chain", "chain", 32),),
    )

    topic: Mapped[str] = c.varchar(100, "Topic of the log.", primary=True)
    partition: Mapped[int] = c.integer("Partition of the topic.", primary=True)
    next_offset: Mapped[int] = c.big_integer("First offset that is not yet folded.")
    chain: Mapped[bytes] = c.binary("Head of the hash chain over all records before next_offset, 32 bytes (SHA-256).")
    event_count: Mapped[int] = c.big_integer("Records folded so far, void and parked ones included.")
    epoch: Mapped[int] = c.integer("Raised by whatever else writes rows, so that caches are dropped.", default=0)
    updated_at: Mapped[datetime] = c.moment("When the last batch was committed (UTC).", auto=True)


class DeadLetter(Base):
    """A record that could not be taken in or folded."""

    __tablename__ = "dead_letter"
    __table_args__ = described(
        "dead_letter",
        "Records that could not be taken in (rejected) or folded (parked), and what waits behind a parked one (behind).",
        index("company_id"),
        index("lms_integration_id"),
        index("stream_id"),
        index("run_id"),
        index("recorded_at"),
        part="engine",
        rules=(
            AtLeast("chk_record_size", "record_size", 0),
            ByteLength("chk_record_sha256", "record_sha256", 32),
            ByteLength("chk_chain", "chain", 32),
        ),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID | None] = c.uuid("Company that the record names; NULL: unknown.")
    lms_integration_id: Mapped[UUID | None] = c.uuid("Integration that the record came through; NULL: none or unknown.")
    kind: Mapped[str] = c.enum(
        DEAD_LETTER_KINDS, "rejected: not taken in; parked: cannot be folded; behind: waits behind a parked one."
    )
    topic: Mapped[str | None] = c.varchar(100, "Topic of the record; NULL: it was rejected before it reached the log.")
    partition: Mapped[int | None] = c.integer("Partition of the record.")
    offset: Mapped[int | None] = c.big_integer("Offset of the record.")
    stream_id: Mapped[UUID | None] = c.uuid("Stream of the record, where it is known.")
    field: Mapped[str | None] = c.long_text("Field that is wrong.")
    rule: Mapped[str | None] = c.long_text("Rule that it breaks.")
    expected: Mapped[str | None] = c.long_text("What was expected.")
    message: Mapped[str | None] = c.long_text("What is wrong, in one sentence.")
    record: Mapped[bytes | None] = c.binary(
        "The record as bytes of the wire or sealed; of a larger one the first 64 KiB."
    )
    record_size: Mapped[int | None] = c.big_integer("Size of the whole record, in bytes.")
    record_sha256: Mapped[bytes | None] = c.binary("SHA-256 of the whole record, 32 bytes.")
    chain: Mapped[bytes | None] = c.binary(
        "Of a record of the log: head of its partition's hash chain after it, 32 bytes."
    )
    source_name: Mapped[str | None] = c.long_text("File or address that it came from, without credentials.")
    source_position: Mapped[str | None] = c.long_text("Line, item or page in it.")
    run_id: Mapped[UUID | None] = c.uuid("Run that read it.")
    recorded_at: Mapped[datetime] = c.moment("When it was put aside (UTC).", auto=True)
    resolved_at: Mapped[datetime | None] = c.moment("When it was replayed or discarded (UTC); NULL: it is open.")
    resolution: Mapped[str | None] = c.enum(
        DEAD_LETTER_RESOLUTIONS,
        "What became of a rejected one; records of the log leave the table when they are resolved.",
    )


class DecidedOffset(Base):
    """How far one partition of the observations is decided."""

    __tablename__ = "decided_offset"
    __table_args__ = described(
        "decided_offset",
        "How far each partition of the observations is decided.",
        part="engine",
        schema=OPS_SCHEMA,
    )

    partition: Mapped[int] = c.integer("Partition of the observations.", primary=True)
    next_offset: Mapped[int] = c.big_integer("First offset that is not yet decided.")
    epoch: Mapped[int] = c.integer("Raised when offsets are set by hand, so that deciders begin anew.", default=0)


class RunOutcome(Base):
    """What became of the observations of one run in one partition."""

    __tablename__ = "run_outcome"
    __table_args__ = described(
        "run_outcome",
        "What became of the observations of each run, per partition, stored together with decided_offset.",
        part="engine",
        schema=OPS_SCHEMA,
    )

    run_id: Mapped[UUID] = c.key("Run that read the records.")
    partition: Mapped[int] = c.integer("Partition of the observations.", primary=True)
    changed: Mapped[int] = c.big_integer("Records that gave a fact.", default=0)
    unchanged: Mapped[int] = c.big_integer("Records that told nothing new.", default=0)
    unmatched: Mapped[int] = c.big_integer("Records whose account is linked to nobody.", default=0)
    stored: Mapped[int] = c.big_integer("Records kept without an effect on learning.", default=0)
    rejected: Mapped[int] = c.big_integer("Records that could not be taken in.", default=0)
