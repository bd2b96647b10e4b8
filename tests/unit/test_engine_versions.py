"""Versions of enrollments and lessons: what their histories keep of each event."""

from __future__ import annotations

from typing import Any

from hub.domain import ids
from hub.domain.rows import Row
from projections.engine.versions import version_of
from projections.folds import fold
from projections.plain import names_of
from projections.tables import HISTORY, TABLES
from tests.support.told import ENROLLMENT, LESSON, NOON, TODAY, Stream

FACTS = ("own_activity", "late", "retracted")


def versions(stream: Stream, *changed: dict[str, Any]) -> list[tuple[str, Row]]:
    """All versions that a stream's events make; ``changed``: what the events say otherwise, in their order."""
    rows: dict[tuple[str, str], Row] = {}
    made = []
    others = list(changed) + [{}] * len(stream.events)
    for told, other in zip(stream.events, others, strict=False):
        event = told | other
        new = fold(event, lambda table, key: rows.get((table, key)))  # noqa: B023  called at once
        made += [
            (table, version_of(TABLES[table], rows.get((table, key)), row, event)) for (table, key), row in new.items()
        ]
        rows |= new
    return made


def facts(made: list[tuple[str, Row]]) -> list[tuple[str, int, tuple[Any, ...]]]:
    return [(table, row["version"], tuple(row[name] for name in FACTS)) for table, row in made]


def test_each_event_leaves_a_version_of_each_row_that_it_changed() -> None:
    """An enrollment that is only looked at through its lesson has a version too; a version has every column."""
    stream = Stream()
    stream.tell(0, registered=True, course_version="3")
    stream.tell(1, lesson_key="l", worked=True, seconds_total=90)
    stream.tell(2, completed=True, certified=True, valid_from=TODAY, valid_until=TODAY + 365, seconds_total=600)
    made = versions(stream)
    assert facts(made) == [
        (ENROLLMENT, 1, (False, False, False)),
        (ENROLLMENT, 2, (True, False, False)),
        (LESSON, 2, (True, False, False)),
        (ENROLLMENT, 3, (True, False, False)),
    ]
    for table, row in made:
        assert set(row) == set(names_of(HISTORY[table]))
    last = made[-1][1]
    assert last["id"] == ids.enrollment_row(stream.id, 1)
    assert (last["event_id"], last["recorded_at"]) == (stream.events[2]["event_id"], NOON + 2)
    assert (last["enrollment_status"], last["course_version"], last["waived"]) == ("Certified", "3", None)
    assert (last["time_spent_seconds"], last["valid_from"], last["valid_until"]) == (600, TODAY, TODAY + 365)
    assert (made[2][1]["enrollment_id"], made[2][1]["time_spent_seconds"]) == (last["id"], 90)


def test_a_late_fact_has_a_version_only_where_it_changes_the_row() -> None:
    """What moves nothing is in the trail alone; what still adds up is a version marked late."""
    stream = Stream()
    stream.tell(0, progress=40_00)
    stream.tell(1, completed=True)
    stream.tell(60, registered=True)
    stream.tell(-50, completed=True, single=True)
    stream.tell(70, progress=10_00)
    stream.tell(65, seconds_more=60, single=True)
    assert [event["late"] for event in stream.events] == [False, False, False, True, False, True]
    made = [(row["version"], row["late"]) for _, row in versions(stream)]
    assert made == [(1, False), (2, False), (3, False), (5, False), (6, True)]


def test_a_person_s_word_is_not_the_learner_s_own_doing() -> None:
    """Who records for another has not learned; an access that moved is activity under whatever name."""
    stream = Stream()
    stream.tell(0, registered=True)
    stream.tell(1, progress=10_00)
    by_hand = versions(stream, {}, {"actor_kind": "user"})
    assert [row["own_activity"] for _, row in by_hand] == [False, False]
    accessed = Stream()
    accessed.tell(0, registered=True, last_access_at=NOON)
    assert [row["own_activity"] for _, row in versions(accessed, {"transitions": []})] == [True]
    assert [row["own_activity"] for _, row in versions(accessed, {"transitions": [], "actor_kind": "employee"})] == [
        False
    ]


def test_a_fact_taken_out_marks_its_version() -> None:
    """``retracts`` names the event whose fact goes."""
    stream = Stream()
    stream.tell(0, registered=True)
    stream.tell(1, progress=10_00)
    made = versions(stream, {}, {"retracts": stream.events[0]["event_id"], "transitions": ["enrollment.retracted"]})
    assert [row["retracted"] for _, row in made] == [False, True]
