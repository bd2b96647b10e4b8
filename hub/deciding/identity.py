"""The identity of facts: which event id an observation has, so that the same fact told twice is one event."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from hub.domain import ids
from hub.domain.learning import said


def content_digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what is told, without what is not said; the order of the facts does not matter."""
    return hashlib.sha256(orjson.dumps(said(facts), option=orjson.OPT_SORT_KEYS, default=_bytes)).hexdigest()


def _bytes(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} is no plain value")


def part_of(observation: Mapping[str, Any]) -> str:
    """The part of the stream that an observation concerns: the lesson's key, or nothing."""
    return str(observation.get("lesson_key") or "")


class Candidates(NamedTuple):
    """The ids that an observation's event may have. ``again`` is used only where ``first`` is taken."""

    first: str
    key: tuple[str, ...] = ()
    """What the second id follows from; nothing where there is only one."""

    @property
    def again(self) -> str:
        """The second id, else the first."""
        return ids.event_id(*self.key) if self.key else self.first


def candidates(observation: Mapping[str, Any]) -> Candidates:
    """The ids that the observation's event may have: as told, and with the time at which it was observed.

    A single fact is its content; a state is its own time and content. The second id is for a state that came back
    (40, 41, 40) without its own time moving on.
    """
    stream, part = str(observation["stream_id"]), part_of(observation)
    if observation["type"] == "lms.observation.voided.v1":
        return Candidates(ids.event_id(stream, part, "void", observation["voided_native_id"]))
    if observation["content_id"] is not None:
        return Candidates(ids.event_id(stream, part, "fact", observation["content_id"]))
    told = content_digest(observation["facts"])
    kind = observation["type"]
    seen = str(observation["observed_at"])
    if observation["source_time"] is None:
        return Candidates(ids.event_id(stream, part, kind, "seen", seen, told))
    state = (stream, part, kind, "state", str(observation["source_time"]), told)
    return Candidates(ids.event_id(*state), (*state, seen))
