"""What people, reactors and the clock do to an enrollment; and that every event of the topic can be told."""

from __future__ import annotations

import pytest

from hub.domain import enrollment_acts as acts
from hub.domain.events import all_types
from hub.domain.values import EnrollmentStatus as E
from hub.errors import Refused
from tests.support.told import EMPLOYEE, HOUR, NOON, OTHER, TODAY, Stream


def begun() -> Stream:
    stream = Stream()
    stream.tell(0, progress=40_00)
    return stream


def certified() -> Stream:
    stream = Stream()
    stream.tell(0, certified=True, certificate_id="c1", valid_from=TODAY, valid_until=TODAY + 90)
    return stream


def test_link_and_unlink() -> None:
    """design 4: employee_id is NULL until the account is linked; one event per stream; nothing twice."""
    stream = begun()
    stream.act(acts.linked, EMPLOYEE)
    assert stream["employee_id"] == stream.events[-1]["employee_id"] == EMPLOYEE
    assert stream.act(acts.linked, EMPLOYEE) is None
    stream.act(acts.linked, OTHER)
    assert stream["employee_id"] == OTHER
    stream.act(acts.unlinked)
    assert stream["employee_id"] is None
    assert stream.events[-1]["employee_id"] is None
    assert stream.act(acts.unlinked) is None


def test_acts_make_no_state_late() -> None:
    """design 4, late: commands and links do not count."""
    stream = begun()
    stream.act(acts.linked, EMPLOYEE)
    stream.act(acts.corrected, {"grade_achieved": "B"})
    draft = stream.tell(0.001, progress=41_00)
    assert draft is not None
    assert not draft.late


def test_a_waiver_counts_as_completed() -> None:
    """figures 2: waived (grade "Waived") counts as completed; the LMS's "not complete" does not undo it."""
    stream = begun()
    stream.act(acts.waived, TODAY, NOON)
    assert (stream.status, stream["completion_date"], stream["grade_achieved"]) == (E.COMPLETED, TODAY, "Waived")
    stream.tell(1, completed=False, progress=50_00)
    assert (stream.status, stream["cycle"]) == (E.COMPLETED, 1)
    with pytest.raises(Refused) as no:
        stream.act(acts.waived, TODAY, NOON)
    assert (no.value.field, no.value.rule) == ("enrollment_status", "not ended")


def test_a_deadline_is_missed_once_and_anew_after_it_moved() -> None:
    """figures 2, overdue on day D: due_date < D, not completed, not Dropped, not On Hold."""
    stream = begun()
    stream.act(acts.due_date_changed, TODAY)
    assert stream.act(acts.overdue, TODAY) is None
    stream.act(acts.overdue, TODAY + 1)
    assert stream["overdue"] is True
    assert stream.act(acts.overdue, TODAY + 2) is None
    stream.act(acts.due_date_changed, TODAY + 5)
    assert stream["overdue"] is None
    assert stream.act(acts.overdue, TODAY + 6) is not None
    stream.tell(1, due_on=TODAY + 9)
    assert stream["overdue"] is None
    stream.act(acts.due_date_changed, None)
    assert (stream["due_date"], stream.act(acts.overdue, TODAY + 99)) == (None, None)
    assert stream.act(acts.due_date_changed, None) is None


@pytest.mark.parametrize("facts", [{"completed": True}, {"removed": True}, {"suspended": True}])
def test_who_is_done_dropped_or_held_is_not_overdue(facts: dict[str, bool]) -> None:
    """figures 2, overdue."""
    stream = begun()
    stream.tell(1, due_on=TODAY)
    stream.tell(2, **facts)
    assert stream.act(acts.overdue, TODAY + 5) is None


def test_the_clock_lapses_a_certificate_on_the_day_after_its_last() -> None:
    """figures 2, valid on day D: D before valid_until. The completion stays."""
    stream = certified()
    assert stream.act(acts.lapsed, TODAY + 89, NOON) is None
    stream.act(acts.expiring, 30)
    stream.act(acts.lapsed, TODAY + 90, NOON + 90 * 24 * HOUR)
    assert (stream.status, stream["completion_date"]) == (E.EXPIRED, TODAY)
    assert stream.act(acts.lapsed, TODAY + 91, NOON) is None
    assert stream.act(acts.expiring, 30) is None
    assert stream.events[1]["days_left"] == 30


def test_a_recertification_from_before_the_lapse_is_not_lost() -> None:
    """The clock's lapse does not move the end of the cycle: what the LMS says afterwards still counts."""
    stream = certified()
    stream.act(acts.lapsed, TODAY + 90, NOON + 90 * 24 * HOUR)
    stream.tell(80 * 24, certified=True, certificate_id="c2", valid_until=TODAY + 400)
    assert (stream["cycle"], stream.status) == (2, E.CERTIFIED)


def test_a_cycle_ends_once() -> None:
    """The end of a cycle is its first one: a certificate that comes later does not move it."""
    stream = Stream()
    stream.tell(0, completed=True)
    stream.tell(5, certified=True, certificate_id="c1")
    assert stream["ended_at"] == NOON


def test_the_clock_ends_access_after_its_last_day() -> None:
    """figures 9.2: end_date is the last day of access; Expired without completion_date: access ran out."""
    stream = begun()
    stream.tell(1, access_ends_on=TODAY + 3)
    assert stream.act(acts.access_ended, TODAY + 3, NOON) is None
    stream.act(acts.access_ended, TODAY + 4, NOON + 96 * HOUR)
    assert (stream.status, stream["completion_date"]) == (E.EXPIRED, None)
    assert stream.act(acts.access_ended, TODAY + 5, NOON) is None


def test_a_person_revokes() -> None:
    """figures 9.2: a revocation moves Certified to Completed; the LMS goes on telling the certificate in vain."""
    stream = certified()
    stream.act(acts.revoked, TODAY + 3)
    assert (stream.status, stream["revoked_on"]) == (E.COMPLETED, TODAY + 3)
    stream.tell(200, certified=True, certificate_id="c1", valid_from=TODAY, valid_until=TODAY + 90)
    assert (stream.status, stream["cycle"]) == (E.COMPLETED, 1)
    assert stream.act(acts.revoked, TODAY + 4) is None


def test_a_correction_sets_and_clears_only_what_it_may() -> None:
    """figures 9.2: else only a correction moves an ended row."""
    stream = begun()
    stream.act(acts.corrected, {"score_achieved": 80_00, "valid_until": TODAY}, ("progress_percentage", "due_date"))
    assert (stream["score_achieved"], stream["valid_until"], stream["progress_percentage"]) == (80_00, TODAY, None)
    assert stream.act(acts.corrected, {"score_achieved": 80_00}) is None
    for values, cleared, rule in (
        ({"employee_id": OTHER}, (), "correctable"),
        ({}, ("enrollment_date",), "required"),
        ({"due_date": 3}, ("due_date",), "required"),
    ):
        with pytest.raises(Refused) as no:
            stream.act(acts.corrected, values, cleared)
        assert no.value.rule == rule


def test_a_correction_to_an_end_is_not_undone_by_a_repeat() -> None:
    """The state that was known when a person ended the cycle shows no work after the end; a newer one does."""
    stream = begun()
    stream.act(acts.corrected, {"enrollment_status": E.DROPPED.value})
    stream.tell(0, progress=40_00, grade="B")
    assert (stream.status, stream["cycle"]) == (E.DROPPED, 1)
    stream.tell(1, progress=50_00)
    assert stream["cycle"] == 2


def every_event() -> set[str]:
    """The types of a tour through all that can happen."""
    stream, types = begun(), set()
    stream.tell(1, suspended=True)
    stream.tell(2, suspended=False)
    stream.act(acts.linked, EMPLOYEE)
    stream.act(acts.unlinked)
    stream.act(acts.due_date_changed, TODAY)
    stream.act(acts.overdue, TODAY + 1)
    stream.act(acts.corrected, {"is_mandatory": True})
    stream.tell(2.5, grade="B")
    stream.tell(3, completed=True, passed=False)
    stream.tell(4, completed=True, passed=True)
    stream.tell(5, certified=True, valid_until=TODAY + 9)
    stream.act(acts.expiring, 30)
    stream.act(acts.lapsed, TODAY + 9, NOON)
    stream.retract(2)
    for number, facts in enumerate(({"worked": True}, {"progress": 5_00}, {"completed": True, "passed": False},
                                    {"completed": True, "passed": True}, {"lesson_name": "x"})):  # fmt: skip
        stream.tell(10 + number, lesson_key="l", **facts)
    stream.tell(20, lesson_key="m", skipped=True)
    types |= {event["type"] for event in stream.events}
    revoked, other, dropped, registered, started = certified(), begun(), begun(), Stream(), Stream()
    revoked.act(acts.revoked, TODAY)
    other.act(acts.waived, TODAY, NOON)
    dropped.tell(1, removed=True)
    registered.tell(0)
    registered.tell(1, expired=True)
    started.tell(0)
    started.tell(1, worked=True)
    started.tell(2, progress=1_00)
    for one in (revoked, other, dropped, registered, started):
        types |= {event["type"] for event in one.events}
    return types


def test_every_event_of_the_topic_is_told_by_some_decision() -> None:
    """No event type of lms.learning is declared in vain."""
    declared = {name for name, model in all_types().items() if model.topic == "lms.learning"}
    assert declared - every_event() == set()
