"""The Moodle connector against the suite of all API connectors and against a living Moodle, on loopback."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager

from connectors.moodle import guide
from connectors.testing.suite import ConnectorSuite
from hub.domain.units import SECOND
from projections.tables import TABLES
from tests.support.moodle import columns, enriched, moodle, pulled, told


class TestMoodle(ConnectorSuite):
    """With activities, grades and certificates."""

    has_oauth = False

    def source(self):
        return moodle()


class TestMoodleOfCourses(ConnectorSuite):
    """Without activities, and a site that gives fewer rows than it is asked for."""

    has_oauth = False

    @contextmanager
    def source(self):
        with moodle({"lessons": False, "page_size": 500}, courses=1, enrollments=8, page_cap=3) as source:
            whole = source.expected
            source.expected = lambda: [one for one in whole() if one.count("/") < 2]
            yield source


# -- against the site's own truth -------------------------------------------------------------------------


def test_everything_is_as_the_site_has_it():
    """Progress, completion, score, access and standing of everybody, and each lesson, are the site's own."""
    with moodle({"page_size": 20}, courses=8, learners=40, enrollments=None) as source:
        items = pulled(source.connect())
        found, lessons = told(items), told(items, "lesson")
        seen = Counter()
        for truth in source.fake.truth():
            key = f"{truth.courseid}/{source.account(truth.userid)}"
            seen[truth.standing] += 1
            if truth.standing == "removed":
                assert key not in found
                continue
            facts = found[key]["facts"]
            assert facts["removed"] is False
            assert facts["suspended"] is (truth.standing == "suspended")
            assert facts.get("last_access_at") == micros(truth.last_access)
            assert facts.get("score") == (None if truth.graderaw is None else round(truth.graderaw * 10_000))
            if truth.standing == "active":
                # Whoever did everything and failed in something has failed, which Moodle has no word for.
                failed = facts.get("passed") is False and not truth.completed
                assert not failed or all(one.state for one in truth.lessons if one.state is not None)
                seen["completed"] += truth.completed
                seen["failed"] += failed
                assert facts.get("progress") == (None if truth.progress is None else round(truth.progress * 100))
                assert bool(facts.get("completed")) == truth.completed or failed
                assert not truth.completed or facts["completed_at"] == micros(truth.completed_at)
                same_lessons(truth, lessons, key, source.world.courses[truth.courseid].tracks)
        assert min(seen[kind] for kind in ("active", "suspended", "removed", "completed", "failed")) > 0, seen


def same_lessons(truth, lessons, key, tracks):
    course, account = key.split("/")
    for one in truth.lessons:
        if one.grademax is None and not (tracks and one.state is not None):
            continue
        facts = lessons[f"{course}/{one.cmid}/{account}"]["facts"]
        state = one.state if tracks else None
        assert facts["lesson_name"] == one.name
        assert bool(facts.get("completed")) == bool(state)
        assert facts.get("passed") == {1: True, 2: True, 3: False, 4: False}.get(state)
        assert facts.get("score") == (None if one.graderaw is None else round(one.graderaw * 10_000))
        assert facts.get("score_max") == (None if one.grademax is None else round(one.grademax * 10_000))


def micros(seconds):
    return None if seconds is None else seconds * SECOND


def test_every_column_of_the_guide_is_filled():
    """The columns that the page names exist, and a pull fills each; what it names as lacking exists too."""
    wanted = {one.column for one in guide.GUIDE.fills}
    lacking = {column for column, _ in guide.GUIDE.lacks}
    for column in wanted | lacking | {one for right in guide.GUIDE.permissions for one in right.columns}:
        table, name = column.split(".")
        assert name in TABLES[table].c, column
    assert not wanted & lacking
    assert {one for right in guide.GUIDE.permissions for one in right.columns} <= wanted
    settings = {
        "page_size": 20, "passing_score": 60, "employee_field": "employee_no", "course_type_field": "form",
        "skills_field": "skills", "validity_days_field": "valid", "mandatory_field": "must", "compliance_field": "law",
    }  # fmt: skip
    with moodle(settings, courses=8, learners=40, enrollments=None) as source:
        source.server.always(enriched)
        filled = Counter(
            column for item in pulled(source.connect()) for one in item.observations for column in columns(one)
        )
    assert not wanted - set(filled)
    assert not lacking & set(filled)
