"""The decider and the commands on the memory stores: bad input, parked streams, repeated ids, facts taken out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.deciding.commands import Answer, Command, Commands
from hub.deciding.decider import OBSERVATIONS
from hub.errors import Fatal, Refused, Retriable
from hub.log.port import LogUnavailable, NewRecord
from projections.engine.batch import Writes
from projections.engine.folder import RowRefused
from projections.engine.memory import MemoryStore
from tests.support.model import COMPANY, ENROLLMENT, PARTITIONS, World, stream_of
from tests.support.oracle import verify

DEEP = "[" * 5000 + "]" * 5000


def settle(world: World) -> None:
    """Decide everything that was told."""
    while (play := world.decide()) is not None:
        world.run(play)
        assert play.problem is None, play.problem


def outcomes(world: World) -> dict[str, int]:
    """The counts of all runs together."""
    total: dict[str, int] = {}
    for counts in world.tables.outcomes.values():
        for name, count in counts.items():
            total[str(name)] = total.get(str(name), 0) + count
    return total


def dead(world: World) -> list[tuple[str, str]]:
    """Field and rule of what was rejected."""
    return [(row["field"], row["rule"]) for row in world.tables.rows.get("dead_letter", {}).values()]


def execute(world: World, *commands: Command) -> list[Any]:
    """Execute commands together."""
    play = world.play(lambda around: Commands(around).execute_all(commands))
    world.run(play)
    assert play.problem is None, play.problem
    return list(play.result)


def park(world: World) -> None:
    """The first stream's next event is one that the database does not take."""
    commit = MemoryStore.commit

    def refuse(store: MemoryStore, writes: Writes) -> None:
        if writes.audit:
            raise RowRefused("row: not taken", field="progress_percentage", rule="check", expected="another")
        commit(store, writes)

    world.tell(0, {"progress": 1000}, own=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryStore, "commit", refuse)
        settle(world)
    assert world.tables.heads[stream_of(0)].parked


# -- what is no observation


def test_bytes_that_nobody_can_read_are_rejected_and_the_rest_goes_on() -> None:
    """They have no run, so no run counts them; they are kept."""
    world = World()
    for part in range(PARTITIONS):
        world.log.append(OBSERVATIONS, [NewRecord(b"x", b"\x00junk")], partition=part)
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    assert outcomes(world) == {"changed": 1}
    assert len(dead(world)) == 1


def test_an_event_on_the_topic_of_observations_is_rejected() -> None:
    """It can be read, but it is no observation: nothing of it may stop the partition."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    event = world.log.read({("lms.learning", part): 0 for part in range(PARTITIONS)}, 1)[0]
    world.log.append(OBSERVATIONS, [NewRecord(event.key, event.value)])
    settle(world)
    assert dead(world) == [("type", "type of the topic")]
    assert outcomes(world) == {"changed": 1}


def test_an_observation_in_the_wrong_partition_is_rejected_and_counted() -> None:
    """Its run is known, so its accounting adds up."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    (record,) = world.log.read({(OBSERVATIONS, part): 0 for part in range(PARTITIONS)}, 9)
    wrong = (record.partition + 1) % PARTITIONS
    world.log.append(OBSERVATIONS, [NewRecord(record.key, record.value)], partition=wrong)
    settle(world)
    assert outcomes(world) == {"changed": 1, "rejected": 1}
    assert dead(world) == [("key", "partition of the stream")]


@pytest.mark.parametrize(
    "facts",
    [
        {"lesson_id": "L", "interactions": DEEP},
        {"lesson_id": "L", "attempt": "no json"},
        {"lesson_id": "L", "lesson_name": "a" * 9000},
        {"lesson_id": "L", "lesson_name": "a\x00b"},
    ],
)
def test_what_no_row_can_hold_is_rejected_before_it_is_a_fact(
    facts: dict[str, Any],
) -> None:
    """Nothing is appended, the reason is kept, and what comes after it in its stream is decided."""
    world = World()
    world.tell(0, facts, own=1, lesson_key="L")
    world.tell(0, {"progress": 1000}, own=2)
    settle(world)
    assert outcomes(world) == {"rejected": 1, "changed": 1}
    assert len(dead(world)) == 1
    assert world.tables.heads[stream_of(0)].version == 1


def test_a_rejected_record_is_kept_once() -> None:
    """The batch was decided again after a crash: the dead letter is there already, and is not told twice."""
    world = World()
    world.tell(0, {"progress": 1000}, integration_id="dddddddd-0000-5000-8000-000000000004")
    play = world.decide()
    assert play is not None
    play.until("wait")
    world.fold()
    settle(world)
    assert sum(world.log.ends("lms.deadletter").values()) == 1
    verify(world)


# -- parked streams


def test_behind_a_parked_record_observations_are_put_aside() -> None:
    """The one whose event was parked, and all that come after it; other streams flow."""
    world = World()
    park(world)
    world.tell(0, {"progress": 2000}, own=2)
    world.tell(1, {"progress": 2000}, own=2)
    settle(world)
    aside = [row for key, row in world.tables.dead.items() if key.startswith(OBSERVATIONS)]
    assert [(row["kind"], row["stream_id"]) for row in aside] == [("behind", stream_of(0))] * 2
    assert len(world.tables.rows[ENROLLMENT]) == 1
    assert world.decide() is None


def test_an_observation_that_lost_its_race_to_a_parked_record_is_not_lost() -> None:
    """Its event is void; the stream is parked meanwhile: it waits, too."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    world.tell(0, {"progress": 2000}, own=2)
    slow = world.decide()
    assert slow is not None
    slow.until("append")
    head = world.tables.heads[stream_of(0)]
    world.tables.heads[stream_of(0)] = head._replace(last_event_id=COMPANY, version=head.version + 1, parked=True)
    world.folders = [world._folder(0), world._folder(1)]
    world.run(slow)
    assert slow.problem is None
    assert [row["stream_id"] for row in world.tables.dead.values()] == [stream_of(0)]


def test_a_command_on_a_parked_stream_is_answered_not_now() -> None:
    """Nothing is appended, and its id may ask again."""
    world = World()
    park(world)
    before = world.log.ends("lms.learning")
    (answer,) = execute(world, world.commands[world.command(0)])
    assert isinstance(answer, Retriable)
    assert "parked" in str(answer)
    assert world.log.ends("lms.learning") == before


# -- commands


def test_the_same_command_twice_at_once_has_one_answer() -> None:
    """In one call: the second is answered by the event of the first."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    command = world.commands[world.command(0)]
    first, second = execute(world, command, command)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert first.position == second.position
    verify_accesses(world, 1)


def test_commands_of_one_call_build_on_each_other() -> None:
    """Five at once on one stream: five events, in their order."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    answers = execute(world, *[world.commands[world.command(0)] for _ in range(5)])
    assert [answer.event["version"] for answer in answers] == [2, 3, 4, 5, 6]
    verify_accesses(world, 5)


def test_the_answer_names_the_place_that_counts() -> None:
    """Where an append landed twice, the first copy counts: its position is the answer."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    world.fates.append("twice")
    name = world.command(0)
    (answer,) = execute(world, world.commands[name])
    context = world.tables.audit[name]["additional_context"]
    assert answer.position == (context["topic"], context["partition"], context["offset"])


def test_a_refusal_is_an_event_and_stays_the_answer() -> None:
    """The enrollment exists later, but this id was refused; another id is not."""
    world = World()
    refused = world.commands[world.command(0)]
    (first,) = execute(world, refused)
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    (again,), (other,) = execute(world, refused), execute(world, world.commands[world.command(0)])
    assert isinstance(first, Refused)
    assert (str(first), first.field, first.rule, first.expected) == (
        str(again), again.field, again.rule, again.expected,
    )  # fmt: skip
    assert isinstance(other, Answer)
    verify_accesses(world, 1)


def test_a_command_that_would_make_a_row_that_does_not_fit_is_refused() -> None:
    """Nothing is appended that cannot be folded."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    access = world.commands.pop(world.command(0))

    def too_long(view: Any, now: int) -> dict[str, Any]:
        return {**(access.decide(view, now) or {}), "enrollment": {"grade_achieved": "A" * 500}}

    (answer,) = execute(world, replace(access, decide=too_long))
    assert isinstance(answer, Refused)
    assert answer.field == "grade_achieved"


@pytest.mark.parametrize("enrollment", [{"grade_achieved": 7}, {"no_such_field": "x"}])
def test_a_command_whose_event_cannot_be_written_is_refused(enrollment: dict[str, Any]) -> None:
    """A value of another type, or a field that no event has: the caller is answered, and others of the call go on."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    settle(world)
    access, other = (world.commands[world.command(0)] for _ in range(2))

    def misfit(view: Any, now: int) -> dict[str, Any]:
        return {**(access.decide(view, now) or {}), "enrollment": enrollment}

    refused, answer = execute(world, replace(access, decide=misfit), other)
    assert isinstance(refused, Refused)
    assert isinstance(answer, Answer)
    verify_accesses(world, 1)


def verify_accesses(world: World, wanted: int) -> None:
    """What the commands have counted."""
    (row,) = world.tables.rows[ENROLLMENT].values()
    assert row["total_access_count"] == wanted


# -- facts taken out, races


def test_a_fact_and_its_voiding_in_one_batch() -> None:
    """The voiding finds what the batch itself has just decided."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    told = world.tell(0, {"progress": 9000}, own=2, native_id="s1", content_id="s1")
    kept = {name: told[name] for name in told if name not in ("facts", "account_id", "course_key")}
    world.publish(kept | {"type": "lms.observation.voided.v1", "voided_native_id": "s1", "native_id": "s2"})
    settle(world)
    (row,) = world.tables.rows[ENROLLMENT].values()
    assert row["progress_percentage"] == 1000
    assert outcomes(world) == {"changed": 3}


def test_an_overtaken_decider_counts_nothing() -> None:
    """Its offset was moved while it waited: it stops, and no count of its batch is kept."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    slow = world.decide()
    assert slow is not None
    slow.until("wait")
    settle(world)
    world.run(slow)
    assert isinstance(slow.problem, Fatal)
    assert outcomes(world) == {"changed": 1}


def test_a_log_that_is_away_leaves_the_batch_for_later() -> None:
    """Nothing is settled; the same batch comes again and counts once."""
    world = World()
    world.tell(0, {"progress": 1000}, own=1)
    world.fates.append("unsure")
    play = world.decide()
    world.run(play)
    assert play is not None
    assert isinstance(play.problem, LogUnavailable)
    assert not world.tables.decided
    settle(world)
    verify(world)
