"""The decision of an enrollment, rule by rule: beginnings, cycles, newer and late facts, certificates, scores, days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from hub.domain.units import days, micros
from hub.domain.values import EnrollmentStatus as E
from tests.support.told import COURSE, HOUR, NOON, TODAY, Stream, flat

DAY = 24.0
"""Hours."""


# -- beginnings ----------------------------------------------------------------------------------------------


def test_required_columns_have_a_default() -> None:
    """design 4: course_code is the course's id, its name the same; enrollment_date is the day first seen, marked."""
    stream = Stream()
    stream.tell(0)
    assert (stream["course_id"], stream["course_code"], stream["course_name"]) == (COURSE, COURSE, COURSE)
    assert (stream["enrollment_date"], stream["enrollment_date_seen"]) == (TODAY, True)
    assert stream.status == E.NOT_STARTED
    assert stream.events[0]["type"] == "lms.enrollment.registered.v1"


def test_a_long_key_has_an_alias() -> None:
    """design 4: where longer than the column, 24 base-32 letters of the SHA-256 of the full key stand for it."""
    stream = Stream(course_key="k" * 300)
    stream.tell(0)
    assert len(stream["course_id"]) == len(stream["course_code"]) == 24
    assert stream["course_name"] == stream["course_id"]
    assert stream["course_key"] == "k" * 300


def test_the_catalogue_gives_what_the_lms_does_not() -> None:
    """figures 9.2: mandatory, compliance by the LMS, else the catalogue; version and pass mark too."""
    course = {"course_name": "Safety", "course_code": "S1", "is_mandatory": True, "is_compliance_training": True, "version": "3",
              "passing_score": 70_00, "prerequisites": ["a"], "course_type": "Webinar"}  # fmt: skip
    stream = Stream(course=course)
    stream.tell(0, mandatory=False)
    assert (stream["course_name"], stream["course_code"], stream["course_version"]) == ("Safety", "S1", "3")
    assert (stream["is_mandatory"], stream["is_compliance_training"], stream["passing_score"]) == (False, True, 70_00)
    assert stream.events[0]["compliance_training"] is True


def test_a_day_that_was_only_seen_gives_way() -> None:
    """figures 9.2: enrollment_date is the day of enrolment, else first seen: the source's day replaces the mark."""
    stream = Stream()
    stream.tell(0, progress=10_00)
    stream.tell(1, enrolled_on=TODAY - 7)
    assert (stream["enrollment_date"], stream["enrollment_date_seen"]) == (TODAY - 7, False)
    stream.tell(2, enrolled_on=TODAY - 3)
    assert stream["enrollment_date"] == TODAY - 7


def test_an_old_completion_dates_the_enrollment() -> None:
    """Nobody starts or enrolls after the completion: the earliest day told stands for what the source does not say."""
    stream = Stream()
    stream.tell(None, completed=True, completed_on=TODAY - 300, progress=100_00)
    assert stream["completion_date"] == stream["start_date"] == stream["enrollment_date"] == TODAY - 300
    assert stream["enrollment_date_seen"] is True


def test_one_event_lists_all_that_happened() -> None:
    """design rule 3: named after the strongest transition, and lists all of them, weakest first."""
    stream = Stream()
    draft = stream.tell(0, registered=True, progress=100_00, completed=True)
    assert draft is not None
    assert draft.type == "lms.enrollment.completed.v1"
    assert stream.events[0]["transitions"] == ["enrollment.registered", "enrollment.started", "enrollment.completed"]
    assert stream["enrollment_date_seen"] is None


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"score": 0, "score_max": 100_0000}, E.NOT_STARTED),
        ({"score": 60_0000, "passing_score": 50_0000}, E.IN_PROGRESS),
        ({"progress": 0, "seconds_total": 0, "accesses_total": 0}, E.NOT_STARTED),
        ({"seconds_total": 1}, E.IN_PROGRESS),
        ({"last_access_at": NOON}, E.IN_PROGRESS),
        ({"started_on": TODAY}, E.IN_PROGRESS),
    ],
)
def test_signs_of_work(facts: dict[str, Any], status: str) -> None:
    """lms-apis 0.2 sentence 7; standards 3.1: a score alone changes no status unless a pass mark is known."""
    stream = Stream()
    stream.tell(0, **facts)
    assert stream.status == status


# -- equal, newer, late --------------------------------------------------------------------------------------


def test_an_equal_state_is_none_but_a_newer_own_time_is_a_change() -> None:
    """design 4: a newer own time is a change even where all else is equal; without an own time equal is none."""
    stream = Stream()
    stream.tell(None, seen=0, progress=40_00)
    assert stream.tell(None, seen=1, progress=40_00) is None
    draft = stream.tell(2, progress=40_00)
    assert draft is not None
    assert (draft.type, draft.enrollment) == ("lms.enrollment.details_changed.v1", {"source_time": NOON + 2 * HOUR})
    assert stream.tell(2, progress=40_00) is None


def test_a_single_fact_is_always_recorded() -> None:
    """A statement that moves nothing is an event, so that telling it again is a repeat."""
    stream = Stream()
    stream.tell(1, single=True, progress=40_00)
    assert stream.tell(1, single=True, progress=40_00) is not None


def test_a_newer_lower_percentage_is_taken_an_older_one_never() -> None:
    """figures 9.2, progress_percentage: newest known by source time; courses grow."""
    stream = Stream()
    stream.tell(5, progress=80_00)
    stream.tell(6, progress=60_00)
    assert stream["progress_percentage"] == 60_00
    draft = stream.tell(4, progress=90_00, due_on=TODAY)
    assert draft is not None
    assert draft.late
    assert stream["progress_percentage"] == 60_00


def test_a_late_fact_adds_what_adds_up_and_tells_earlier_beginnings() -> None:
    """Time and sessions add up whenever they come; an earlier day of enrolling or beginning counts."""
    stream = Stream()
    stream.tell(0, seconds_more=60, accesses_more=1, single=True)
    stream.tell(-3 * DAY, seconds_more=30, accesses_more=2, single=True)
    stream.tell(-5 * DAY, registered=True, single=True)
    assert (stream["time_spent_seconds"], stream["time_spent_minutes"], stream["total_access_count"]) == (90, 1, 3)
    assert (stream["start_date"], stream["enrollment_date"], stream["enrollment_date_seen"]) == (
        TODAY - 3,
        TODAY - 5,
        False,
    )


def test_a_late_fact_tells_what_nothing_newer_has_told() -> None:
    """standards 3.1: arrival order is not event order. A completion that comes late is not lost."""
    stream = Stream()
    stream.tell(5, progress=80_00, single=True)
    draft = stream.tell(4, completed=True, score=9_0000, score_max=10_0000, single=True)
    assert draft is not None
    assert draft.late
    assert (stream.status, stream["completion_date"], stream["score_achieved"]) == (E.COMPLETED, TODAY, 9_00)
    assert stream["progress_percentage"] == 80_00
    assert stream["source_time"] == NOON + 5 * HOUR


@pytest.mark.parametrize("fact", ["removed", "suspended", "expired"])
def test_a_late_fact_takes_nobody_out(fact: str) -> None:
    """Late and out-of-order observations move no row back and are still recorded."""
    stream = Stream()
    stream.tell(5, progress=80_00)
    draft = stream.tell(4, **{fact: True})
    assert draft is not None
    assert draft.enrollment == {}
    assert stream.status == E.IN_PROGRESS
    assert stream["suspended"] is None


def test_a_late_completion_does_not_overrule_a_newer_word() -> None:
    """What a newer state has said of completion stands."""
    stream = Stream()
    stream.tell(5, completed=False, progress=10_00)
    stream.tell(4, completed=True)
    assert stream.status == E.IN_PROGRESS


# -- cycles --------------------------------------------------------------------------------------------------


RETAKES: list[dict[str, Any]] = [
    {"enrollment_key": "k2", "progress": 5_00},
    {"registered": True},
    {"completed": False, "progress": 0},
    {"enrollment_key": "k2", "completed": True, "passed": True},
]


@pytest.mark.parametrize("retake", RETAKES)
@pytest.mark.parametrize("end", [{"completed": True}, {"completed": True, "passed": False}])
def test_a_retake_is_a_new_row(end: dict[str, Any], retake: dict[str, Any]) -> None:
    """figures 9.2: new registration, new native id, or progress reset by the LMS, after an end; also where it is
    better at once (only a better result of the same native id moves Failed to Completed)."""
    stream = Stream()
    stream.tell(0, enrollment_key="k1", progress=100_00, grade="B", **end)
    first = flat(stream.cycle(1))
    draft = stream.tell(9 * DAY, **retake)
    assert draft is not None
    assert not draft.existed
    assert stream["cycle"] == 2
    assert flat(stream.cycle(1)) == first
    assert stream["enrollment_number"] != first["enrollment_number"]
    assert stream["enrollment_date"] == TODAY + 9


def test_failed_becomes_completed_by_a_better_result() -> None:
    """figures 9.2: Failed → Completed (better final result, same native id, no reset)."""
    stream = Stream()
    stream.tell(0, enrollment_key="k1", completed=True, passed=False)
    draft = stream.tell(1, enrollment_key="k1", completed=True, passed=True)
    assert draft is not None
    assert (draft.type, stream["cycle"], stream.status) == ("lms.enrollment.completed.v1", 1, E.COMPLETED)


def test_an_act_of_enrolling_needs_its_own_time() -> None:
    """A state that says "registered" at every poll, without an own time, opens no cycle."""
    stream = Stream()
    stream.tell(None, seen=0, registered=True, completed=True)
    assert stream.tell(None, seen=5, registered=True, completed=True) is None


@pytest.mark.parametrize(
    "facts", [{"removed": True}, {"suspended": True}, {"expired": True}, {"access_ends_on": TODAY - 1}]
)
def test_what_comes_after_completion_changes_no_status(facts: dict[str, Any]) -> None:
    """figures 9.2: removal or suspension after completion changes no status; an ended row keeps its dates."""
    stream = Stream()
    stream.tell(0, completed=True, started_on=TODAY, access_ends_on=TODAY + 9, due_on=TODAY + 5, course_version="1")
    stream.tell(1, course_version="2", due_on=TODAY + 90, **facts)
    assert stream.status == E.COMPLETED
    assert (stream["end_date"], stream["due_date"], stream["course_version"]) == (TODAY + 9, TODAY + 5, "1")


def test_work_after_dropped_opens_a_cycle_only_where_it_is_younger() -> None:
    """figures 9.2: so does work after Dropped. A repeat of what was known at the end shows nothing new."""
    stream = Stream()
    stream.tell(0, progress=40_00)
    stream.tell(1, removed=True)
    assert stream.tell(None, seen=2, progress=40_00, last_access_at=NOON) is not None
    assert (stream.status, stream["cycle"]) == (E.DROPPED, 1)
    stream.tell(None, seen=3, progress=45_00, last_access_at=NOON + 2 * HOUR)
    assert (stream.status, stream["cycle"]) == (E.IN_PROGRESS, 2)


def test_a_removal_that_is_taken_back_opens_a_cycle() -> None:
    """figures 9.2: a new registration after an end."""
    stream = Stream()
    stream.tell(0, removed=True)
    stream.tell(1, removed=False)
    assert (stream.status, stream["cycle"]) == (E.NOT_STARTED, 2)


def test_more_access_is_no_work() -> None:
    """figures 9.2: work after Expired opens a cycle; a longer access alone does not."""
    stream = Stream()
    stream.tell(0, progress=40_00, access_ends_on=TODAY - 1)
    assert stream.status == E.EXPIRED
    stream.tell(1, access_ends_on=TODAY + 90)
    assert (stream.status, stream["cycle"], stream["end_date"]) == (E.EXPIRED, 1, TODAY - 1)
    stream.tell(2, access_ends_on=TODAY + 90, progress=50_00)
    assert (stream.status, stream["cycle"], stream["end_date"]) == (E.IN_PROGRESS, 2, TODAY + 90)


def test_what_is_older_than_the_newest_cycle_changes_nothing_in_it() -> None:
    """A late session of the first cycle does not count in the second, nor move its beginning."""
    stream = Stream()
    stream.tell(0, completed=True)
    stream.tell(9 * DAY, registered=True, seconds_total=10)
    known = stream.known()
    draft = stream.tell(-2 * DAY, seconds_more=600, started_on=TODAY - 2, completed=True, single=True)
    assert draft is not None
    assert draft.late
    assert stream.known() == known


def test_beginnings_that_a_reset_lms_goes_on_telling_belong_to_the_first_cycle() -> None:
    """An ended row keeps its dates; the new one does not inherit them."""
    stream = Stream()
    stream.tell(0, enrolled_on=TODAY - 50, started_on=TODAY - 40, completed=True)
    for hour in (5 * DAY, 6 * DAY):
        stream.tell(hour, enrolled_on=TODAY - 50, started_on=TODAY - 40, completed=False, progress=1_00)
    assert (stream["cycle"], stream["enrollment_date"], stream["start_date"]) == (2, TODAY + 5, TODAY + 5)


# -- certificates --------------------------------------------------------------------------------------------


def certified(**also: Any) -> Stream:
    stream = Stream()
    stream.tell(
        0, completed=True, certified=True, certificate_id="c1", valid_from=TODAY, valid_until=TODAY + 365, **also
    )
    return stream


def test_a_certificate_is_issued() -> None:
    """lms-apis 0.2 sentence 1: a certificate not past its expiry is Certified; it implies the completion."""
    stream = certified(certificate_issuer="Acme", certificate_url="https://lms/c1")
    assert stream.status == E.CERTIFIED
    assert (stream["completion_date"], stream["valid_from"], stream["valid_until"]) == (TODAY, TODAY, TODAY + 365)
    assert (stream["certificate_issuer"], stream["completion_certificate_url"]) == ("Acme", "https://lms/c1")
    assert stream.events[0]["type"] == "lms.enrollment.certified.v1"


def test_the_course_gives_the_period_and_the_hub_an_id() -> None:
    """figures 2, valid on day D: until valid_until of the certificate, else of the course's validity period."""
    stream = Stream(course={"validity_days": 10})
    stream.tell(0, certified=True, completed_on=TODAY - 2)
    assert (stream["valid_until"], stream["certificate_id"]) == (TODAY + 8, f"{stream.id}/1")
    stream = Stream(course={"validity_days": 10})
    stream.tell(0, certified=True, completed_on=TODAY - 10)
    assert (stream.status, stream["completion_date"], stream["valid_until"]) == (E.EXPIRED, TODAY - 10, TODAY)


def test_a_pass_is_no_certificate() -> None:
    """standards 3.3: Certified follows only from a certificate fact, never from a pass."""
    stream = Stream()
    stream.tell(0, completed=True, passed=True, grade="A")
    assert stream.status == E.COMPLETED


def test_a_certificate_lapses_by_date_and_keeps_its_completion() -> None:
    """figures 9.2: Certified → Expired; completion_date is kept when the certificate lapses."""
    stream = certified()
    stream.context = type(stream.context)(NOON + 365 * 24 * HOUR)
    draft = stream.tell(365 * DAY, progress=100_00)
    assert draft is not None
    assert (draft.type, stream.status) == ("lms.enrollment.certificate_lapsed.v1", E.EXPIRED)
    assert (stream["completion_date"], stream["certificate_id"]) == (TODAY, "c1")


def test_a_recertification_is_a_row_of_its_own() -> None:
    """figures 9.2: recertification is a new row; the ended row keeps its certificate."""
    stream = certified()
    stream.tell(300 * DAY, certified=True, certificate_id="c2", valid_from=TODAY + 300, valid_until=TODAY + 665)
    assert (stream["cycle"], stream.status, stream["certificate_id"]) == (2, E.CERTIFIED, "c2")
    assert flat(stream.cycle(1))["certificate_id"] == "c1"


def test_an_older_certificate_changes_nothing() -> None:
    """A certificate of long ago, told now, neither lapses the one that is held nor opens a cycle."""
    stream = certified()
    stream.tell(1, certified=True, certificate_id="c0", valid_from=TODAY - 900, valid_until=TODAY - 500)
    assert (stream["cycle"], stream.status, stream["certificate_id"], stream["valid_until"]) == (
        1,
        E.CERTIFIED,
        "c1",
        TODAY + 365,
    )


def test_the_same_certificate_may_get_another_end_while_it_is_valid() -> None:
    """The newest told validity of the row's own certificate counts, and its link where none was known."""
    stream = certified()
    stream.tell(1, certified=True, certificate_id="c1", valid_until=TODAY + 400, certificate_url="https://lms/c1")
    assert (stream["cycle"], stream["valid_until"], stream["completion_certificate_url"]) == (
        1,
        TODAY + 400,
        "https://lms/c1",
    )
    stream.tell(2, valid_until=TODAY)
    assert stream.status == E.EXPIRED
    stream.tell(3, certified=True, certificate_id="c1", valid_until=TODAY + 800)
    assert (stream["cycle"], stream.status) == (2, E.CERTIFIED)


def test_a_revocation_moves_back_to_completed_for_good() -> None:
    """figures 9.2: a revocation moves Certified to Completed; the same certificate told again does not undo it."""
    stream = certified()
    draft = stream.tell(24, certified=False)
    assert draft is not None
    assert (draft.type, stream.status) == ("lms.enrollment.certificate_revoked.v1", E.COMPLETED)
    assert (stream["revoked_on"], stream["certificate_id"]) == (TODAY + 1, "c1")
    stream.tell(25, certified=True, certificate_id="c1", valid_until=TODAY + 365)
    assert (stream.status, stream["cycle"]) == (E.COMPLETED, 1)
    stream.tell(26, certified=True, certificate_id="c2", valid_until=TODAY + 370)
    assert (stream.status, stream["cycle"]) == (E.CERTIFIED, 2)


# -- scores and days -----------------------------------------------------------------------------------------


def test_scores_over_the_ceiling_are_percent() -> None:
    """Trap 32: a score of 1,450 of 1,500 is 96.67 of 100; the raw value is kept."""
    stream = Stream()
    stream.tell(0, score=1450_0000, score_max=1500_0000, passing_score=750_0000)
    assert (stream["score_achieved"], stream["max_score"], stream["passing_score"]) == (96_67, 100_00, 50_00)
    assert (stream["raw_score"], stream["raw_max_score"]) == (1450_0000, 1500_0000)


def test_a_known_pass_mark_is_on_the_scale_of_the_score() -> None:
    """lms-apis 0.2 sentence 3: failed by a score below a known pass mark, compared on one scale."""
    stream = Stream(course={"passing_score": 700_00})
    stream.tell(0, completed=True, score=720_0000, score_max=1200_0000)
    assert (stream.status, stream["score_achieved"], stream["passing_score"]) == (E.COMPLETED, 60_00, 58_33)


def test_a_score_without_its_maximum_is_on_the_last_scale() -> None:
    """Percent stays percent; a new scale that fits takes the raw values away."""
    stream = Stream()
    stream.tell(0, score=1450_0000, score_max=1500_0000)
    stream.tell(1, score=750_0000)
    assert (stream["score_achieved"], stream["raw_score"]) == (50_00, 750_0000)
    stream.tell(2, score=8_0000, score_max=10_0000)
    assert (stream["score_achieved"], stream["max_score"], stream["raw_score"]) == (8_00, 10_00, None)
    assert stream["raw_max_score"] is None


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Asia/Tokyo", datetime(2024, 5, 3, 23, 30, tzinfo=UTC), date(2024, 5, 4)),
        ("UTC", datetime(2024, 5, 3, 23, 30, tzinfo=UTC), date(2024, 5, 3)),
        ("America/New_York", datetime(2024, 3, 11, 3, 59, tzinfo=UTC), date(2024, 3, 10)),
        ("America/New_York", datetime(2024, 3, 11, 4, 0, tzinfo=UTC), date(2024, 3, 11)),
        ("Europe/Berlin", datetime(2024, 10, 27, 22, 59, tzinfo=UTC), date(2024, 10, 27)),
        ("Europe/Berlin", datetime(2024, 10, 27, 23, 0, tzinfo=UTC), date(2024, 10, 28)),
        ("Asia/Kolkata", datetime(2024, 5, 3, 18, 30, tzinfo=UTC), date(2024, 5, 4)),
    ],
)
def test_the_day_is_that_of_the_company(zone: str, moment: datetime, day: date) -> None:
    """Trap 33: completion at 23:30 UTC, company in Tokyo: the next day; also on the days when clocks change."""
    stream = Stream(zone=zone)
    stream.tell((micros(moment) - NOON) / HOUR, completed=True, completed_at=micros(moment))
    assert stream["completion_date"] == days(day)


def test_a_deadline_moves_and_may_be_missed_anew() -> None:
    """due_date changes are told; the flag of the missed one goes."""
    stream = Stream()
    stream.tell(0, due_on=TODAY)
    draft = stream.tell(1, due_on=TODAY + 5)
    assert draft is not None
    assert draft.type == "lms.enrollment.due_date_changed.v1"


def test_held_and_resumed() -> None:
    """lms-apis 0.2 sentence 5: suspended is On Hold; a fact that says nothing of it does not resume."""
    stream = Stream()
    stream.tell(0, progress=10_00)
    stream.tell(1, suspended=True)
    stream.tell(2, progress=20_00)
    assert stream.status == E.ON_HOLD
    draft = stream.tell(3, suspended=False)
    assert draft is not None
    assert (draft.type, stream.status) == ("lms.enrollment.resumed.v1", E.IN_PROGRESS)


def test_a_waiver_of_the_lms_counts_as_completed() -> None:
    """figures 2: a waived enrolment counts as completed, with the grade Waived."""
    stream = Stream()
    draft = stream.tell(0, waived=True)
    assert draft is not None
    assert (draft.type, stream.status, stream["grade_achieved"]) == ("lms.enrollment.waived.v1", E.COMPLETED, "Waived")


def test_pass_satisfies_is_a_setting() -> None:
    """figures 9.1, compliance_settings.pass_satisfies; standards 3.2."""
    satisfied, other = Stream(pass_satisfies=True), Stream()
    for stream in (satisfied, other):
        stream.tell(0, passed=True)
    assert (satisfied.status, other.status) == (E.COMPLETED, E.IN_PROGRESS)


def test_a_day_of_completion_that_was_only_seen_gives_way_to_the_one_that_is_told() -> None:
    """figures 9.2: the first completion of the cycle. A state that says only "completed" dates it on the day on which it
    was seen; the day that the LMS tells later is the first completion, and a third one changes nothing."""
    stream = Stream()
    stream.tell(None, seen=0, completed=True)
    assert (stream["completion_date"], stream["completion_date_seen"]) == (TODAY, True)
    stream.tell(None, seen=1, completed=True, completed_on=TODAY - 30)
    assert (stream["completion_date"], stream["completion_date_seen"]) == (TODAY - 30, False)
    stream.tell(None, seen=2, completed=True, completed_on=TODAY - 10)
    assert stream["completion_date"] == TODAY - 30
