"""The traps of Moodle, each by its number in the list of traps, on small answers made by hand."""

from __future__ import annotations

import pytest
from httpx import Headers

from connectors.http import Answer, HttpRefused
from connectors.moodle import mapping
from connectors.moodle.client import value_of
from connectors.moodle.errors import Barred, Denied, NothingThere
from connectors.moodle.settings import options_of
from hub.domain import scores
from hub.domain.certificate import completed_day
from hub.domain.units import SECOND, day
from hub.errors import Retriable
from tests.unit.moodle_rows import USER, config, facts_of, graded, standing, status


def answer(body, kind="application/json"):
    return Answer("http://moodle.example.org/webservice/rest/server.php", 200, Headers({"content-type": kind}), body)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalidtoken", Barred),
        ("accessexception", Barred),
        ("nopermissions", Denied),
        ("requireloginerror", Denied),
        ("errorcoursecontextnotvalid", Denied),
        ("neverheardof", Denied),
        ("usernotenroled", NothingThere),
        ("nocriteriaset", NothingThere),
        ("cannotviewreport", NothingThere),
        ("dmlreadexception", Retriable),
        ("sitemaintenance", Retriable),
    ],
)
def test_trap_11_error_with_status_200(code, kind):
    """An exception in the body is an error of the type that its code means; its message and SQL are not told."""
    body = b'{"exception":"moodle_exception","errorcode":"%b","message":"Ada","debuginfo":"SELECT"}' % code.encode()
    with pytest.raises(kind) as raised:
        value_of(answer(body), "core_course_get_courses")
    assert code in str(raised.value)
    assert not {"Ada", "SELECT"} & set(str(raised.value).split())
    if kind is Barred:
        assert raised.value.errorcode == code
        assert "Site administration" in raised.value.expected


def test_trap_11_error_without_a_code():
    """What calls itself an exception and has no code is a fault that may pass."""
    with pytest.raises(Retriable):
        value_of(answer(b'{"error":"internal","exception":"dml_read_exception"}'), "f")


def test_trap_12_what_comes_with_status_200():
    """A web page is a wrong configuration; null, 0 and a bare list are answers."""
    with pytest.raises(HttpRefused, match="web page"):
        value_of(answer(b"<!DOCTYPE html><html></html>", "text/html"), "f")
    assert value_of(answer(b"null"), "f") is None
    assert value_of(answer(b"0"), "f") == 0
    assert value_of(answer(b"[]"), "f") == []


def test_trap_13_state_0_with_a_time():
    """The time of a state of 0 is that of its row: the lesson is not completed, and no completion has a time."""
    told, at = mapping.lesson(status(311, 0, at=1_740_740_000), None, None, "UTC")
    assert told["completed"] is False
    assert "completed_at" not in told
    assert at == 1_740_740_000 * SECOND


def test_trap_13_states():
    """Everything but 0 is complete; 3 and 4 are failed, 1 and 2 are not; a row that was never touched says nothing."""
    said = {state: mapping.lesson(status(1, state, at=1_740_739_200), None, None, "UTC")[0] for state in (1, 2, 3, 4)}
    assert [said[state].get("passed") for state in (1, 2, 3, 4)] == [True, True, False, False]
    assert all(told["completed"] and told["completed_at"] == 1_740_739_200 * SECOND for told in said.values())
    untouched, at = mapping.lesson(status(1, 0, at=0), None, None, "UTC")
    assert "completed" not in untouched
    assert at is None


def test_trap_14_zero_means_never():
    """A last access of 0 is none, and an end of 0 ends nothing."""
    told = facts_of(standing(lastaccess=0, enddate=0, progress=0), USER | {"lastcourseaccess": 0})
    assert "last_access_at" not in told
    assert "access_ends_on" not in told
    assert mapping.last_access({}, None) is None
    assert mapping.last_access({"lastcourseaccess": 0}, {"lastaccess": 1_740_823_200}) == 1_740_823_200 * SECOND


def test_trap_32_numbers_beyond_their_scale():
    """A percentage of 104.2 is 100; a score of 1450 of 1500 is 96.67 of 100, and its pass mark is percent too."""
    grades = graded(1450, 1500)
    told = facts_of(standing(progress=104.2), grades=grades, settings={"passing_score": 80})
    assert told["progress"] == 10_000
    fitted = scores.fit_facts(told, lambda name: None)
    assert (fitted.score, fitted.maximum, fitted.passing) == (9667, 10_000, 8000)


def test_trap_33_completion_late_in_the_evening():
    """A completion at 23:30 UTC is on the next day in Tokyo."""
    done = {
        "completions": [{"timecompleted": 1_740_871_800}, {"timecompleted": 1_740_000_000}, {"timecompleted": None}]
    }
    told = facts_of(standing(completed=True), **done)
    assert day(completed_day(told, "UTC")).isoformat() == "2025-03-01"
    assert day(completed_day(told, "Asia/Tokyo")).isoformat() == "2025-03-02"


def test_daylight_saving():
    """Epoch seconds know no clock change: the hour that comes twice, and the one that is skipped, are told exactly."""
    for at, there in ((1_761_435_000, "2025-10-26"), (1_761_438_600, "2025-10-26"), (1_743_289_200, "2025-03-30")):
        told, source_time = mapping.certificate({"id": 1, "code": "A", "timecreated": at}, None, "Europe/Berlin")
        assert day(told["valid_from"]).isoformat() == there
        assert source_time == at * SECOND


def test_trap_34_learner_without_any_key():
    """An account that shows nothing but its id is a learner all the same."""
    learner = mapping.learner_of({"id": "17"}, options_of(config()))
    assert learner.native_id == "lms_user_id:17"
    assert (learner.hr_number, learner.email, learner.login_name, learner.custom_identifier) == (None, None, None, None)
