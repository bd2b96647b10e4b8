"""One batch of records folded in memory: from loaded heads and rows to everything that one transaction writes.

In order: chain every record, judge it (counts, repeat, void), fold what counts, build its audit row. A record that
cannot be folded is parked with its reason, and what follows in its stream waits behind it; other streams flow. Void and
parked records are part of the chain like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.domain import ids
from hub.domain.heads import NOTHING, Head
from hub.domain.rows import Row
from hub.errors import Unusable
from hub.log.port import Record
from projections import audit
from projections.auditvalues import differences
from projections.engine.judge import follows
from projections.folds import targets
from projections.plain import names_of
from projections.tables import HISTORY, TABLES

START = bytes(32)
"""The chain's head before the first record."""
PARTS = ("change", "enrollment", "lesson", "config", "run")
"""The fields of events that hold new values by name."""
LINKS = frozenset({"enrollment.linked", "account.linked"})


@dataclass(slots=True)
class Reached:
    """How far a partition is folded. ``epoch`` is raised by whoever else writes rows."""

    next_offset: int = 0
    chain: bytes = START
    count: int = 0
    epoch: int = 0


@dataclass(slots=True)
class Writes:
    """What one transaction writes. ``expected``: how far the partitions must be for it to count."""

    expected: dict[tuple[str, int], Reached] = field(default_factory=dict)
    reached: dict[tuple[str, int], Reached] = field(default_factory=dict)
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    history: dict[str, list[Row]] = field(default_factory=dict)
    audit: list[Row] = field(default_factory=list)
    heads: dict[str, tuple[str, str, Head]] = field(default_factory=dict)
    """stream → (kind, company, head)"""
    dead: list[Row] = field(default_factory=list)
    now: int = 0


@dataclass(slots=True)
class Counts:
    """What a batch's records were."""

    folded: int = 0
    skipped: int = 0
    """Repeats and void ones."""
    parked: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A record and its event. ``problem``: why it cannot be read, or why the database does not take its rows."""

    record: Record
    event: Mapping[str, Any] | None
    problem: Unusable | None = None


def decoded(records: Iterable[Record], decode: Callable[[bytes], Mapping[str, Any]]) -> list[Decoded]:
    """Decode records; one that cannot be read keeps its reason."""
    result = []
    for record in records:
        try:
            result.append(Decoded(record, _said(decode(record.value))))
        except Unusable as problem:
            result.append(Decoded(record, None, problem))
    return result


def _said(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event whose nested records hold only what they say: of the fields that may change most do not."""
    said = {
        part: {name: value for name, value in told.items() if value is not None}
        for part in PARTS
        if (told := event.get(part))
    }
    return {**event, **said}


class Batch:
    """Folds records onto state that was loaded before. ``heads`` and ``rows`` answer for everything the batch needs."""

    def __init__(self, heads: dict[str, Head], rows: dict[tuple[str, str], Row], now: int) -> None:
        self.heads = heads
        self.rows = rows
        self.writes = Writes(now=now)
        self.counts = Counts()

    def fold(self, at: Mapping[tuple[str, int], Reached], records: Iterable[Decoded]) -> Writes:
        """Fold records in offset order per partition, beginning where the partitions are."""
        reached = {where: Reached(r.next_offset, r.chain, r.count, r.epoch) for where, r in at.items()}
        for one in records:
            record = one.record
            where = reached[record.topic, record.partition]
            where.chain = hashlib.sha256(where.chain + record.value).digest()
            where.next_offset = record.offset + 1
            where.count += 1
            if one.event is None or (one.problem is not None and "version" not in one.event):
                self._park(record, one.event, one.problem)
            elif "version" not in one.event:
                self._raw(one.event)
            else:
                self._event(record, one.event, where.chain, one.problem)
        self.writes.expected = dict(at)
        self.writes.reached = reached
        return self.writes

    def _event(self, record: Record, event: Mapping[str, Any], chain: bytes, refused: Unusable | None) -> None:
        stream = event["stream_id"]
        head = self.heads.get(stream, NOTHING)
        if not follows(head, event["follows"], event["version"]):
            self.counts.skipped += 1
            return
        recorded = max(event["recorded_at"], head.recorded_at or 0)
        if recorded != event["recorded_at"]:
            event = {**event, "recorded_at": recorded}
        if head.parked:
            self._behind(record, event)
            row_id = head.row_id
        else:
            try:
                if refused is not None:
                    raise refused  # the database said no to what this event folds to
                self._apply(record, event, chain)
            except Unusable as problem:
                self._park(record, event, problem)
                head = head._replace(parked=True)
            opened = event.get("enrollment_row_id") if event.get("existing_enrollment_id") is None else None
            row_id = opened or head.row_id
        new = Head(event["event_id"], event["version"], recorded, row_id, head.parked)
        self.heads[stream] = new
        self.writes.heads[stream] = (event["stream_kind"], event["company_id"], new)

    def _apply(self, record: Record, event: Mapping[str, Any], chain: bytes) -> None:
        """Fold an event that counts into its rows, and into the audit row of what changed."""
        try:
            changed = [
                (projection.table, key, known, new)
                for projection, key in targets(event)
                if (new := projection.fold(known := self.rows.get((projection.name, key)), event, key)) is not None
            ]
        except (KeyError, TypeError, ValueError) as problem:
            raise Unusable(
                f"event: cannot be folded ({type(problem).__name__}: {problem}); expected an event of a known shape",
                field="event", rule="foldable", expected="an event of a known shape",
            ) from problem  # fmt: skip
        about = audit.entity(event)
        values: tuple[Any, Any, Any] = (None, None, None)
        also: dict[str, Any] = {}
        relinked = False
        names = changed_names(event)
        for table, key, known, new in changed:
            self.rows[table.name, key] = new
            self.writes.rows.setdefault(table.name, {})[key] = new
            if table.name in HISTORY:
                self._remember(table.name, new, event)
            told = differences(table, known, names, new)
            if key == about:
                values = told
            elif known is not None and told[2] is not None:
                also[f"{table.name}/{key}"] = orjson.loads(told[2])
            relinked = relinked or (known is not None and known.get("employee_id") is not None and is_link(event))
        position = (record.topic, record.partition, record.offset)
        self.writes.audit.append(audit.row(event, position, chain, values, also=also, relinked=relinked))
        self.counts.folded += 1

    def _remember(self, table: str, row: Row, event: Mapping[str, Any]) -> None:
        history = HISTORY[table]
        version = {name: row[name] for name in names_of(history) if name in row}
        version["version"] = event["version"]
        version["event_id"] = event["event_id"]
        version["recorded_at"] = event["recorded_at"]
        version["effective_from"] = row["effective_from"]
        version["fold_state"] = {}
        self.writes.history.setdefault(table, []).append(version)

    def _raw(self, event: Mapping[str, Any]) -> None:
        """A raw record: no stream, no version; its fold is the same whether it comes once or twice."""
        for projection, key in targets(event):
            new = projection.fold(self.rows.get((projection.name, key)), event, key)
            if new is not None:
                self.rows[projection.name, key] = new
                self.writes.rows.setdefault(projection.name, {})[key] = new
        self.counts.folded += 1

    def _park(self, record: Record, event: Mapping[str, Any] | None, problem: Unusable | None) -> None:
        self.counts.parked += 1
        self.writes.dead.append(dead_letter("parked", record, event, problem, self.writes.now))

    def _behind(self, record: Record, event: Mapping[str, Any]) -> None:
        self.counts.parked += 1
        self.writes.dead.append(dead_letter("behind", record, event, None, self.writes.now))


def is_link(event: Mapping[str, Any]) -> bool:
    """Whether the event is about who somebody is."""
    return not LINKS.isdisjoint(event["transitions"])


def changed_names(event: Mapping[str, Any]) -> set[str]:
    """The names of what an event changes, of whichever row."""
    names: set[str] = set()
    for part in PARTS:
        if told := event.get(part):
            names.update(name for name, value in told.items() if value is not None)
    for part in ("cleared", "enrollment_cleared", "lesson_cleared", "config_cleared"):
        names |= set(event.get(part) or ())
    return names


def dead_letter(kind: str, record: Record, event: Mapping[str, Any] | None, problem: Unusable | None, now: int) -> Row:
    """A record of the log that waits: parked with its reason, or behind a parked one."""
    row: Row = dict.fromkeys(TABLES["dead_letter"].columns.keys())
    row["id"] = ids.derived(ids.ROOT, "dead letter", record.topic, str(record.partition), str(record.offset))
    row["kind"] = kind
    row["topic"], row["partition"], row["offset"] = record.topic, record.partition, record.offset
    if event is not None:
        row["company_id"] = event["company_id"]
        row["stream_id"] = event.get("stream_id")
        row["lms_integration_id"] = event.get("integration_id")
    if problem is not None:
        row["field"], row["rule"], row["expected"] = problem.field, problem.rule, problem.expected
        row["message"] = str(problem)
    row["record"] = record.value[: 64 * 1024]
    row["record_size"] = len(record.value)
    row["record_sha256"] = hashlib.sha256(record.value).digest()
    row["recorded_at"] = now
    return row
