"""Parked records of the log: replayed after a fix, discarded for good; the stream goes on, the others never stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.deadletters import acts
from hub.deadletters.letters import Letter, by_id, chosen
from hub.deadletters.parking import Parking
from hub.deadletters.service import DeadLetters
from hub.deciding.commands import Command
from hub.domain import ids
from hub.errors import Refused, Retriable
from hub.log import codec
from hub.log.port import Record
from projections import folds
from projections.engine.discards import discards
from projections.engine.folder import Folder, RowsRewritten
from projections.engine.memory import MemoryStore, Tables
from projections.engine.pg_store import PgStore
from tests.support.letters import CURE, POISON, Letters, letters
from tests.support.site import COMPANY

EVERYWHERE = [f"u{number},C{number},10,2026-01-01T10:00:00Z" for number in range(8)]


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Letters]:
    with letters(database_url, tmp_path) as made:
        made.do(POISON)
        yield made


def one(site: Letters) -> Letter:
    """The one parked record."""
    (letter,) = (found for found in chosen(site.hub.connection) if found.is_parked)
    return letter


def poisoned(site: Letters) -> Letter:
    """An enrollment that stands at 20, then a record that cannot be folded, then two observations behind it."""
    site.take_in("u,C1,20,2026-01-01T10:00:00Z")
    site.take_in("u,C1,66.66,2026-01-02T10:00:00Z")
    site.take_in("u,C1,70,2026-01-03T10:00:00Z", "u,C1,80,2026-01-04T10:00:00Z")
    return one(site)


def test_a_poison_record_stops_neither_partition_nor_runner(site: Letters) -> None:
    """Other streams of all partitions flow; what concerns the stream waits, and a command on it is told so."""
    poisoned(site)
    assert site.take_in(*EVERYWHERE).unmatched == 8
    assert len(site.progress()) == 9
    assert site.open() == {"parked": 1, "behind": 3}
    assert site.hub.failures() == []


def test_a_replay_after_the_fix_folds_it_and_what_waits_in_order(site: Letters) -> None:
    """The tables are those of a hub that never saw the poison: rows, histories, trail with its chain, heads."""
    letter = poisoned(site)
    site.do(CURE)
    done = Parking(site.hub).replay(letter, COMPANY, reason="fixed")
    assert done is not None
    assert [outcome for _, outcome in done.outcomes] == ["folded"]
    assert ("C1", 80.0) in site.progress()
    assert site.open() == {}
    assert site.acts() == ["replayed"]
    values = "SELECT progress_percentage::float8 FROM hub.lms_course_enrollment_history ORDER BY version"
    assert [row[0] for row in site.ask(values)] == [20, 66.66, 70, 80]
    assert_equal_from_the_start(site)


def test_replaying_twice_does_nothing_twice(site: Letters) -> None:
    """The second finds nothing to do: no event, no row."""
    letter = poisoned(site)
    site.do(CURE)
    parking = Parking(site.hub)
    parking.replay(letter, COMPANY)
    before = site.rows("lms_course_enrollment", "lms_audit_trail", "stream_head")
    assert parking.replay(letter, COMPANY) is None
    assert parking.discard(letter, COMPANY, reason="again") is None
    assert parking.react() == 0
    assert site.rows("lms_course_enrollment", "lms_audit_trail", "stream_head") == before


def test_what_still_cannot_be_folded_is_refused_and_nothing_is_told(site: Letters) -> None:
    """A replay without a fix leaves no trace."""
    letter = poisoned(site)
    with pytest.raises(Refused, match="still cannot be folded"):
        Parking(site.hub).replay(letter, COMPANY)
    assert site.acts() == []
    assert site.open() == {"parked": 1, "behind": 3}


def test_a_rehearsal_shows_the_rows_and_changes_nothing(site: Letters) -> None:
    """Before and after of the enrollment; tables, letters and epochs stay."""
    letter = poisoned(site)
    site.do(CURE)
    before = site.rows("lms_course_enrollment", "dead_letter", "stream_head", "projection_offset")
    tried = Parking(site.hub).rehearse(letter)
    assert tried is not None
    (change,) = [found for found in tried.changes if found.table == "lms_course_enrollment"]
    assert change.before is not None
    assert (change.before["progress_percentage"], change.after["progress_percentage"]) == (2000, 6666)
    assert site.rows("lms_course_enrollment", "dead_letter", "stream_head", "projection_offset") == before


def test_a_discard_needs_a_reason(site: Letters) -> None:
    """Without one nothing happens, and the refusal is kept."""
    letter = poisoned(site)
    with pytest.raises(Refused, match="reason"):
        Parking(site.hub).discard(letter, COMPANY, reason=" ")
    assert site.open() == {"parked": 1, "behind": 3}


def test_after_a_discard_the_stream_goes_on_without_the_record(site: Letters) -> None:
    """What was told later counts; the poison never does, neither here nor in a fold from the beginning."""
    letter = poisoned(site)
    done = Parking(site.hub).discard(letter, COMPANY, reason="nonsense of the LMS")
    assert done is not None
    assert [outcome for _, outcome in done.outcomes] == ["discarded"]
    assert ("C1", 80.0) in site.progress()
    assert site.open() == {}
    site.take_in("u,C1,90,2026-01-05T10:00:00Z")
    assert ("C1", 90.0) in site.progress()
    assert_equal_from_the_start(site)


def test_an_act_that_was_not_followed_comes_before_the_next(site: Letters) -> None:
    """Somebody told a discard and died; a replay after it finds the record passed over, as every rebuild will."""
    letter = poisoned(site)
    site.do(CURE)
    site.hub.commands.execute(acts.discarded(letter, COMPANY, reason="nonsense of the LMS"))
    assert Parking(site.hub).replay(letter, COMPANY) is None
    assert site.acts() == ["discarded"]
    assert site.open() == {}
    assert_equal_from_the_start(site)


def test_of_two_acts_at_once_one_is_told(site: Letters) -> None:
    """A discard that was decided before a replay was told, and comes after it, is none."""
    letter = poisoned(site)
    site.do(CURE)
    parking = Parking(site.hub)
    (known,) = parking._acted(letter.id)
    site.hub.commands.execute(acts.replayed(letter, COMPANY, after=known.event_id))
    late = acts.discarded(letter, COMPANY, reason="nonsense", after=known.event_id)
    assert not site.hub.commands.execute(late).changed
    assert parking.discard(letter, COMPANY, reason="nonsense") is None
    assert site.acts() == ["replayed"]
    assert ("C1", 80.0) in site.progress()
    assert_equal_from_the_start(site)


def test_the_first_record_of_a_stream_can_be_discarded(site: Letters) -> None:
    """Nothing of its stream was ever applied; the next observation begins it, after those that waited."""
    site.take_in("u,C9,66.66,2026-01-02T10:00:00Z")
    site.take_in("u,C9,70,2026-01-03T10:00:00Z")
    Parking(site.hub).discard(one(site), COMPANY, reason="nonsense")
    assert site.progress() == [("C9", 70.0)]
    assert_equal_from_the_start(site)


def test_what_waits_behind_is_no_letter_of_its_own(site: Letters) -> None:
    """Only the parked record can be replayed or discarded; the others follow it."""
    poisoned(site)
    ((behind,), *_) = site.ask("SELECT id::text FROM hub.dead_letter WHERE kind = 'behind' ORDER BY 1")
    letter = by_id(site.hub.connection, behind)
    with pytest.raises(Refused, match="waits behind"):
        DeadLetters(site.hub, COMPANY).discard([letter], reason="this one")
    with pytest.raises(Refused, match="waits behind"):
        DeadLetters(site.hub, COMPANY).replay([letter])
    assert site.acts() == []


def test_an_act_that_nobody_followed_is_followed_later(site: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process died between the event and the rows: whoever serves next brings it to its end."""
    letter = poisoned(site)
    parking = Parking(site.hub)
    monkeypatch.setattr(parking, "_follow", lambda *_, **__: None)
    parking.discard(letter, COMPANY, reason="nonsense")
    assert site.open() == {"parked": 1, "behind": 3}
    assert Parking(site.hub).react() == 1
    assert site.open() == {}
    assert ("C1", 80.0) in site.progress()


def test_parking_is_told_once(site: Letters) -> None:
    """By the part of a server; the next look has nothing to tell."""
    poisoned(site)
    for _ in range(2):
        assert Parking(site.hub).react() == 0
    assert site.acts() == ["parked"]


@pytest.mark.parametrize("discard", [False, True])
def test_records_that_raced_the_parked_one_are_judged_when_it_is_resolved(site: Letters, discard: bool) -> None:
    """One follows the parked record, another follows what it followed: whichever rule 3 lets count, counts."""
    letter = poisoned(site)
    around = site.hub.around
    poison = around.decode(around.read(str(letter.topic), letter.partition or 0, letter.offset or 0))
    values = {**poison["enrollment"], "progress_percentage": 3000}
    beside = {**poison, "event_id": ids.derived(letter.id, "beside"), "enrollment": values}
    after = {
        **beside, "event_id": ids.derived(letter.id, "after"), "follows": poison["event_id"], "version": poison["version"] + 1,
    }  # fmt: skip
    key = f"enrollment/{letter.stream}"
    positions = around.append("lms.learning", [(key, around.encode(one)) for one in (beside, after)])
    assert site.hub.watch.wait({(topic, part): offset + 1 for topic, part, offset in positions}, 30)
    assert site.open() == {"parked": 1, "behind": 5}
    parking = Parking(site.hub)
    if discard:
        done = parking.discard(letter, COMPANY, reason="nonsense")
    else:
        site.do(CURE)
        done = parking.replay(letter, COMPANY)
    assert done is not None
    expected = ["discarded", "folded", "void"] if discard else ["folded", "void", "folded"]
    assert [outcome for _, outcome in done.outcomes] == expected
    assert site.open() == {}
    assert ("C1", 80.0) in site.progress()
    assert_equal_from_the_start(site)


def test_what_cannot_be_read_is_discarded_and_stops_nobody(site: Letters) -> None:
    """It names no stream and no company; a replay says that it still cannot be read."""
    ((topic, part, offset),) = site.hub.around.append("lms.learning", [("enrollment/x", b"no event")])
    assert site.hub.watch.wait({(topic, part): offset + 1}, 30)
    assert Parking(site.hub).react() == 0
    assert site.acts() == ["parked"]
    with pytest.raises(Refused, match="still cannot be folded"):
        Parking(site.hub).replay(one(site), COMPANY)
    Parking(site.hub).discard(one(site), COMPANY, reason="not ours")
    assert site.open() == {}
    site.take_in(*EVERYWHERE)
    assert_equal_from_the_start(site)


def test_a_folder_at_work_goes_on_with_the_rows_as_they_were_written(site: Letters) -> None:
    """What it remembers of them is dropped: it is told that rows were rewritten, not that it lost its partition."""
    letter = poisoned(site)
    assert letter.topic is not None
    where = (letter.topic, letter.partition or 0)
    with site.hub.connect() as connection:
        folder = Folder(PgStore(connection, site.hub.open_texts), codec.decode, lambda: 0)
        at = folder.own([where])
        site.do(CURE)
        Parking(site.hub)._resolver.resolve(letter.id)
        stale = Record(*where, at[where], b"", b"no event either")
        with pytest.raises(RowsRewritten):
            folder.fold([stale])


def test_while_observations_wait_a_command_of_the_stream_is_told_not_now(site: Letters) -> None:
    """The record is resolved, what waited for it is not decided yet: the order holds for commands, too."""
    letter = poisoned(site)
    Parking(site.hub)._resolver.resolve(letter.id, discard=True)
    command = Command(
        letter.id, "test", COMPANY, "lms.learning", ("enrollment", str(letter.stream)), lambda view, now: {}
    )
    with pytest.raises(Retriable, match="parked"):
        site.hub.commands.execute(command)
    site.take_in("u,C1,95,2026-01-06T10:00:00Z")
    assert ("C1", 20.0) in site.progress()
    Parking(site.hub).react()
    assert ("C1", 95.0) in site.progress()


def assert_equal_from_the_start(site: Letters) -> None:
    """A fold of the whole log in memory, with the discards read first, gives the same rows, trail and heads."""
    log = site.hub.log
    topics = tuple(folds.BY_TOPIC)
    tables = Tables()
    folder = Folder(MemoryStore(tables), codec.decode, lambda: 0, discards(log, codec.decode))
    folder.own([(topic, part) for topic in topics for part in range(log.partitions)])
    folder.fold(log.read({(topic, part): 0 for topic in topics for part in range(log.partitions)}, 100_000))
    for table in ("lms_course_enrollment", "course", "lms_account"):
        live = dict(site.ask(f"SELECT id::text, extract(epoch FROM updated_at)::numeric * 1000000 FROM hub.{table}"))
        assert live == {key: row["updated_at"] for key, row in tables.rows[table].items()}
    progress = dict(site.ask("SELECT id::text, progress_percentage * 100 FROM hub.lms_course_enrollment"))
    assert progress == {key: row["progress_percentage"] for key, row in tables.rows["lms_course_enrollment"].items()}
    chains = dict(site.ask("SELECT id::text, additional_context->>'chain' FROM hub.lms_audit_trail"))
    assert chains == {key: row["additional_context"]["chain"] for key, row in tables.audit.items()}
    heads = site.ask("SELECT stream_id::text, last_event_id::text, version, parked FROM hub.stream_head")
    assert {row[0]: row[1:] for row in heads} == {
        key: (head.last_event_id, head.version, head.parked) for key, head in tables.heads.items()
    }
    assert not tables.dead
