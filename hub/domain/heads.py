"""The head of a stream: its last applied event, which the next one must follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Head(NamedTuple):
    """The last applied event of a stream; version 0: nothing was applied yet. ``recorded_at`` in microseconds."""

    last_event_id: str | None = None
    version: int = 0
    recorded_at: int | None = None
    """The greatest of the stream so far."""
    row_id: str | None = None
    """The stream's current row, where it has several: the newest cycle of an enrollment."""
    parked: bool = False
    """A record of the stream could not be folded; what follows waits behind it."""
    observation_offset: int | None = None
    """Where the last observation lies that led to an event; those of a stream are in one partition, decided in their order."""


NOTHING = Head()
_OBSERVATIONS = "lms.observations/"


def offset_of(cause: str | None) -> int | None:
    """Where an observation lies, by topic/partition/offset; None of whatever else an event may come from."""
    if cause is None or not cause.startswith(_OBSERVATIONS):
        return None
    offset = cause.rpartition("/")[2]
    return int(offset) if offset.isdecimal() else None


def observation_offset(event: Mapping[str, Any], head: Head) -> int | None:
    """What a stream's head says of observations once the event is applied."""
    offset = offset_of(event["causation_id"])
    return head.observation_offset if offset is None else offset


class Applied(NamedTuple):
    """An event of the audit trail: what it was decided from, and where it lies."""

    causation_id: str | None
    position: str
    """topic/partition/offset"""
