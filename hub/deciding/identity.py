"""The identity of facts: which event id an observation has, so that the same fact told twice is one event."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from hub.domain import ids


def content_digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what is told, without what is not said; the order of the facts does not matter."""
    said = {name: value for name, value in facts.items() if value is not None}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=_bytes)).hexdigest()


def _bytes(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} is no plain value")


def part_of(observation: Mapping[str, Any]) -> str:
    """The part of the stream that an observation concerns: the lesson's key, or nothing."""
    return str(observation.get("lesson_key") or "")


def candidates(observation: Mapping[str, Any]) -> tuple[str, str]:
    """The ids that the observation's event may have: as told, and with the time at which it was observed.

    A single fact is its content; a state is its own time and content. The second id is for a state that came back
    (40, 41, 40) without its own time moving on; where there is only one id both are equal.
    """
    stream, part = str(observation["stream_id"]), part_of(observation)
    if observation["type"] == "lms.observation.voided.v1":
        only = ids.event_id(stream, part, "void", observation["voided_native_id"])
        return only, only
    if observation["content_id"] is not None:
        only = ids.event_id(stream, part, "fact", observation["content_id"])
        return only, only
    told = content_digest(observation["facts"])
    kind = observation["type"]
    seen = str(observation["observed_at"])
    if observation["source_time"] is None:
        only = ids.event_id(stream, part, kind, "seen", seen, told)
        return only, only
    own = str(observation["source_time"])
    return (
        ids.event_id(stream, part, kind, "state", own, told),
        ids.event_id(stream, part, kind, "state", own, told, seen),
    )
