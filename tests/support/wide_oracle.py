"""What must hold of the wide world: at any moment, and when all is done.

At any moment a fold from the beginning gives the live tables, row for row, with histories, trail, heads and chains. In the
end the tables are those of a stranger who reads the log (:mod:`tests.support.stranger`), and each stream's trail is what one
decider would have told, whom nobody disturbs, with the commands in between where the trail has them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hub.domain import directory, enrollment, ids, lesson
from hub.domain.learning import Context, Draft, State, Told
from hub.log import codec
from projections.engine.batch import Writes
from projections.engine.discards import discards
from projections.engine.folder import Folder
from projections.engine.memory import Tables
from tests.support.model import BEGINNING, COMPANY, ENROLLMENT, OBSERVATIONS, PARTITIONS
from tests.support.oracle import names_of, same
from tests.support.parking import ParkedWorld, place_of
from tests.support.stranger import Counted, Stranger
from tests.support.wide import WideStore, refusal

LESSON = "lms_learning_progress"
OF_LMS = {"lms.observation.enrollment.v1", "lms.observation.lesson.v1", "lms.observation.course.v1"}
"""Observations whose decision needs nothing but their own stream: in the model the catalogue has no say in enrollments."""


# -- at any moment


def rebuilt(world: ParkedWorld, *, backwards: bool = False) -> Tables:
    """Fresh tables, folded from the beginning to where the live ones are, record by record, one partition after the other.

    What waits in the live tables cannot be folded here, either: it may be that the fault is mended and nobody has asked for
    a replay yet. For the same reason a discard counts once the live tables have followed it.
    """
    waiting = {place_of(row): row for row in world.tables.dead.values()}
    smudged = {where for where, row in waiting.items() if row["kind"] == "parked" and row["stream_id"] is None}
    at: list[tuple[str, int, int]] = []

    def decode(value: bytes) -> dict[str, Any]:
        return codec.decode(b"" if at[-1] in smudged else value)

    def refuse(writes: Writes) -> None:
        if writes.audit and waiting.get(at[-1], {}).get("kind") == "parked":
            raise refusal()

    tables = Tables()
    store = WideStore(tables)
    store.refuse = refuse
    followed = {where: sha for where, sha in discards(world.log, codec.decode).items() if where not in waiting}
    folder = Folder(store, decode, world.clock, followed)
    partitions = [(topic, part) for topic in world.topics for part in range(PARTITIONS)]
    folder.own(partitions)
    for where in reversed(partitions) if backwards else partitions:
        live = world.tables.at.get(where)
        for record in world.log.read({where: 0}, 100_000)[: live.next_offset if live else 0]:
            at.append(record[:3])
            folder.fold([record])
    return tables


def compare(world: ParkedWorld, *, backwards: bool = False) -> None:
    """Hold a fold from the beginning against the live tables."""
    fresh, live = rebuilt(world, backwards=backwards), world.tables
    for table in {*fresh.rows, *live.rows}:
        same(f"rebuilt {table}", fresh.rows.get(table, {}), live.rows.get(table, {}))
    for table in {*fresh.history, *live.history}:
        same(f"rebuilt history of {table}", _by_row(fresh.history, table), _by_row(live.history, table))
    same("rebuilt trail", fresh.audit, live.audit)
    same("rebuilt heads", fresh.heads, live.heads)
    same("rebuilt dead letters", _waiting(fresh), _waiting(live))
    for where, reached in live.at.items():
        found = fresh.at.get(where, reached)
        assert (found.next_offset, found.chain, found.count) == (reached.next_offset, reached.chain, reached.count)


def _by_row(history: Mapping[str, Sequence[Any]], table: str) -> dict[str, list[Any]]:
    versions = defaultdict(list)
    for version in history.get(table, ()):
        versions[str(version["id"])].append(version)
    return dict(versions)


def _waiting(tables: Tables) -> dict[str, Any]:
    """What waits, without when and why it was put aside; observations are no part of a fold."""
    letters = [row for row in tables.dead.values() if row["topic"] != OBSERVATIONS]
    return {row["id"]: {name: row[name] for name in ("kind", "stream_id", "chain", "record_sha256")} for row in letters}


# -- in the end


def verify(world: ParkedWorld) -> None:
    """Everything was decided, and every act was followed."""
    read = Stranger(world.log, world.topics)
    tables = world.tables
    trail = {event: _where(row) for event, row in tables.audit.items()}
    counted = {one.event["event_id"]: one.where for events in read.counted.values() for one in events}
    assert len(counted) == sum(map(len, read.counted.values())), "one fact counts once"
    same("what counts", trail, counted)
    for where, (count, head) in read.chains.items():
        if count:
            assert (tables.at[where].next_offset, tables.at[where].count, tables.at[where].chain.hex()) == (
                count,
                count,
                head,
            )
    for table in {*read.rows, *tables.rows}:
        same(
            table, {key: _flat(row) for key, row in tables.rows.get(table, {}).items()}, dict(read.rows.get(table, {}))
        )
    assert not tables.dead, "nothing waits"
    compare(world)
    _verify_links(world)
    _verify_commands(world, read, trail)
    observations = _observations(world)
    _verify_accounting(world, read, observations)
    for stream, told in observations.items():
        _Retold(stream, told, read).check()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {**row, **(row.get("fold_state") or {})}
    return {name: value for name, value in values.items() if value is not None and name != "fold_state"}


def _where(row: Mapping[str, Any]) -> tuple[str, int, int]:
    context = row["additional_context"]
    return context["topic"], context["partition"], context["offset"]


def _verify_links(world: ParkedWorld) -> None:
    """Every enrollment and every lesson says the employee that its account says."""
    accounts = world.tables.rows["lms_account"]
    employees = {key: row["employee_id"] for key, row in world.tables.rows.get(ENROLLMENT, {}).items()}
    for row in world.tables.rows.get(ENROLLMENT, {}).values():
        assert row["employee_id"] == (accounts.get(row["fold_state"]["account_id"]) or {}).get("employee_id")
    for row in world.tables.rows.get(LESSON, {}).values():
        assert row["employee_id"] == employees[row["enrollment_id"]]


def _verify_commands(world: ParkedWorld, read: Stranger, trail: Mapping[str, Any]) -> None:
    """A command that was answered lies where its answer says; those that add to a count count once each."""
    for command, answer in world.answers.items():
        position = getattr(answer, "position", None)
        assert position is None or trail[command] == position
    wanted, found = Counter[str](), Counter[str]()
    for stream, events in read.counted.items():
        accesses = [one for one in events if one.event["event_id"] in world.wishes]
        wanted[stream] += sum(one.event["type"] != "lms.command.refused.v1" for one in accesses)
        for cycle in range(1, 20):
            found[stream] += (
                read.rows[ENROLLMENT].get(ids.enrollment_row(stream, cycle), {}).get("total_access_count", 0)
            )
    same("accesses", +found, +wanted)


def _observations(world: ParkedWorld) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """stream → its observations, (position, observation), in the order of the log."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for part in range(PARTITIONS):
        for record in world.log.read({(OBSERVATIONS, part): 0}, 100_000):
            if record.value.startswith(b"\0"):
                told = codec.decode(record.value)
                found[told["stream_id"]].append((f"{OBSERVATIONS}/{part}/{record.offset}", told))
        end = world.log.ends(OBSERVATIONS)[part]
        assert world.tables.decided.get(part, 0) == end, "every observation is settled"
    return found


def _verify_accounting(world: ParkedWorld, read: Stranger, observations: Mapping[str, Any]) -> None:
    """Each observation, a run of its own here, has one outcome; *changed* needs an event that it caused, and one only.

    What caused an event is changed, or unmatched, which comes first; or stored, where it waited behind a parked record.
    """
    causes = Counter(one.event["causation_id"] for events in read.counted.values() for one in events)
    letters = {row["run_id"] for row in world.tables.rows.get("dead_letter", {}).values()}
    for told in observations.values():
        for position, one in told:
            counts = {name: n for name, n in world.tables.outcomes[one["run_id"]].items() if n}
            assert list(counts.values()) == [1], f"{position} has the outcomes {counts}"
            (outcome,) = counts
            assert causes[position] <= 1, f"{position} led to {causes[position]} events"
            allowed = (
                ("changed", "unmatched", "stored")
                if causes[position]
                else ("unchanged", "unmatched", "stored", "rejected")
            )
            assert outcome in allowed, f"{position} is {outcome} and led to {causes[position]} events"
            assert one["run_id"] not in letters or outcome == "rejected"


class _Retold:
    """One stream told again by a decider whom nobody disturbs."""

    def __init__(self, stream: str, told: list[tuple[str, dict[str, Any]]], read: Stranger) -> None:
        self.stream, self.told = stream, [one for one in told if one[1]["type"] in OF_LMS]
        self.events = read.counted.get(stream, [])
        self.disturbed = {_cause_at(read, where) for where in read.discarded}
        """Observations whose event was discarded: they need not be told."""
        self.state = Stranger.__new__(Stranger)
        self.state.rows = defaultdict(dict)
        self.used: set[Any] = set()
        self.newest: str | None = None

    def check(self) -> None:
        """Every event is what its observation says on the rows as they were; the other observations are no news."""
        place = {position: number for number, (position, _) in enumerate(self.told)}
        silent = set(place) - {one.event["causation_id"] for one in self.events}
        reached = -1
        calm = self.disturbed.isdisjoint(place)
        for one in self.events:
            number = place.get(one.event["causation_id"])
            self._hear(silent, place, reached, number if calm else None)
            if number is not None:
                assert number > reached or not calm, (
                    f"{self.stream}: {one.event['causation_id']} was told before its turn"
                )
                reached = max(reached, number) if calm else -1
                self._check(one, self.told[number][1])
            self._take(one)
        self._hear(silent, place, reached, None)
        silent -= self.disturbed
        assert not silent, f"{self.stream}: {sorted(silent)} would have been news"

    def _hear(self, silent: set[str], place: Mapping[str, int], reached: int, until: int | None) -> None:
        """Which of the silent observations, those after ``reached`` and before ``until``, are no news now?"""
        for position in sorted(silent):
            if reached < place[position] and (until is None or place[position] < until):
                told = self.told[place[position]][1]
                if self._is_no_news(told):
                    silent.discard(position)

    def _is_no_news(self, told: Mapping[str, Any]) -> bool:
        first, again = self._names(told)
        if {first, again} <= self.used or told["facts"].get("course_type") not in (None, "eLearning"):
            return True
        if told["company_id"] != COMPANY or told["integration_id"] != ids.integration_id(COMPANY, "main"):
            return True  # whether it was configured then is a matter of another stream
        if told["type"] == "lms.observation.course.v1":
            return self._course(told) is None
        draft = self._draft(told, None)
        return draft is None or (first in self.used and draft.late)

    def _check(self, one: Counted, told: Mapping[str, Any]) -> None:
        event = one.event
        first, again = self._names(told)
        assert not {first, again} <= self.used, f"{one.where}: was told before"
        if told["type"] == "lms.observation.course.v1":
            change = self._course(told)
            assert change is not None
            wanted = {"type": change.type, "change": change.values, "cleared": list(change.cleared)}
        else:
            draft = self._draft(told, event)
            assert draft is not None, f"{one.where}: is no news"
            assert not (first in self.used and draft.late), f"{one.where}: is told again, and late"
            body = draft.body(Told(self.stream, "", "", "", None, 0), False)
            names = ("transitions", "cycle", "enrollment_row_id", "late", "enrollment", "enrollment_cleared", "lesson_id",
                     "lesson_row_id", "lesson", "lesson_cleared", "existing_enrollment_id")  # fmt: skip
            wanted = {name: body[name] for name in names} | {"type": draft.type}
        same(
            f"the event at {one.where}",
            {name: _plain(event[name]) for name in wanted},
            {k: _plain(v) for k, v in wanted.items()},
        )
        self.used.add(again if first in self.used else first)

    def _take(self, one: Counted) -> None:
        self.state.fold(one.event)
        if one.event.get("enrollment_row_id") and one.event["existing_enrollment_id"] is None:
            self.newest = one.event["enrollment_row_id"]

    @staticmethod
    def _names(told: Mapping[str, Any]) -> tuple[Any, Any]:
        return names_of({"content_id": None, **told}) if told["type"] in OF_LMS else ("", "")

    def _draft(self, told: Mapping[str, Any], event: Mapping[str, Any] | None) -> Draft | None:
        known = Told(
            told["stream_id"], told["integration_id"], told["account_id"], told["course_key"], told["source_time"],
            told["observed_at"], told.get("lesson_key"), single=told["content_id"] is not None,
        )  # fmt: skip
        facts = {name: value for name, value in told["facts"].items() if value is not None}
        whose = ((event or {}).get("enrollment") or {}).get("employee_id")
        context = Context(BEGINNING if event is None else event["recorded_at"], employee_id=whose)
        row = self.state.rows[ENROLLMENT].get(self.newest or "")
        if known.lesson_key is None:
            return enrollment.decide(State(row), known, facts, context)
        part = self.state.rows[LESSON].get(ids.lesson_row(row["id"], known.lesson_key)) if row else None
        return lesson.decide(State(row, part), known, facts, context)

    def _course(self, told: Mapping[str, Any]) -> directory.Change | None:
        own, row = told["source_time"], self.state.rows["course"].get(self.stream)
        facts = {name: value for name, value in told["facts"].items() if value is not None}
        time = told["observed_at"] if own is None else own
        return directory.course_seen(row, facts, time, own_time=own is not None, retired=bool(told["retired"]))


def _cause_at(read: Stranger, where: tuple[str, int, int]) -> str | None:
    """What a discarded record was decided from."""
    topic, part, offset = where
    value = read.log.read({(topic, part): offset}, 1)[0].value
    return codec.decode(value).get("causation_id") if value.startswith(b"\0") else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items() if one is not None} or None
    return list(value) if isinstance(value, list | tuple) else value
