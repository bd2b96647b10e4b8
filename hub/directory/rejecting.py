"""Keeps what a directory import rejects among the dead letters: each record once, however often it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.contract import KEPT_BYTES
from hub.deciding.decider import DEADLETTER, wait_folded
from hub.deciding.ports import Surroundings
from hub.directory.reading import Told
from hub.domain import ids
from hub.domain.sealing import Sealer, to_text
from hub.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was not taken, and why."""

    told: Told
    problem: RuleBroken


def keep(
    rejections: Sequence[Rejection],
    around: Surroundings,
    sealer: Sealer,
    company_id: str,
    run_id: str,
    source_name: str,
    stopped: Callable[[], bool],
) -> None:
    """Append those that are not kept yet, and wait until they are folded. Records are sealed with the company's key."""
    now = around.clock()
    events = {
        event["event_id"]: event
        for rejection in rejections
        for event in [_event(rejection, sealer, company_id, run_id, source_name, now)]
    }
    with around.store.snapshot() as snapshot:
        found = snapshot.rows("dead_letter", list(events))
    known = {key for key, row in found.items() if row["resolution"] != "replayed"}
    records = [(f"record/{key}", around.encode(event)) for key, event in events.items() if key not in known]
    if records:
        reached: dict[tuple[str, int], int] = {}
        for topic, partition, offset in around.append(DEADLETTER, records):
            reached[topic, partition] = max(offset + 1, reached.get((topic, partition), 0))
        wait_folded(around, reached, stopped)


def _event(
    rejection: Rejection, sealer: Sealer, company_id: str, run_id: str, source_name: str, now: int
) -> dict[str, Any]:
    told, problem = rejection.told, rejection.problem
    digest = hashlib.sha256(told.raw).digest()
    keeper = ids.derived(company_id, "dead letters")
    text = told.raw[:KEPT_BYTES].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return {
        "type": "lms.record.rejected.v1",
        "event_id": ids.derived(company_id, "rejected", "directory", digest.hex(), problem.field, problem.rule),
        "company_id": company_id,
        "integration_id": None,
        "recorded_at": now,
        "correlation_id": run_id,
        "run_id": run_id,
        "source_name": source_name,
        "source_position": told.position,
        "native_id": None,
        "stream_id": None,
        "field": problem.field,
        "rule": problem.rule,
        "expected": problem.expected,
        "message": str(problem),
        "record": to_text(sealer.seal(keeper, text, company_id)) if text.strip() else None,
        "record_size": len(told.raw),
        "record_sha256": digest,
        "observation": None,
    }
