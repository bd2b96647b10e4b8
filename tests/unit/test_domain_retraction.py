"""Whatever is told, in whatever order: rows that fit, nothing lowered by late facts, repeats are none, facts can be taken out."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from hypothesis import assume, event, given, note
from hypothesis import strategies as st

from hub.domain import enrollment_acts as acts
from hub.domain.rows import dumped
from hub.domain.values import EnrollmentStatus as E
from hub.domain.values import LessonStatus as L
from tests.support.told import ENROLLMENT, HOUR, LESSON, NOON, TODAY, Stream, flat

Telling = dict[str, Any]

RANK = {E.NOT_STARTED: 0, E.IN_PROGRESS: 1, E.COMPLETED: 2, E.CERTIFIED: 3}
DAYS = st.integers(TODAY - 40, TODAY + 40)
FLAG = st.booleans()
AMOUNT = st.integers(0, 100_00)
SHARED = {"completed": FLAG, "passed": FLAG, "worked": FLAG, "progress": AMOUNT, "seconds_total": AMOUNT, "seconds_more": AMOUNT,
          "score": st.integers(-5_0000, 2000_0000), "score_max": st.sampled_from([10_0000, 1500_0000]),
          "passing_score": st.sampled_from([5_0000, 800_0000]),
          "last_access_at": st.integers(-9, 9).map(lambda hour: NOON + hour * HOUR)}  # fmt: skip
OF_ENROLLMENT = SHARED | {
    "registered": FLAG, "removed": FLAG, "suspended": FLAG, "expired": FLAG, "waived": FLAG, "certified": FLAG,
    "certificate_id": st.sampled_from(["c1", "c2"]), "valid_from": DAYS, "valid_until": DAYS, "enrolled_on": DAYS,
    "started_on": DAYS, "access_ends_on": DAYS, "completed_on": DAYS, "due_on": DAYS, "enrollment_key": st.sampled_from(["k1", "k2"]),
    "grade": st.sampled_from(["A", "B"]), "accesses_total": AMOUNT, "accesses_more": AMOUNT, "next_courses": st.just(("a", "b")),
}  # fmt: skip
OF_LESSON = SHARED | {
    "skipped": FLAG, "final": FLAG, "attempts_total": AMOUNT, "attempts_more": AMOUNT, "lesson_name": st.sampled_from(["One", "Two"]),
    "attempt": st.integers(1, 3).map(lambda number: dumped({"number": number, "score": number})),
    "interactions": st.integers(0, 9).map(lambda answer: dumped([{"id": str(answer % 3), "response": str(answer)}])),
    "bookmark": st.just('{"at":1}'),
}  # fmt: skip
MORE = {"seconds_more", "accesses_more", "attempts_more"}


def facts_of(choice: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Telling]:
    names = st.lists(st.sampled_from(sorted(choice)), max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: choice[name] for name in chosen}))


AT = st.integers(-60, 60).map(float)
CLOCKS = st.one_of(
    st.fixed_dictionaries({"at": AT, "seen": st.integers(61, 90).map(float), "single": FLAG}),
    st.fixed_dictionaries({"at": st.none(), "seen": st.integers(61, 90).map(float), "single": st.just(False)}),
)
"""States with and without an own time, and single facts, which have one."""
OF_COURSE = st.tuples(CLOCKS, facts_of(OF_ENROLLMENT)).map(lambda both: both[0] | both[1])
LESSON_KEY = st.sampled_from(["l", "m"])
OF_ONE_LESSON = st.tuples(CLOCKS, facts_of(OF_LESSON), LESSON_KEY).map(
    lambda them: them[0] | them[1] | {"lesson_key": them[2]}
)
TOLD = st.one_of(OF_COURSE, OF_ONE_LESSON)


def told(tellings: list[Telling]) -> Stream:
    stream = Stream(course={"validity_days": 20, "passing_score": 60_00})
    for telling in tellings:
        stream.tell(**telling)
    return stream


@given(st.lists(TOLD, max_size=8), TOLD)
def test_whatever_is_told_fits_its_tables_and_a_repeat_is_none(tellings: list[Telling], last: Telling) -> None:
    """Deciding raises nothing, drafts fit events, events fold to rows that fit (the stream checks it); the same state told
    again yields nothing, unless it adds up and has no identity of its own."""
    stream = told(tellings)
    draft = stream.tell(**last)
    if draft is None or draft.late or last["single"] or MORE & set(last):
        return
    assert stream.tell(**last) is None


@given(st.lists(TOLD, min_size=1, max_size=8), TOLD)
def test_a_late_fact_lowers_nothing(tellings: list[Telling], last: Telling) -> None:
    """Late facts never lower a status or a percentage, open no cycle, and are always recorded."""
    stream = told(tellings)
    before, cycle, row = stream.known(), stream["cycle"], stream.row
    draft = stream.tell(**last)
    if draft is None or not draft.late:
        return
    event("late")
    assert row is not None
    assert stream["cycle"] == cycle
    old, new = before[ENROLLMENT, row["id"]], flat(stream.row or {})
    was, now = old["enrollment_status"], new["enrollment_status"]
    assert was == now or RANK[E(now)] > RANK.get(E(was), 0)
    for name in ("progress_percentage", "time_spent_seconds", "total_access_count", "source_time", "completion_date"):
        assert old.get(name) is None or new[name] >= old[name]


ADDED = st.lists(
    st.tuples(
        st.fixed_dictionaries({"at": st.integers(-200, -50).map(float), "seen": st.just(99.0), "single": st.just(True)}),
        facts_of({"seconds_more": AMOUNT, "accesses_more": AMOUNT, "registered": st.just(True), "worked": st.just(True),
                  "started_on": DAYS}),
    ).map(lambda both: both[0] | both[1]), min_size=2, max_size=3,
)  # fmt: skip


@given(OF_COURSE, ADDED)
def test_the_order_of_late_facts_does_not_matter(first: Telling, late: list[Telling]) -> None:
    """What adds up and what tells beginnings gives the same row in any order."""
    rows = [told([first | {"at": 0.0}, *order]).known() for order in permutations(late)]
    assert all(row == rows[0] for row in rows)


@given(st.lists(TOLD, min_size=2, max_size=6), st.data())
def test_any_fact_can_be_taken_out(tellings: list[Telling], data: st.DataObject) -> None:
    """standards 3.1: voiding removes a statement's effect: the line is rebuilt without it, as an independent telling of
    the others gives it; within one cycle. What had no effect at the time is no event, so it cannot come back."""
    stream = Stream(course={"validity_days": 20, "passing_score": 60_00})
    kept = [telling for telling in tellings if stream.tell(**telling) is not None]
    number = data.draw(st.integers(0, len(kept) - 1))
    other = told([telling for place, telling in enumerate(kept) if place != number])
    assume(stream["cycle"] == 1 and other["cycle"] == 1)
    note(f"{kept} without {number}")
    stream.retract(number)
    expected = other.known()
    for key, row in stream.known().items():
        if key in expected:
            assert row == expected[key]
        else:
            assert (key[0], row["progress_status"]) == (LESSON, L.NOT_STARTED)
    assert set(expected) <= set(stream.known())


@given(st.lists(TOLD, min_size=1, max_size=6), TOLD)
def test_taking_out_the_last_fact_gives_the_rows_before_it(tellings: list[Telling], last: Telling) -> None:
    """Of whichever cycle, where it existed before."""
    stream = told(tellings)
    before = stream.known()
    draft = stream.tell(**last)
    assume(draft is not None and draft.existed)
    stream.retract(-1)
    assert {key: row for key, row in stream.known().items() if key in before} == before


def test_a_cycle_that_only_the_void_fact_opened_is_as_never_begun() -> None:
    """No fold deletes a row that others refer to: it is Not Started, without dates and results."""
    stream = Stream()
    stream.tell(0, completed=True, progress=100_00, score=5_0000, completed_on=TODAY - 3)
    stream.retract(0)
    assert stream.status == E.NOT_STARTED
    for name in ("completion_date", "progress_percentage", "score_achieved", "start_date", "source_time", "ended_at"):
        assert stream[name] is None
    stream.tell(1, progress=10_00)
    assert stream.status == E.IN_PROGRESS


def test_what_people_did_stays_and_what_the_clock_did_needs_its_reason() -> None:
    """A lapse falls with its certificate; a correction and a link stay."""
    stream = Stream()
    stream.tell(0, completed=True)
    stream.tell(1, certified=True, certificate_id="c1", valid_until=TODAY + 9)
    stream.act(acts.linked, "0d6e1c6e-0000-5000-8000-000000000001")
    stream.act(acts.corrected, {"grade_achieved": "B"})
    stream.act(acts.lapsed, TODAY + 9, NOON)
    stream.retract(1)
    assert (stream.status, stream["certificate_id"], stream["valid_until"]) == (E.COMPLETED, None, None)
    assert (stream["grade_achieved"], stream["employee_id"]) == ("B", "0d6e1c6e-0000-5000-8000-000000000001")


def test_what_came_before_is_as_it_was_decided() -> None:
    """A catalogue that changed meanwhile does not change what was decided before the void fact."""
    stream = Stream(course={"course_name": "Old name", "passing_score": 50_00})
    stream.tell(0, completed=True)
    stream.tell(1, grade="B")
    stream.context = stream.context._replace(course={"course_name": "New name", "passing_score": 90_00})
    stream.retract(1)
    assert (stream["course_name"], stream["passing_score"], stream["grade_achieved"]) == ("Old name", 50_00, None)


def test_what_came_after_is_decided_as_of_its_own_time() -> None:
    """A certificate that was valid when it was told is not lapsed by the retraction of another fact a year later."""
    stream = Stream()
    stream.tell(0, grade="B")
    stream.tell(1, certified=True, valid_until=TODAY + 9)
    stream.context = stream.context._replace(now=NOON + 365 * 24 * HOUR)
    stream.retract(0)
    assert (stream.status, stream["grade_achieved"]) == (E.CERTIFIED, None)


def test_two_facts_taken_out_one_after_the_other() -> None:
    """The second retraction does not bring the first fact back."""
    stream = Stream()
    stream.tell(0, progress=10_00)
    stream.tell(1, progress=20_00, grade="B")
    stream.tell(2, progress=30_00)
    stream.retract(1)
    assert (stream["progress_percentage"], stream["grade_achieved"]) == (30_00, None)
    stream.retract(2)
    assert (stream["progress_percentage"], stream["grade_achieved"]) == (10_00, None)
    assert stream.events[-1]["type"] == "lms.enrollment.retracted.v1"
