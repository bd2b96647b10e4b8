"""The envelope of a decided event: stream, version and what it follows, clocks, actor, source and cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.deciding.ports import Head


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where."""

    kind: str = "system"
    id: str | None = None
    user_row: str | None = None
    """The user's row, where it exists."""
    ip_address: str | None = None
    user_agent: str | None = None
    session_id: str | None = None


HUB = Actor("system", "hub")


def of_observation(observation: Mapping[str, Any], head: Head, event_id: str, cause: str, now: int) -> dict[str, Any]:
    """The envelope of an event that an observation led to. It was told by the integration."""
    own = observation["source_time"]
    return {
        "event_id": event_id,
        "company_id": observation["company_id"],
        "stream_kind": observation["stream_kind"],
        "stream_id": observation["stream_id"],
        "version": head.version + 1,
        "follows": head.last_event_id,
        "occurred_at": observation["observed_at"] if own is None else own,
        "recorded_at": max(now, head.recorded_at or 0),
        "actor_kind": "integration",
        "actor_id": observation["integration_id"],
        "integration_id": observation["integration_id"],
        "native_id": observation["native_id"],
        "payload_sha256": observation["payload_sha256"],
        "causation_id": cause,
        "correlation_id": observation["run_id"],
        "reason": None,
        "justification": None,
        "backfill": observation["backfill"],
        "performed_by": None,
        "ip_address": None,
        "user_agent": None,
        "session_id": None,
        "affected_employees": 0,
        "regulation": "None",
        "impact": None,
        "compliance_impact": None,
    }


def of_command(
    *,
    command_id: str,
    company_id: str,
    stream: tuple[str, str],
    head: Head,
    actor: Actor,
    now: int,
    occurred_at: int | None = None,
    integration_id: str | None = None,
    correlation_id: str | None = None,
    reason: str | None = None,
    justification: str | None = None,
) -> dict[str, Any]:
    """The envelope of an event that a command led to; the command's id is the event's."""
    return {
        "event_id": command_id,
        "company_id": company_id,
        "stream_kind": stream[0],
        "stream_id": stream[1],
        "version": head.version + 1,
        "follows": head.last_event_id,
        "occurred_at": now if occurred_at is None else occurred_at,
        "recorded_at": max(now, head.recorded_at or 0),
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "integration_id": integration_id,
        "native_id": None,
        "payload_sha256": None,
        "causation_id": command_id,
        "correlation_id": correlation_id,
        "reason": reason,
        "justification": justification,
        "backfill": False,
        "performed_by": actor.user_row,
        "ip_address": actor.ip_address,
        "user_agent": actor.user_agent,
        "session_id": actor.session_id,
        "affected_employees": 0,
        "regulation": "None",
        "impact": None,
        "compliance_impact": None,
    }
