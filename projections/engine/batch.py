"""One batch of records folded in memory: from loaded heads and rows to everything that one transaction writes.

In order: chain every record, judge it (counts, repeat, void), fold what counts, build its audit row. A record that
cannot be folded is parked with its reason, and what follows in its stream waits behind it, unjudged, since what it follows
is not known yet; other streams flow. Void, parked and discarded records are part of the chain like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from hub.domain import ids
from hub.domain.events import all_types
from hub.domain.heads import NOTHING, Head, observation_offset
from hub.domain.rows import Row
from hub.errors import Unusable
from hub.log.port import Record
from hub.log.shape import shape_of
from projections import audit
from projections.auditvalues import Told, differences
from projections.engine.judge import follows
from projections.engine.versions import version_of
from projections.folds import Projection, targets
from projections.tables import HISTORY, TABLES

START = bytes(32)
"""The chain's head before the first record."""
Discarded = Mapping[tuple[str, int, int], bytes]
"""(topic, partition, offset) → SHA-256 of the records that people have discarded."""
NONE_DISCARDED: Discarded = {}
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


class Decoded(NamedTuple):
    """A record, its event, and the rows that it concerns.

    ``problem``: why it cannot be read, or why the database does not take its rows.
    """

    record: Record
    event: Mapping[str, Any] | None
    targets: Sequence[tuple[Projection, str]] = ()
    problem: Unusable | None = None


def decoded(records: Iterable[Record], decode: Callable[[bytes], Mapping[str, Any]]) -> list[Decoded]:
    """Decode records; one that cannot be read keeps its reason."""
    result = []
    for record in records:
        try:
            event = decode(record.value)
            result.append(Decoded(record, event, targets(event)))
        except Unusable as problem:
            result.append(Decoded(record, None, (), problem))
    return result


class Batch:
    """Folds records onto state that was loaded before. ``heads`` and ``rows`` answer for everything the batch needs.

    ``discarded``: position → SHA-256 of the records that people have discarded; they never count."""

    def __init__(
        self, heads: dict[str, Head], rows: dict[tuple[str, str], Row], now: int, discarded: Discarded = NONE_DISCARDED
    ) -> None:
        self.heads = heads
        self.rows = rows
        self._discarded = discarded
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
            if self._discarded and is_discarded(record, self._discarded):
                self.counts.skipped += 1
            else:
                self.one(one, where.chain)
        self.writes.expected = dict(at)
        self.writes.reached = reached
        return self.writes

    def one(self, one: Decoded, chain: bytes) -> None:
        """Fold one record. ``chain``: the chain's head after it."""
        if one.event is None or (one.problem is not None and "version" not in one.event):
            self._put_aside("parked", one.record, one.event, chain, one.problem)
        elif "version" not in one.event:
            self._raw(one.event, one.targets)
        else:
            self._event(one, one.event, chain)

    def _event(self, one: Decoded, event: Mapping[str, Any], chain: bytes) -> None:
        stream = event["stream_id"]
        head = self.heads.get(stream, NOTHING)
        if head.parked and event["version"] > head.version:
            self._put_aside("behind", one.record, event, chain)
            return
        if head.parked or not follows(head, event["follows"], event["version"]):
            self.counts.skipped += 1
            return
        recorded = max(event["recorded_at"], head.recorded_at or 0)
        if recorded != event["recorded_at"]:
            event = {**event, "recorded_at": recorded}
        try:
            if one.problem is not None:
                raise one.problem  # the database said no to what this event folds to
            self._apply(one, event, chain)
        except Unusable as problem:
            self._put_aside("parked", one.record, event, chain, problem)
            new = head._replace(parked=True)
        else:
            opened = event.get("enrollment_row_id") if event.get("existing_enrollment_id") is None else None
            new = Head(
                event["event_id"], event["version"], recorded, opened or head.row_id, False,
                observation_offset(event, head),
            )  # fmt: skip
        self.heads[stream] = new
        self.writes.heads[stream] = (event["stream_kind"], event["company_id"], new)

    def _apply(self, one: Decoded, event: Mapping[str, Any], chain: bytes) -> None:
        """Fold an event that counts into its rows, and into the audit row of what changed."""
        try:
            changed = [
                (projection.table, key, known, new)
                for projection, key in one.targets
                if (new := projection.fold(known := self.rows.get((projection.name, key)), event, key)) is not None
            ]
        except (KeyError, TypeError, ValueError) as problem:
            raise Unusable(
                f"event: cannot be folded ({type(problem).__name__}: {problem}); expected an event of a known shape",
                field="event", rule="foldable", expected="an event of a known shape",
            ) from problem  # fmt: skip
        about, names = audit.entity(event), changed_names(event)
        values: Told = (None, None, None)
        also: dict[str, Any] = {}
        for table, key, known, new in changed:
            name = table.name
            self.rows[name, key] = new
            self.writes.rows.setdefault(name, {})[key] = new
            if name in HISTORY:
                self.writes.history.setdefault(name, []).append(version_of(table, known, new, event))
            if key == about:
                values = differences(table, known, names, new)
            elif known is not None and (told := differences(table, known, names, new)[2]) is not None:
                also[f"{name}/{key}"] = told
        relinked = is_link(event) and any(known and known.get("employee_id") for _, _, known, _ in changed)
        position = one.record[:3]
        self.writes.audit.append(audit.row(event, position, chain, values, also=also, relinked=relinked))
        self.counts.folded += 1

    def _raw(self, event: Mapping[str, Any], concerned: Sequence[tuple[Projection, str]]) -> None:
        """A raw record: no stream, no version; its fold is the same whether it comes once or twice."""
        for projection, key in concerned:
            new = projection.fold(self.rows.get((projection.name, key)), event, key)
            if new is not None:
                self.rows[projection.name, key] = new
                self.writes.rows.setdefault(projection.name, {})[key] = new
        self.counts.folded += 1

    def _put_aside(
        self,
        kind: str,
        record: Record,
        event: Mapping[str, Any] | None,
        chain: bytes,
        problem: Unusable | None = None,
    ) -> None:
        """Park a record, or let it wait behind one that is parked."""
        self.counts.parked += 1
        self.writes.dead.append(dead_letter(kind, record, event, problem, chain, self.writes.now))


def is_discarded(record: Record, discarded: Discarded) -> bool:
    """Whether somebody discarded this very record."""
    known = discarded.get((record.topic, record.partition, record.offset))
    return known is not None and known == hashlib.sha256(record.value).digest()


def is_link(event: Mapping[str, Any]) -> bool:
    """Whether the event is about who somebody is."""
    return not LINKS.isdisjoint(event["transitions"])


def changed_names(event: Mapping[str, Any]) -> set[str]:
    """The names of what an event changes, of whichever row."""
    names: set[str] = set()
    for part in _parts_of(event["type"]):
        if told := event[part]:
            names.update(told)
    return names


@cache
def _parts_of(event_type: str) -> tuple[str, ...]:
    """The fields of a type that hold new values by name, or the names of what became unknown."""
    fields = shape_of(all_types()[event_type])
    return tuple(field.name for field in fields if field.kind == "record" or field.name.endswith("cleared"))


def dead_letter(
    kind: str, record: Record, event: Mapping[str, Any] | None, problem: Unusable | None, chain: bytes, now: int
) -> Row:
    """A record of the log that waits: parked with its reason, or behind a parked one."""
    row: Row = dict.fromkeys(TABLES["dead_letter"].columns.keys())
    row["id"] = ids.waiting_record(record.topic, record.partition, record.offset)
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
    row["chain"] = chain
    row["recorded_at"] = now
    return row
