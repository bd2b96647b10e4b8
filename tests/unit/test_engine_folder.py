"""The folder and its batches on the memory store: what counts, what is parked, what is never written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from hub.deciding.commands import Commands
from hub.directory.commands import upsert
from hub.domain import ids
from hub.domain.heads import Head
from hub.errors import Fatal, Retriable
from hub.log import codec
from hub.log.port import Record
from projections.engine.batch import Reached, Writes
from projections.engine.folder import Folder, Gap, OwnershipLost, RowRefused
from projections.engine.judge import Verdict, verdict
from projections.engine.memory import MemoryStore, Tables
from tests.support.model import COMPANY, DEADLETTER, DIRECTORY, FOREIGN, LEARNING, PARTITIONS, World, stream_of

NOW = 1_770_000_000_000_000
ENROLLMENT = "lms_course_enrollment"


class ChoosyStore(MemoryStore):
    """A store that does not take the row of one event, and fails as often as it is told to."""

    def __init__(self, tables: Tables, refuses: Record | None = None) -> None:
        super().__init__(tables)
        self.refuses = None if refuses is None else codec.decode(refuses.value)["event_id"]
        self.failures: list[Exception] = []

    def commit(self, writes: Writes) -> None:
        if self.failures:
            raise self.failures.pop()
        if self.refuses in [row["id"] for row in writes.audit]:
            raise RowRefused("progress: not taken", field="progress_percentage", rule="check", expected="another")
        super().commit(writes)


def told(topic: str, *observations: tuple[int, int]) -> list[Record]:
    """The records of a topic after these observations, (stream, progress), were decided in this order."""
    world = World()
    for own, (stream, progress) in enumerate(observations, 1):
        more: dict[str, Any] = {"integration_id": FOREIGN} if topic == DEADLETTER else {}
        world.tell(stream, {"progress": progress}, own=own, **more)
        world.run(world.decide())
    return everything(world, topic)


def everything(world: World, topic: str) -> list[Record]:
    """All records of a topic."""
    return world.log.read({(topic, part): 0 for part in range(PARTITIONS)}, 1000)


def moved(records: list[Record], by: int) -> list[Record]:
    """The same records once more, further on in their partition."""
    return [record._replace(offset=record.offset + by) for record in records]


def folder_on(store: MemoryStore, topic: str = LEARNING) -> Folder:
    """A folder that owns all partitions of a topic."""
    folder = Folder(store, codec.decode, lambda: NOW)
    folder.own([(topic, part) for part in range(PARTITIONS)])
    return folder


@pytest.mark.parametrize(
    ("follows", "version", "applied", "expected"),
    [
        ("x", 3, False, Verdict.COUNTS),
        ("x", 3, True, Verdict.COUNTS),
        ("x", 2, True, Verdict.REPEAT),
        ("x", 4, False, Verdict.VOID),
        ("w", 3, False, Verdict.VOID),
        (None, 1, True, Verdict.REPEAT),
    ],
)
def test_a_record_counts_by_what_it_follows_and_the_version_it_makes(
    follows: str | None, version: int, applied: bool, expected: Verdict
) -> None:
    """Both must be right; else it is a repeat where its event was applied, and void where not."""
    assert verdict(Head("x", 2), follows, version, applied=applied) == expected


def test_repeats_and_void_records_are_passed_over_and_counted() -> None:
    """The same records once more change no row, but they are part of count and chain."""
    tables = Tables()
    folder = folder_on(MemoryStore(tables))
    records = told(LEARNING, (0, 1000), (0, 2000))
    assert folder.fold(records).folded == 2
    rows = dict(tables.rows[ENROLLMENT])
    counts = folder.fold(moved(records, 2))
    assert (counts.folded, counts.skipped, counts.parked) == (0, 2, 0)
    assert tables.rows[ENROLLMENT] == rows
    assert tables.at[LEARNING, records[0].partition].count == 4


def test_the_chain_is_that_of_the_bytes_on_the_wire() -> None:
    """h(n) = SHA-256(h(n−1) ‖ bytes), however the records are cut into batches; each audit row has its link."""
    records = told(LEARNING, (0, 1000), (0, 2000), (0, 3000))
    links, head = [], bytes(32)
    for record in records:
        head = hashlib.sha256(head + record.value).digest()
        links.append(head.hex())
    for cuts in ([3], [1, 2], [1, 1, 1]):
        tables, done = Tables(), 0
        folder = folder_on(MemoryStore(tables))
        for cut in cuts:
            folder.fold(records[done : done + cut])
            done += cut
        assert [row["additional_context"]["chain"] for row in tables.audit.values()] == links
        assert tables.at[LEARNING, records[0].partition].chain == head


def test_what_the_database_refuses_is_parked_and_the_rest_is_folded() -> None:
    """Of a batch over three streams one record is refused: it is parked, its successor waits, the others are rows."""
    tables = Tables()
    records = told(LEARNING, (0, 1000), (1, 1100), (0, 6666), (2, 1200), (0, 1300), (1, 1400))
    refused = next(one for one in records if codec.decode(one.value)["enrollment"]["progress_percentage"] == 6666)
    counts = folder_on(ChoosyStore(tables, refused)).fold(records)
    assert (counts.folded, counts.parked) == (4, 2)
    assert sorted(row["progress_percentage"] for row in tables.rows[ENROLLMENT].values()) == [1000, 1200, 1400]
    dead = sorted(tables.dead.values(), key=lambda row: row["offset"])
    assert [(row["kind"], row["field"], row["stream_id"]) for row in dead] == [
        ("parked", "progress_percentage", stream_of(0)),
        ("behind", None, stream_of(0)),
    ]
    assert {codec.decode(row["record"])["event_id"] for row in dead}.isdisjoint(tables.audit)
    head = tables.heads[stream_of(0)]
    assert (head.parked, head.version) == (True, 1)
    assert {where.next_offset for where in tables.at.values()} == {
        1 + max(one.offset for one in records if one.partition == part) for _, part in tables.at
    }


def test_what_follows_later_waits_as_well_and_void_records_do_not() -> None:
    """In a later batch too; what is void is judged before, so it is never kept."""
    tables = Tables()
    records = told(LEARNING, (0, 1000), (0, 1200), (0, 1300))
    folder = folder_on(ChoosyStore(tables, records[1]))
    folder.fold(records[:2])
    assert folder.fold([records[0]._replace(offset=2)]).skipped == 1
    assert folder.fold([records[2]._replace(offset=3)]).parked == 1
    assert [row["kind"] for row in tables.dead.values()] == ["parked", "behind"]


def test_a_record_that_cannot_be_read_is_parked_and_stops_nobody() -> None:
    """It belongs to no stream that anybody could name."""
    tables = Tables()
    records = told(LEARNING, (0, 1000))
    junk = records[0]._replace(value=b"\x00\x00\x00\xff\xff?")
    counts = folder_on(MemoryStore(tables)).fold([junk, *moved(records, 1)])
    assert (counts.folded, counts.parked) == (1, 1)
    (dead,) = tables.dead.values()
    assert (dead["record"], dead["stream_id"]) == (junk.value, None)


def test_a_raw_record_that_is_refused_is_parked_alone() -> None:
    """A dead letter that the database does not take is itself a dead letter."""

    class NoDeadLetters(MemoryStore):
        def commit(self, writes: Writes) -> None:
            if writes.rows:
                raise RowRefused("row: not taken", field="message", rule="length", expected="less")
            super().commit(writes)

    tables = Tables()
    assert folder_on(NoDeadLetters(tables), DEADLETTER).fold(told(DEADLETTER, (0, 1000))).parked == 1
    assert [row["field"] for row in tables.dead.values()] == ["message"]


def test_a_dead_letter_that_cannot_be_written_stops_the_folder() -> None:
    """Going on would lose the record."""

    class Nothing(MemoryStore):
        def commit(self, writes: Writes) -> None:
            raise RowRefused("row: not taken")

    with pytest.raises(Fatal, match="dead letter"):
        folder_on(Nothing(Tables())).fold(told(LEARNING, (0, 1000)))


def test_a_gap_writes_nothing() -> None:
    """A record beyond the next one: nothing of the batch is folded, not even what lies before the gap."""
    tables = Tables()
    records = told(LEARNING, (0, 1000), (0, 2000), (0, 3000))
    folder = folder_on(MemoryStore(tables))
    with pytest.raises(Gap, match="offset 2 came where 1 was expected"):
        folder.fold([records[0], records[2]])
    assert not tables.rows
    assert not tables.at
    assert folder.fold(records).folded == 3


@pytest.mark.parametrize("moved_by", ["another folder", "whoever else writes rows"])
def test_who_lost_the_partition_writes_nothing(moved_by: str) -> None:
    """The stored offset or its epoch is not the one that this folder left."""
    tables = Tables()
    records = told(LEARNING, (0, 1000), (0, 2000))
    folder = folder_on(MemoryStore(tables))
    if moved_by == "another folder":
        folder_on(MemoryStore(tables)).fold(records[:1])
    else:
        tables.at[LEARNING, records[0].partition] = Reached(epoch=1)
    before = dict(tables.audit)
    for _ in range(2):
        with pytest.raises(OwnershipLost):
            folder.fold(records)
    assert tables.audit == before
    folder.own([(LEARNING, part) for part in range(PARTITIONS)])
    folder.fold(records)
    assert len(tables.audit) == 2


def test_partitions_of_others_are_left_alone() -> None:
    """What is handed over without being owned is not folded."""
    tables = Tables()
    folder = Folder(MemoryStore(tables), codec.decode, lambda: NOW)
    folder.own([])
    assert folder.fold(told(LEARNING, (0, 1000))).folded == 0
    assert not tables.at


def test_raw_records_may_come_twice() -> None:
    """They have no version; a second one with the same id changes nothing."""
    tables = Tables()
    folder = folder_on(MemoryStore(tables), DEADLETTER)
    records = told(DEADLETTER, (0, 1000))
    folder.fold(records)
    before = dict(tables.rows["dead_letter"])
    folder.fold(moved(records, 1))
    assert tables.rows["dead_letter"] == before
    assert len(before) == 1


@pytest.mark.parametrize("problem", [Retriable("away"), OwnershipLost("taken"), RuntimeError("a fault")])
def test_after_a_failure_nothing_is_believed_that_was_not_written(problem: Exception) -> None:
    """Rows in memory were folded for a commit that failed: they are dropped, and folded anew from the store."""
    tables = Tables()
    store = ChoosyStore(tables)
    folder = folder_on(store)
    records = told(LEARNING, (0, 1000), (0, 2000), (0, 3000))
    folder.fold(records[:1])
    store.failures.append(problem)
    with pytest.raises(type(problem)):
        folder.fold(records[1:])
    folder.fold(records[1:])
    (row,) = tables.rows[ENROLLMENT].values()
    assert row["progress_percentage"] == 3000
    assert [one["new_values"]["progress_percentage"] for one in tables.audit.values()] == [10, 20, 30]


def test_a_directory_row_leaves_a_version_of_itself() -> None:
    """Each change of an employee is a history row with the version of its event and the day from which it holds."""
    world = World()
    employee = ids.derived(COMPANY, "employee", "E1")
    for day, job in ((20_000, "Cook"), (20_100, "Baker")):
        wanted = {"employee_number": "sealed:E1", "job_title": job}
        command = upsert(
            "employee", employee, COMPANY, wanted, effective_from=day, command_id=ids.derived(COMPANY, job)
        )
        play = world.play(_executed(command))
        world.run(play)
        assert play.problem is None, play.problem
    records = everything(world, DIRECTORY)
    tables = Tables()
    folder_on(MemoryStore(tables), DIRECTORY).fold(records)
    versions = tables.history["employee"]
    assert [(row["version"], row["job_title"], row["effective_from"]) for row in versions] == [
        (1, "Cook", 20_000),
        (2, "Baker", 20_100),
    ]
    assert [row["event_id"] for row in versions] == [codec.decode(record.value)["event_id"] for record in records]


def _executed(command: Any) -> Callable[[Any], Any]:
    return lambda around: Commands(around).execute(command)


def test_a_discarded_record_never_counts_and_what_raced_it_does() -> None:
    """Whoever folds from the beginning with the discards passes it over; it stays part of the chain. Other bytes at its
    place are not what was discarded."""
    records = told(LEARNING, (0, 1000), (0, 2000))
    where = records[1][:3]
    digest = hashlib.sha256(records[1].value).digest()
    tables = {}
    for name, known in (("it", {where: digest}), ("another", {where: bytes(32)})):
        tables[name] = Tables()
        folder = Folder(MemoryStore(tables[name]), codec.decode, lambda: NOW, known)
        folder.own([(LEARNING, part) for part in range(PARTITIONS)])
        folder.fold(records)
    head = tables["it"].heads[stream_of(0)]
    assert (head.version, head.parked, tables["it"].dead) == (1, False, {})
    assert tables["another"].heads[stream_of(0)].version == 2
    chains = {tables[name].at[where[:2]].chain for name in tables}
    assert len(chains) == 1
