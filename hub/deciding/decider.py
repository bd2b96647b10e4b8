"""The decider: takes observations in batches, appends what they lead to, and settles their offset.

A batch is done when every event of it is folded and none is void. What lost a race is decided again, together with all
later observations of its stream in the batch. The offset moves by compare-and-set in one transaction with the counts of
outcomes, so a decider that was overtaken changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.deciding.batch import Batch
from hub.deciding.ports import Applied, Settled, Snapshot, Surroundings, Verdict
from hub.domain import ids
from hub.domain.events import all_types
from hub.domain.values import Outcome
from hub.errors import Fatal, Retriable, Unusable

OBSERVATIONS = "lms.observations"
DEADLETTER = "lms.deadletter"
FOLD_PATIENCE = 1.0
"""Seconds after which a wait for the folds looks whether it should stop."""
KEPT_BYTES = 64 * 1024
GROUP = 1000
"""Observations from which on a part of a batch is worth an append of its own."""


class Interrupted(Retriable):
    """The process stops; the batch will be taken again."""


@dataclass(slots=True)
class Told:
    """One observation of the batch."""

    partition: int
    offset: int
    value: bytes
    observation: dict[str, Any] | None
    verdict: Verdict
    position: tuple[str, int, int] | None = None
    events: list[str] = field(default_factory=list)
    """Ids of all events that were appended for it."""


class Decider:
    """Decides batches, of one partition or of several."""

    def __init__(self, around: Surroundings, stopped: Callable[[], bool] = lambda: False) -> None:
        self._around = around
        self._stopped = stopped

    def process(self, records: Sequence[tuple[int, int, bytes]]) -> dict[str, int]:
        """Decide (partition, offset, value) records, contiguous per partition and beginning at its stored offset;
        returns the outcomes of those that are counted.

        Raises Fatal where another decider has moved the offset meanwhile (nothing of this batch is counted), Retriable
        where log or database are away.
        """
        batch = [self._read(*record) for record in records]
        begins: dict[int, int] = {}
        for told in batch:
            begins.setdefault(told.partition, told.offset)
        todo = _groups([told for told in batch if told.verdict.rejected is None])
        while todo:
            for group in todo:
                self._tell(group, begins)
            todo = [left for group in todo if (left := self._heard(group))]
        self._put_rejected(batch)
        return self._settle(batch)

    def _read(self, partition: int, offset: int, value: bytes) -> Told:
        observation = None
        try:
            decoded = self._around.decode(value)
            _check_type(decoded)
            observation = decoded
            if (facts := decoded.get("facts")) is not None:  # most of the fields that may be told are not
                decoded["facts"] = {name: value for name, value in facts.items() if value is not None}
            self._check_partition(observation, partition)
        except Unusable as problem:
            return Told(partition, offset, value, observation, Verdict(Outcome.REJECTED, rejected=_reason(problem)))
        return Told(partition, offset, value, observation, Verdict(Outcome.UNCHANGED))

    def _check_partition(self, observation: dict[str, Any], partition: int) -> None:
        right = self._around.partition_of(key_of(observation))
        if right != partition:
            raise Unusable(
                f"key: {key_of(observation)} lies in partition {partition}; expected {right}, that of the observation's stream",
                field="key", rule="partition of the stream", expected=str(right),
            )  # fmt: skip

    def _tell(self, todo: list[Told], begins: Mapping[int, int]) -> None:
        """Decide a group and append what it leads to."""
        now = self._around.clock()
        with self._around.store.snapshot() as snapshot:
            demand_undecided(snapshot, begins)
            batch = Batch(snapshot, self._around, now)
            batch.load([told.observation for told in todo if told.observation is not None])
            for told in todo:
                if told.observation is not None:
                    told.verdict = batch.decide(told.observation, _cause(told))
        self._append([told for told in todo if told.verdict.event is not None])

    def _heard(self, todo: list[Told]) -> list[Told]:
        """Wait until a group is folded; returns what of it has to be decided again."""
        self._wait(todo)
        return self._lost(todo)

    def _append(self, told: list[Told]) -> None:
        by_topic: dict[str, list[Told]] = defaultdict(list)
        for one in told:
            if one.verdict.event is not None:
                by_topic[all_types()[one.verdict.event["type"]].topic].append(one)
        for topic, group in by_topic.items():
            records = [(key_of(event), self._around.encode(event)) for one in group if (event := one.verdict.event)]
            for one, position in zip(group, self._around.append(topic, records), strict=True):
                one.position = position
                if one.verdict.event is not None:
                    one.events.append(one.verdict.event["event_id"])

    def _wait(self, told: list[Told]) -> None:
        wanted: dict[tuple[str, int], int] = {}
        for one in told:
            if one.verdict.event is not None and one.position is not None:
                topic, partition, offset = one.position
                wanted[topic, partition] = max(wanted.get((topic, partition), 0), offset + 1)
        wait_folded(self._around, wanted, self._stopped)

    def _lost(self, todo: list[Told]) -> list[Told]:
        """What has to be decided again: void events, and what came after them in their streams."""
        decided = [told for told in todo if told.verdict.event is not None]
        if not decided:
            return []
        with self._around.store.snapshot() as snapshot:
            applied = snapshot.applied([event for told in decided for event in told.events])
        again: list[Told] = []
        lost: set[str] = set()
        for told in todo:
            if told.observation is None:
                continue
            stream = told.observation["stream_id"]
            if stream in lost:
                again.append(told)
                continue
            event = told.verdict.event
            if event is None:
                continue
            mine = [applied[one] for one in told.events if one in applied]
            if mine:
                self._whose(told, mine, _cause(told))
            else:  # void, or waiting in a stream that is parked: then the observation is put aside
                lost.add(stream)
                again.append(told)
        return again

    @staticmethod
    def _whose(told: Told, mine: list[Applied], cause: str) -> None:
        """The fact is in the trail: told first by this observation, or by another that said the same."""
        if told.verdict.outcome == Outcome.CHANGED and all(applied.causation_id != cause for applied in mine):
            told.verdict.outcome = Outcome.UNCHANGED

    def _put_rejected(self, batch: list[Told]) -> None:
        """What was rejected is kept with its reason before its offset moves."""
        rejected = [told for told in batch if told.verdict.rejected is not None]
        if not rejected:
            return
        now = self._around.clock()
        told_now = {event["event_id"]: event for event in (_rejection(told, now) for told in rejected)}
        with self._around.store.snapshot() as snapshot:
            found = snapshot.rows("dead_letter", list(told_now))
        known = {key for key, row in found.items() if row["resolution"] != "replayed"}
        events = [event for event_id, event in told_now.items() if event_id not in known]
        if not events:
            return
        records = [(f"record/{event['event_id']}", self._around.encode(event)) for event in events]
        positions = self._around.append(DEADLETTER, records)
        wait_folded(self._around, {(topic, part): offset + 1 for topic, part, offset in positions}, self._stopped)

    def _settle(self, batch: list[Told]) -> dict[str, int]:
        settled: dict[int, Settled] = {}
        total: dict[str, int] = defaultdict(int)
        for told in batch:
            one = settled.setdefault(told.partition, Settled(told.offset, told.offset))
            one.reached = told.offset + 1
            seen = told.observation
            if seen is None:
                continue
            if told.verdict.aside:
                one.aside.append({"offset": told.offset, "value": told.value, "observation": seen})
            if seen["counted"]:
                total[told.verdict.outcome] += 1
                if seen["run_id"] is not None:
                    one.count(seen["run_id"], told.verdict.outcome)
        self._around.store.settle(settled)
        return dict(total)


def _groups(told: list[Told]) -> list[list[Told]]:
    """Whole partitions in groups of at least GROUP: while one is being folded the next is decided."""
    by_partition: dict[int, list[Told]] = defaultdict(list)
    for one in told:
        by_partition[one.partition].append(one)
    groups: list[list[Told]] = []
    for part in by_partition.values():
        if not groups or len(groups[-1]) >= GROUP:
            groups.append([])
        groups[-1].extend(part)
    return groups


def demand_undecided(snapshot: Snapshot, begins: Mapping[int, int]) -> None:
    """Raise Fatal where what begins here was decided by somebody else: told again on newer state, it might be news."""
    at = snapshot.decided_offsets(list(begins))
    for partition, begin in begins.items():
        if at.get(partition, 0) != begin:
            raise Fatal(f"{OBSERVATIONS}/{partition}: another decider has moved the offset meanwhile")


def wait_folded(around: Surroundings, wanted: dict[tuple[str, int], int], stopped: Callable[[], bool]) -> None:
    """Wait until everything below these offsets is folded. Raises Interrupted where the process stops."""
    while wanted and not around.store.wait_folded(wanted, FOLD_PATIENCE):
        if stopped():
            raise Interrupted("the hub stops before a batch was folded; it will be taken again")


def key_of(event: dict[str, Any]) -> str:
    """The partition key of an event's stream."""
    return f"{event['stream_kind']}/{event['stream_id']}"


def _cause(told: Told) -> str:
    return f"{OBSERVATIONS}/{told.partition}/{told.offset}"


def _check_type(decoded: dict[str, Any]) -> None:
    if not decoded["type"].startswith("lms.observation."):
        raise Unusable(
            f"type: {decoded['type']} is no observation; expected a type of {OBSERVATIONS}",
            field="type", rule="type of the topic", expected=f"a type of {OBSERVATIONS}",
        )  # fmt: skip


def _reason(problem: Unusable) -> dict[str, Any]:
    return {"field": problem.field, "rule": problem.rule, "expected": problem.expected, "message": str(problem)}


def _rejection(told: Told, now: int) -> dict[str, Any]:
    """A rejected observation as a dead letter: its own bytes are kept, so that it can be decided again."""
    seen = told.observation or {}
    reason = told.verdict.rejected or {}
    payload = seen.get("payload_sha256") or hashlib.sha256(told.value).digest()
    company = seen.get("company_id") or ids.ROOT
    identity = (
        str(seen.get("integration_id")),
        str(seen.get("native_id")),
        payload.hex(),
        reason["field"],
        reason["rule"],
    )
    return {
        "type": "lms.record.rejected.v1",
        "event_id": ids.derived(company, "rejected", *identity),
        "company_id": company,
        "integration_id": seen.get("integration_id"),
        "recorded_at": now,
        "correlation_id": seen.get("run_id"),
        "run_id": seen.get("run_id"),
        "source_name": seen.get("source_name") or OBSERVATIONS,
        "source_position": seen.get("source_position") or f"{told.partition}/{told.offset}",
        "native_id": seen.get("native_id"),
        "stream_id": seen.get("stream_id"),
        **reason,
        "record": None,
        "record_size": len(told.value),
        "record_sha256": hashlib.sha256(told.value).digest(),
        "observation": told.value[:KEPT_BYTES],
    }
