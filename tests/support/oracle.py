"""What must come of a model world's observations: told one after the other, by one decider that nobody disturbs.

Slow, simple and apart: identity, lateness, accounting and fold are written again here; of the hub's own code only the
pure decisions are used, which have tests of their own. The reader at the end does for the log of events what any
stranger would do who knows rule 3 alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain import enrollment, ids, lesson
from hub.domain.learning import Context, Draft, State, Told
from hub.log import codec
from hub.log.memory import MemoryLog
from tests.support.model import (
    BEGINNING,
    COMPANY,
    EMPLOYEE,
    ENROLLMENT,
    INTEGRATION,
    LEARNING,
    LINKED,
    PARTITIONS,
    STREAMS,
    World,
    stream_of,
)

LESSON = "lms_learning_progress"
OBSERVATIONS = "lms.observations"
FROM_RECORDING = {"created_at", "updated_at", "fold_state", "total_access_count"}
"""Columns made from the time of recording, the state (its values are compared by name), and what commands count."""

Rows = dict[str, dict[str, Any]]


@dataclass
class Stream:
    """All that is known of one stream."""

    cycles: list[dict[str, Any]] = field(default_factory=list)
    lessons: Rows = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


class Oracle:
    """Decides observations in the order of the log."""

    def __init__(self, log: MemoryLog) -> None:
        self.streams: dict[str, Stream] = {}
        self.outcomes: dict[str, str] = {}
        """run → outcome; in a model world each observation is a run of its own"""
        self.facts: set[str] = set()
        """topic/partition/offset of the observations that led to an event"""
        for part in range(PARTITIONS):
            for record in log.read({(OBSERVATIONS, part): 0}, 10_000):
                told = codec.decode(record.value)
                outcome = self._outcome(told)
                if outcome == "changed":
                    self.facts.add(f"{OBSERVATIONS}/{part}/{record.offset}")
                if told["account_id"] != LINKED and outcome != "rejected":
                    outcome = "unmatched"
                self.outcomes[told["run_id"]] = outcome

    def _outcome(self, told: Mapping[str, Any]) -> str:
        if told["integration_id"] != INTEGRATION:
            return "rejected"
        stream = self.streams.setdefault(told["stream_id"], Stream())
        first, again = names_of(told)
        if {first, again} <= stream.used:
            return "unchanged"
        if told["facts"].get("course_type") not in (None, "eLearning"):
            return "stored"
        draft = _draft(stream, told)
        if draft is None or (first in stream.used and draft.late):
            return "unchanged"
        stream.used.add(again if first in stream.used else first)
        _fold(stream, draft, told)
        return "changed"

    def rows(self) -> dict[str, Rows]:
        """Both tables as they must be in the end."""
        cycles = {row["id"]: row for stream in self.streams.values() for row in stream.cycles}
        lessons = {key: row for stream in self.streams.values() for key, row in stream.lessons.items()}
        return {ENROLLMENT: cycles, LESSON: lessons}


def names_of(told: Mapping[str, Any]) -> tuple[str, str]:
    """How the same thing told twice is recognised."""
    part = told.get("lesson_key")
    if told["content_id"] is not None:
        return (f"{part} fact {told['content_id']}",) * 2
    said = json.dumps({name: value for name, value in told["facts"].items() if value is not None}, sort_keys=True)
    if told["source_time"] is None:
        return (f"{part} seen {told['observed_at']} {said}",) * 2
    state = f"{part} state {told['source_time']} {said}"
    return state, f"{state} seen {told['observed_at']}"


def _draft(stream: Stream, told: Mapping[str, Any]) -> Draft | None:
    known = Told(
        told["stream_id"], told["integration_id"], told["account_id"], told["course_key"], told["source_time"],
        told["observed_at"], told.get("lesson_key"), single=told["content_id"] is not None,
    )  # fmt: skip
    context = Context(BEGINNING, employee_id=EMPLOYEE if told["account_id"] == LINKED else None)
    row = stream.cycles[-1] if stream.cycles else None
    if known.lesson_key is None:
        return enrollment.decide(State(row), known, told["facts"], context)
    part = stream.lessons.get(ids.lesson_row(row["id"], known.lesson_key)) if row else None
    return lesson.decide(State(row, part), known, told["facts"], context)


def _fold(stream: Stream, draft: Draft, told: Mapping[str, Any]) -> None:
    shared = {"company_id": COMPANY, "lms_integration_id": INTEGRATION}
    if not draft.existed:
        number = ids.enrollment_number(draft.row_id)
        place = {"cycle": draft.cycle, "account_id": told["account_id"], "course_key": told["course_key"]}
        stream.cycles.append({"id": draft.row_id, "enrollment_number": number, **place, **shared})
    row = stream.cycles[-1]
    row.update(draft.enrollment)
    for name in draft.enrollment_cleared:
        row.pop(name, None)
    if "time_spent_seconds" in row:
        row["time_spent_minutes"] = row["time_spent_seconds"] // 60
    if draft.lesson_row_id is not None:
        place = {"enrollment_id": row["id"], "employee_id": row.get("employee_id"), "course_id": told["course_key"]}
        new = {"id": draft.lesson_row_id, "lesson_id": draft.lesson_id, **place, **shared}
        stream.lessons.setdefault(draft.lesson_row_id, new).update(draft.lesson)


@dataclass
class Reader:
    """A stranger who reads the event log by rule 3: what counts, where it lies, and the chain of each partition."""

    log: MemoryLog
    counted: dict[str, str] = field(default_factory=dict)
    """event → topic/partition/offset"""
    causes: Counter[str] = field(default_factory=Counter)
    chains: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    """partition → how many records, and the chain's head"""

    def __post_init__(self) -> None:
        for part in range(PARTITIONS):
            last: dict[str, tuple[str | None, int]] = {}
            head, records = bytes(32), self.log.read({(LEARNING, part): 0}, 10_000)
            for record in records:
                head = hashlib.sha256(head + record.value).digest()
                event = codec.decode(record.value)
                if last.get(event["stream_id"], (None, 0)) == (event["follows"], event["version"] - 1):
                    last[event["stream_id"]] = (event["event_id"], event["version"])
                    assert event["event_id"] not in self.counted, "one fact counts once"
                    self.counted[event["event_id"]] = f"{LEARNING}/{part}/{record.offset}"
                    self.causes[event["causation_id"]] += 1
            self.chains[LEARNING, part] = (len(records), head.hex())


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with what it keeps beside its columns, without what is unknown."""
    values = {**row, **(row["fold_state"] or {})}
    return {name: value for name, value in values.items() if value is not None and name not in FROM_RECORDING}


def verify(world: World) -> None:
    """Everything was decided: hold rows, accounting, audit trail and chain against oracle and reader."""
    oracle, reader, tables = Oracle(world.log), Reader(world.log), world.tables
    trail = {row["id"]: row["additional_context"] for row in tables.audit.values()}
    where = {event: f"{c['topic']}/{c['partition']}/{c['offset']}" for event, c in trail.items()}
    same("what counts", where, reader.counted)
    for at, (count, head) in reader.chains.items():
        if count:
            assert (tables.at[at].next_offset, tables.at[at].count, tables.at[at].chain.hex()) == (count, count, head)
    for table, rows in oracle.rows().items():
        found = {key: flat(row) for key, row in tables.rows.get(table, {}).items()}
        same(table, set(found), set(rows))
        for key, row in rows.items():
            same(f"{table} {key}", found[key], {name: value for name, value in row.items() if value is not None})
    outcomes = {run: {name: n for name, n in counts.items() if n} for run, counts in tables.outcomes.items()}
    same("accounting", outcomes, {run: {outcome: 1} for run, outcome in oracle.outcomes.items()})
    causes = {cause: n for cause, n in reader.causes.items() if cause.startswith(OBSERVATIONS)}
    same("events of changed observations", causes, dict.fromkeys(oracle.facts, 1))
    rejected = [run for run, outcome in oracle.outcomes.items() if outcome == "rejected"]
    same("dead letters", {row["run_id"] for row in tables.rows.get("dead_letter", {}).values()}, set(rejected))
    verify_commands(world, where)


def verify_commands(world: World, where: Mapping[str, str]) -> None:
    """Each command that was answered counts once, where its answer says."""
    wanted: Counter[str] = Counter()
    for command, answer in world.answers.items():
        assert where[command] == "/".join(map(str, getattr(answer, "position", None) or where[command].split("/")))
        if not isinstance(answer, Exception):
            wanted[world.commands[command].stream[1]] += 1
    assert set(world.answers) == set(world.commands)
    counted: Counter[str] = Counter()
    for number in range(len(STREAMS)):
        stream = stream_of(number)
        for cycle in range(1, 20):
            row = world.tables.rows.get(ENROLLMENT, {}).get(ids.enrollment_row(stream, cycle)) or {}
            counted[stream] += row.get("total_access_count") or 0
    same("commands", +counted, +wanted)


def same(what: str, found: Any, wanted: Any) -> None:
    """Hold two dicts or sets against each other, and say only where they differ."""
    if found == wanted:
        return
    if not isinstance(found, dict):
        found, wanted = dict.fromkeys(found, "there"), dict.fromkeys(wanted, "there")
    names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
    is_, should = {n: found.get(n) for n in names}, {n: wanted.get(n) for n in names}
    raise AssertionError(f"{what}: is {is_}, should be {should}")
