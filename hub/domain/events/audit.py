"""What the audit must know of itself, on topic ``lms.operations``: data that was given out, a chain that was found broken, a new signing key."""

from __future__ import annotations

from pydantic import Field

from hub.domain.events.base import Event
from hub.domain.values import UUID, Count, JsonText


class DataGivenOut(Event):
    """Data left the hub by somebody's wish. Told before it is given, so that nothing is given out untold."""

    what: str = Field(description="evidence pack, transcript, or export of the log")
    format: str | None = Field(None, description="zip, folder, table, json or csv")
    about_id: UUID | None = Field(None, description="The employee whose data it was; none: of many")
    asked: JsonText = Field(description="JSON of what was asked for: days, course, topics")
    sensitivity: str = Field(description="Class of what was given out")
    sha256: bytes | None = Field(None, description="SHA-256 of the file, where one file was given")
    type = "lms.data.given_out.v1"
    topic = "lms.operations"


class ChainBroken(Event):
    """A verification found that the log is not what was sealed. One event per finding, however often it is found again."""

    finding: str = Field(description="changed, removed, inserted, reordered, cut off, altered or seal")
    place: str = Field(description="topic/partition, or the seal")
    offset: Count | None = Field(None, description="The first bad record, where it can be named")
    type = "lms.chain.broken.v1"
    topic = "lms.operations"


class SigningKeyRotated(Event):
    """Another key signs from now on; the private half of the one before is destroyed."""

    key_id: str = Field(description="Id of the key in force")
    signed_by: str = Field(description="Id of the key before, which signed it")
    seal_number: Count = Field(description="Number of the line that introduces it")
    type = "lms.signing_key.rotated.v1"
    topic = "lms.operations"
