"""Publishing items: seal what is personal, append raw records and observations in the order that causes come first."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.contract import Item
from connectors.observe import Unsealed
from hub.domain import ids
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import Sealer, to_text
from hub.errors import Unusable

OBSERVATIONS, STATEMENTS, DEADLETTER = "lms.observations", "lms.statements", "lms.deadletter"
FIRST = ("course", "account")
ORDER = {"lms.observation.enrollment.v1": 0, "lms.observation.lesson.v1": 1, "lms.observation.voided.v1": 2}
REMEMBERED = 20_000
"""Courses and accounts whose details a run remembers having told, the most recently met ones."""
WHOLE = "record"
"""The field of a dead letter where the record as a whole is wrong and no part of it can be named."""

Append = Callable[[str, Sequence[tuple[str, bytes]]], list[tuple[str, int, int]]]


def storable(text: str) -> str:
    """A text as tables can hold it: NUL and halves of characters, which keys and names of files may have, escaped."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


@dataclass(slots=True)
class Publisher:
    """Publishes items of one run."""

    config: IntegrationConfig
    run_id: str
    source_name: str
    sealer: Sealer
    append: Append
    encode: Callable[[dict[str, Any]], bytes]
    clock: Callable[[], int]
    known_dead: Callable[[Collection[str]], set[str]]
    """Which of these dead letters exist already."""
    reached: dict[tuple[str, int], int] = field(default_factory=dict)
    """(topic, partition) → offset behind what this run published."""
    _told: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """(type, stream) → the details of courses and accounts that this run has told"""
    _details: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    """The same sets of details, each kept once: most accounts have told the same ones"""

    def seal(self, items: Iterable[Item]) -> None:
        """Seal the personal texts of these items, with the keys of all people made in one round trip."""
        holders = [told["facts"] for item in items for told in item.observations if "facts" in told]
        holders += [raw for item in items for raw in item.raw]
        waiting = [
            (holder, name, value) for holder in holders for name, value in holder.items() if isinstance(value, Unsealed)
        ]
        if not waiting:
            return
        self.sealer.prepare(self.config.company_id, {value.subject for _, _, value in waiting})
        for holder, name, value in waiting:
            holder[name] = to_text(self.sealer.seal(value.subject, value.text, self.config.company_id))

    def raw(self, items: Iterable[Item]) -> None:
        """Append the raw records (statements)."""
        records = [
            (f"statement/{raw['statement_id']}", self.encode(raw | {"correlation_id": self.run_id}))
            for item in items
            for raw in item.raw
        ]
        self.send(STATEMENTS, records)

    def causes(self, items: Iterable[Item]) -> None:
        """Append courses and accounts. Within a run the first word on each detail stands: many records of one source
        tell of the same course, and where they disagree a repeat of the run must not change it back and forth."""
        told = [o for item in items for o in item.observations if o["stream_kind"] in FIRST]
        self._observations([news for o in told if (news := o if o["counted"] else self._news(o)) is not None])

    def effects(self, items: Iterable[Item]) -> None:
        """Append enrollments, then lessons, then what takes out something told."""
        told = [o for item in items for o in item.observations if o["stream_kind"] not in FIRST]
        self._observations(sorted(_marked(told), key=lambda o: ORDER[o["type"]]))

    def rejected(self, items: Iterable[Item]) -> None:
        """Keep what cannot be taken in, with its reason; once however often it is seen."""
        events: dict[str, dict[str, Any]] = {}
        for event in (self._rejection(item) for item in items if item.problem is not None):
            events.setdefault(event["event_id"], event)
        if not events:
            return
        known = self.known_dead(list(events))
        self.send(
            DEADLETTER, [(f"record/{key}", self.encode(event)) for key, event in events.items() if key not in known]
        )

    def _news(self, observation: dict[str, Any]) -> dict[str, Any] | None:
        """The observation with what this run has not told yet; None where that is nothing."""
        key = (observation["type"], observation["stream_id"])
        before = self._told.pop(key, None)
        facts = {name: value for name, value in observation["facts"].items() if before is None or name not in before}
        told = frozenset(facts) | (before or frozenset())
        self._told[key] = self._details.setdefault(told, told)
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        if before is not None and not facts:
            return None
        return {**observation, "facts": facts}

    def _observations(self, told: Sequence[dict[str, Any]]) -> None:
        self.send(OBSERVATIONS, [(f"{o['stream_kind']}/{o['stream_id']}", self.encode(o)) for o in told])

    def send(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """Append records, and remember how far that reaches."""
        if not records:
            return
        for name, partition, offset in self.append(topic, records):
            where = (name, partition)
            self.reached[where] = max(self.reached.get(where, 0), offset + 1)

    def _rejection(self, item: Item) -> dict[str, Any]:
        problem = item.problem or Unusable("")
        company = self.config.company_id
        digest = item.sha256 or hashlib.sha256(item.kept).digest()
        field_name = storable(problem.field) or WHOLE
        # Where nothing is kept the fault is the file's: nothing but its place tells it from another file's.
        place = () if item.kept else (self.source_name, storable(item.position))
        keeper = ids.derived(company, "dead letters")
        text = item.kept.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        return {
            "type": "lms.record.rejected.v1",
            "event_id": rejection_id(self.config, item.native_id, digest, field_name, problem.rule, place),
            "company_id": company,
            "integration_id": self.config.id,
            "recorded_at": self.clock(),
            "correlation_id": self.run_id,
            "run_id": self.run_id,
            "source_name": self.source_name,
            "source_position": storable(item.position),
            "native_id": item.native_id,
            "stream_id": None,
            "field": field_name,
            "rule": problem.rule,
            "expected": storable(problem.expected),
            "message": storable(str(problem)),
            "record": to_text(self.sealer.seal(keeper, text, company)) if text.strip() else None,
            "record_size": item.size or len(item.kept),
            "record_sha256": digest,
            "observation": None,
        }


def rejection_id(
    config: IntegrationConfig,
    native_id: str | None,
    digest: bytes,
    field_name: str,
    rule: str,
    place: Sequence[str] = (),
) -> str:
    """The id of a dead letter: the same record, rejected for the same reason, is the same letter."""
    return ids.derived(config.company_id, "rejected", config.id, str(native_id), digest.hex(), field_name, rule, *place)


def _marked(told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The observations in their order, marked where a later one overtakes them: a source that gives two states of one
    thing with one own time gives them anew at every run, and each of them would look like a change of the other."""
    times = Counter(one["stream_id"] for one in told)
    after: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
    """Thing and own time → the facts that later observations tell"""
    marked = []
    for one in reversed(told):
        is_overtaken = False
        if times[one["stream_id"]] > 1 and _is_timed_state(one):
            later = after[one["type"], one["stream_id"], one.get("lesson_key"), one["source_time"]]
            names = {name for name, value in one["facts"].items() if value is not None}
            is_overtaken = names <= later
            later |= names
        marked.append(one | {"overtaken": True} if is_overtaken else one)
    marked.reverse()
    return marked


def _is_timed_state(one: dict[str, Any]) -> bool:
    return "facts" in one and one["source_time"] is not None and one["content_id"] is None
