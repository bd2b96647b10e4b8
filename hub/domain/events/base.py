"""The envelope that every event has, and the registry of all event types.

An event type is one frozen pydantic model. Its name (``type``) is a literal that never changes, its topic says where
it is kept. Avro schemas, golden bytes, the documentation and the folds' dispatch all come from these declarations.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from hub.domain.values import UUID, ActorKind, Count, Instant


class Declared(BaseModel):
    """Base of everything that is written to a log: frozen, strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=True, defer_build=True)


class Wire(Declared):
    """A type that travels on a topic under a literal, versioned name."""

    type: ClassVar[str] = ""
    topic: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "type" in cls.__dict__:
            _register(cls)


_types: dict[str, type[Wire]] = {}


def _register(cls: type[Wire]) -> None:
    if cls.type in _types:
        raise TypeError(f"two declarations of the event type {cls.type}")
    if not (cls.__doc__ or "").strip():
        raise TypeError(f"{cls.type} does not say what happened")
    _types[cls.type] = cls


def all_types() -> dict[str, type[Wire]]:
    """Every declared type by its name."""
    return dict(_types)


class Event(Wire):
    """The envelope. Two clocks always: when it happened, and when the hub knew."""

    event_id: UUID = Field(description="UUIDv5 of the stream, the part it concerns and the identity of its source")
    company_id: UUID = Field(description="The company whose fact this is")
    stream_kind: str = Field(description="Kind of the stream: enrollment, settings, employee, account, course, …")
    stream_id: UUID = Field(description="The stream; kind/id is the partition key")
    version: int = Field(ge=1, description="The version of the stream that this event makes: 1, 2, 3, …")
    follows: UUID | None = Field(
        None, description="The event of its stream that this one was decided after; none for the first"
    )
    occurred_at: Instant = Field(description="When it happened in the world, UTC")
    recorded_at: Instant = Field(description="When the hub knew, UTC")
    actor_kind: ActorKind = Field(ActorKind.SYSTEM, description="Who acted: employee, user, integration or system")
    actor_id: str | None = Field(
        None, description="Id of the employee, user or integration, or the name of the system's part"
    )
    integration_id: UUID | None = Field(None, description="The integration the fact came through")
    native_id: str | None = Field(None, description="The source's own id of the record; never one that names a person")
    payload_sha256: bytes | None = Field(None, description="SHA-256 of the source record as it was received")
    causation_id: str | None = Field(
        None, description="What it was decided from: topic/partition/offset of an observation, or a command's id"
    )
    correlation_id: str | None = Field(None, description="The run or request that it belongs to")
    reason: str | None = Field(None, description="Why, in the words of who acted")
    justification: str | None = Field(None, description="Business justification; demanded of people from risk High on")
    backfill: bool = Field(
        False, description="Old news (first sync, import of records, replay): notifies nobody, starts nothing"
    )
    performed_by: UUID | None = Field(
        None, description="The user who acted, where that user's row existed when this was decided"
    )
    ip_address: str | None = Field(None, description="Address of the person's client")
    user_agent: str | None = Field(None, description="The person's client")
    session_id: str | None = Field(None, description="The person's session")
    transitions: tuple[str, ...] = Field(
        (), description="All that happened, weakest first; the type is named after the strongest"
    )
    affected_employees: Count = Field(0, description="How many employees it touches, counted when it was decided")
    regulation: str = Field("None", description="Regulatory impact, worked out when it was decided")
    impact: str | None = Field(None, description="One sentence on what changed, worked out when it was decided")
    compliance_impact: str | None = Field(None, description="Requirements that became met or unmet by it")
