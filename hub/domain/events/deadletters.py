"""What became of dead letters, on topic ``lms.deadletter``. A letter is a stream of its own: ``record/<its id>``.

The first event of a record of the log that is parked says so. A discard names topic, partition, offset and hash of the
record: whoever folds from the beginning reads all discards first, and passes those records over.
"""

from __future__ import annotations

from pydantic import Field

from hub.domain.events.base import Event
from hub.domain.events.integration import IntegrationEvent
from hub.domain.values import UUID, Count

STREAM = "record"
"""Kind of the stream."""


class LetterEvent(Event):
    """Body of what happens to a dead letter."""

    kind: str = Field(
        description="rejected: input that was not taken in; parked: a record of the log that cannot be folded"
    )
    record_topic: str | None = Field(None, description="Topic of a record of the log")
    record_partition: Count | None = None
    record_offset: Count | None = None
    record_sha256: bytes | None = Field(None, description="SHA-256 of the whole record")
    record_stream: UUID | None = Field(None, description="Stream of the record, where it is known")
    field: str | None = Field(None, description="What was wrong with it: the field …")
    rule: str | None = Field(None, description="… the rule …")
    message: str | None = Field(None, description="… and all of it in one sentence")
    run_id: UUID | None = Field(None, description="The run by which rejected input was replayed")
    topic = "lms.deadletter"


class LetterParked(LetterEvent):
    """A record of the log could not be folded; what follows in its stream waits."""

    type = "lms.deadletter.parked.v1"


class LetterReplayed(LetterEvent):
    """Rejected input was taken in again, or a parked record is to be folded again, by today's code and rules."""

    type = "lms.deadletter.replayed.v1"


class LetterDiscarded(LetterEvent):
    """Somebody decided that the record never counts."""

    type = "lms.deadletter.discarded.v1"


class SourceStopped(IntegrationEvent):
    """More dead letters of an integration are open than its limit allows: its scheduled runs stop, the hub goes on."""

    type = "lms.source.stopped.v1"


class SourceResumed(IntegrationEvent):
    """The open dead letters of an integration are few enough again: its scheduled runs go on."""

    type = "lms.source.resumed.v1"
