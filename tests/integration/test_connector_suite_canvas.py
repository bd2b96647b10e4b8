"""The Canvas connector against the suite of all API connectors and against a living Canvas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from connectors.canvas import guide
from connectors.canvas.connector import CanvasConnector
from connectors.contract import Item, Pull
from connectors.http import Pace
from connectors.observe import Observer
from connectors.testing.canvas import FakeCanvas
from connectors.testing.canvas_rows import STUDENTS
from connectors.testing.canvas_truth import CanvasTruth
from connectors.testing.server import Asked
from connectors.testing.suite import ConnectorSuite, Source
from connectors.testing.waiting import ClearSealer, FakeTime
from connectors.testing.world import World
from connectors.testing.world_parts import Enrollment
from hub.domain.integration_config import IntegrationConfig
from projections.tables import TABLES
from tests.support.canvas import CONFIG, facts


def config_of(fake: FakeCanvas, *, oauth: bool = False, **more: Any) -> IntegrationConfig:
    """The configuration of an integration with this fake."""
    credentials = {"api_key": fake.token}
    if oauth:
        client_id, client_secret = fake.client
        credentials = {"client_id": client_id, "client_secret": client_secret, "refresh_token": fake.refresh_token}
    told = {
        "api_endpoint_url": fake.url + "/api/v1",
        "authentication_type": "OAuth 2.0" if oauth else "API Key",
        "credentials": credentials,
        "settings": {"page_size": 3},
    }
    return replace(CONFIG, **(told | more))


class CanvasSource(Source):
    """Two courses; records are courses, enrollments and submissions. Pages are those of enrollments and submissions."""

    secrets = (
        "canvas-secret-token",
        "canvas-client-secret",
        "canvas-refresh-secret",
        "canvas-granted-secret",
        "per_page",
        "bookmark",
        "next=secret",
    )

    def __init__(self, fake: FakeCanvas) -> None:
        self.fake = fake
        self.server = fake.server
        self._numbers = count(1)

    def connect(self, pace: Pace, *, oauth: bool = False, **config: Any) -> CanvasConnector:
        chosen = config_of(self.fake, oauth=oauth, **config)
        return CanvasConnector(chosen, Observer(chosen, ClearSealer()), pace=pace)

    def expected(self) -> list[str]:
        world = self.fake.world
        found = [f"course/{number}" for number in world.courses]
        for enrollment in (each for course in world.courses.values() for each in course.roster):
            found += [f"enrollment/{seat.id}" for seat in enrollment.seats]
            if enrollment.standing in STUDENTS:
                graded = [place for place, one in enumerate(enrollment.course.path) if one.points is not None]
                found += [f"submission/{enrollment.id * 100 + place}" for place in graded]
        return found

    def identity(self, item: Item) -> str:
        assert item.native_id is not None
        return item.native_id

    def is_page(self, asked: Asked) -> bool:
        return asked.path.endswith(("/enrollments", "/students/submissions"))

    def add(self) -> str:
        """An enrollment that was taken back at once: it has no submissions, so it is one record."""
        world = self.fake.world
        course = next(iter(world.courses.values()))
        added = world.enroll(world.hire().id, course.id, "removed")
        return f"enrollment/{added.seats[0].id}"

    def remove(self) -> str:
        """The first enrollment is lost; it was one that had been taken back."""
        roster: list[Enrollment] = next(iter(self.fake.world.courses.values())).roster
        gone = next(each for each in roster if each.standing == "removed" and len(each.seats) == 1)
        roster.remove(gone)
        return f"enrollment/{gone.seats[0].id}"

    def repeat_a_page(self) -> None:
        self.fake.repeat_a_page()

    def expire_tokens(self) -> None:
        self.fake.expire_tokens()

    def set_clock_off(self, seconds: int) -> None:
        self.fake.set_clock_off(seconds)


def world_of(courses: int = 2, learners: int = 8, **more: Any) -> World:
    """A world whose first course begins with enrollments that were taken back."""
    world = World(5, courses=courses, learners=learners, **more)
    course = next(iter(world.courses.values()))
    for enrollment in course.roster[:2]:
        world.stand(enrollment, "removed")
    return world


@contextmanager
def canvas_source(**more: Any) -> Iterator[CanvasSource]:
    """A fresh fake, serving."""
    with FakeCanvas(world_of(enrollments=12), **more) as fake:
        yield CanvasSource(fake)


class TestCanvas(ConnectorSuite):
    """A Canvas of today: 429 where too much is asked."""

    def source(self):
        return canvas_source()


class TestOldCanvas(ConnectorSuite):
    """An older Canvas: 403 where too much is asked, and only three rows on a page whatever is asked for."""

    def source(self):
        return canvas_source(throttle_status=403, page_limit=2)


# -- what a living Canvas tells, and what is made of it -------------------------------------------------------


def pulled(
    fake: FakeCanvas, since: int | None = None, *, full: bool = False, **config: Any
) -> tuple[CanvasConnector, list[Item]]:
    """All items of one pull."""
    chosen = config_of(fake, **{"settings": {"passing_score": 50}, **config})
    connector = CanvasConnector(chosen, Observer(chosen, ClearSealer()), pace=FakeTime().pace())
    with closing(connector):
        return connector, list(connector.pull(Pull(since, full, now=FakeTime().micros)))


def told_of(items: Sequence[Item], truth: CanvasTruth) -> dict[str, Any]:
    """The facts of the enrollment that a truth is about."""
    ids = {f"enrollment/{number}" for number, _ in truth.seats}
    (found,) = facts([item for item in items if item.native_id in ids])
    return found


def micros(seconds: int | None) -> int | None:
    """Seconds as the facts have them."""
    return None if seconds is None else seconds * 1_000_000


def test_every_enrollment_is_told_as_it_is():
    """All facts of all enrollments and lessons are those of the world, for each state, section and progress."""
    with FakeCanvas(World(11, courses=6, learners=60)) as fake:
        fake.world.step(400)
        active = [each for each in fake.world.enrollments if each.standing == "active" and not each.lessons]
        fake.world.stand(active[0], "invited")
        fake.world.stand(active[1], "rejected")
        _, items = pulled(fake)
        lessons = {
            (told["stream_id"], told["facts"]["lesson_id"]): told["facts"]
            for item in items
            for told in item.observations
            if told["type"] == "lms.observation.lesson.v1"
        }
        truths = list(fake.truth())
    assert not [item for item in items if item.problem]
    assert len({truth.state for truth in truths}) == 6
    streams = {
        item.native_id: told["stream_id"]
        for item in items
        for told in item.observations
        if told["type"] == "lms.observation.enrollment.v1"
    }
    compared = 0
    for truth in truths:
        told = told_of(items, truth)
        assert told["removed"] is (truth.state in ("deleted", "rejected"))
        assert told["suspended"] is (truth.state == "inactive")
        if truth.state not in ("invited", "creation_pending"):
            assert told.get("last_access_at") == micros(truth.last_activity_at)
            assert told.get("seconds_total") == truth.total_activity_time
        assert told.get("completed_at") == micros(truth.completed_at)
        if truth.requirement_count and truth.state == "active":
            share = 10_000 * truth.requirement_completed_count / truth.requirement_count
            assert abs(told["progress"] - share) <= 0.5
        final = truth.completed_at is not None or truth.state == "completed"
        score = truth.final_score if final else truth.current_score
        assert told.get("score") == (None if score is None else round(score * 10_000))
        assert told["course_name"] == truth.course_name
        stream = next(streams[key] for number, _ in truth.seats if (key := f"enrollment/{number}") in streams)
        for lesson in truth.lessons:
            if lesson.submission is None or truth.state in ("deleted", "rejected"):
                continue
            found = lessons[stream, str(lesson.assignment_id)]
            compared += 1
            assert found["lesson_name"] == lesson.title
            assert found["skipped"] is lesson.excused
            if not lesson.excused:
                assert found.get("completed", False) is (lesson.submission == "graded")
                assert found.get("score") == (None if lesson.score is None else round(lesson.score * 10_000))
                assert found.get("attempts_total") == lesson.attempt
                assert found.get("completed_at") == micros(lesson.graded_at)
    assert compared > 300


@pytest.mark.parametrize("off", [-7200, 0, 7200])
def test_no_change_of_a_submission_is_lost(off):
    """Whatever Canvas's clock says: what changes after a pull, or while it reads, comes with one since its watermark."""
    with FakeCanvas(World(3, courses=3, learners=20)) as fake:
        fake.set_clock_off(off)
        first, before = pulled(fake)
        fake.world.step(300)
        _, after = pulled(fake, first.watermark() - 600_000_000)
        _, whole = pulled(fake)
    known = {item.native_id: item.sha256 for item in before}
    known |= {item.native_id: item.sha256 for item in after}
    submissions = [item for item in whole if (item.native_id or "").startswith("submission") and item.observations]
    changed = [item for item in submissions if item.observations[-1]["facts"].get("completed") is not None]
    assert len(changed) > 50
    assert [item.native_id for item in changed if known.get(item.native_id) != item.sha256] == []
    assert len(after) < len(whole)


def test_ids_as_text_are_the_same():
    """A Canvas that tells all ids as texts tells of the same streams."""
    with FakeCanvas(World(3, courses=2, learners=6)) as fake:
        _, plain = pulled(fake)

        def as_text(asked, right):
            return right(replace(asked, headers={**asked.headers, "accept": "application/json+canvas-string-ids"}))

        fake.server.always(as_text)
        _, texts = pulled(fake)
    assert [told["stream_id"] for item in plain for told in item.observations] == [
        told["stream_id"] for item in texts for told in item.observations
    ]


RIGHTS = {
    "read_course_list": {guide.COURSES},
    "read_roster": {guide.ENROLLMENTS, guide.EMAIL},
    "view_all_grades": {guide.GRADES, guide.PROGRESS, guide.ONE_PROGRESS, guide.SUBMISSIONS},
    "read_sis": {guide.SIS},
    "read_email_addresses": {guide.EMAIL},
    "view_user_logins": {guide.LOGINS},
}


@pytest.mark.parametrize("right", sorted(RIGHTS))
def test_missing_permission_is_named(right):
    """Each permission that the token's user lacks is named, with the columns that stay empty and what grants it."""
    with FakeCanvas(World(5, courses=2, learners=8), lacking=[right]) as fake:
        chosen = config_of(fake)
        connector = CanvasConnector(chosen, Observer(chosen, ClearSealer()), pace=FakeTime().pace())
        with closing(connector):
            bad = {check.name: check for check in connector.test() if not check.ok}
    wanted = {one.name: one for one in RIGHTS[right]}
    assert wanted.keys() <= bad.keys()
    if right != "read_course_list":
        assert wanted.keys() == bad.keys()
    for name, one in wanted.items():
        assert (bad[name].empty_columns, bad[name].remedy) == (one.columns, one.remedy)


def test_missing_scope_is_named():
    """Of a scoped key each route that is not in its scopes is named, under the name of the scope."""
    scoped = [one for one in guide.GUIDE.permissions if one.name.startswith("url:")]
    with FakeCanvas(World(5, courses=2, learners=8)) as fake:
        every = set(fake.scope_names())
    assert {one.name for one in scoped} <= every
    for missing in scoped[1:]:
        with FakeCanvas(World(5, courses=2, learners=8), scopes=every - {missing.name}) as fake:
            chosen = config_of(fake)
            connector = CanvasConnector(chosen, Observer(chosen, ClearSealer()), pace=FakeTime().pace())
            with closing(connector):
                bad = [check.name for check in connector.test() if not check.ok]
        assert missing.name in bad


# -- the guide ----------------------------------------------------------------------------------------------

FACT = {
    "lms_course_enrollment.start_date": "started_on",
    "lms_course_enrollment.enrollment_date": "enrolled_on",
    "lms_course_enrollment.enrollment_status": "removed",
    "lms_course_enrollment.completion_date": "completed_at",
    "lms_course_enrollment.progress_percentage": "progress",
    "lms_course_enrollment.score_achieved": "score",
    "lms_course_enrollment.max_score": "score_max",
    "lms_course_enrollment.grade_achieved": "grade",
    "lms_course_enrollment.time_spent_minutes": "seconds_total",
    "lms_course_enrollment.last_access_date": "last_access_at",
    "lms_course_enrollment.course_id": "enrollment_key",
    "lms_learning_progress.progress_status": "completed",
    "lms_learning_progress.completion_date": "completed_at",
    "lms_learning_progress.completion_percentage": "completed",
    "lms_learning_progress.score_achieved": "score",
    "lms_learning_progress.max_score": "score_max",
    "lms_learning_progress.attempts_count": "attempts_total",
    "lms_learning_progress.assessment_results": "attempt",
    "lms_learning_progress.first_access_date": "first_access_at",
    "lms_learning_progress.last_access_date": "last_access_at",
    "lms_learning_progress.is_mandatory_lesson": "mandatory",
}
"""Column → the fact that fills it, where they do not have the same name."""
KIND = {
    "lms_course_enrollment": "enrollment",
    "lms_learning_progress": "lesson",
    "lms_account": "account",
    "course": "course",
}
NOT_IN_THE_FAKE = {"lms_course_enrollment.end_date"}
"""Columns whose source the fake never tells; they are seen filled in tests on rows made by hand."""


def test_every_fill_is_filled():
    """Each column that the guide says is filled is filled by a pull of the fake; none that it calls empty is."""
    with FakeCanvas(World(11, courses=6, learners=60)) as fake:
        _, items = pulled(fake)
    told = {kind: set().union(*facts(items, kind)) for kind in KIND.values()}

    def is_filled(column: str) -> bool:
        table, name = column.split(".")
        return FACT.get(column, name) in told[KIND[table]]

    assert {fill.column for fill in guide.GUIDE.fills if not is_filled(fill.column)} == NOT_IN_THE_FAKE
    assert not [column for column, _ in guide.GUIDE.lacks if is_filled(column)]


def test_columns_of_the_guide_exist():
    """Every column that the guide names is one of the tables, and none is both filled and lacking."""
    fills = [fill.column for fill in guide.GUIDE.fills]
    lacks = [column for column, _ in guide.GUIDE.lacks]
    rights = [column for right in guide.GUIDE.permissions for column in right.columns]
    for column in (*fills, *lacks, *rights):
        table, name = column.split(".")
        assert name in TABLES[f"hub.{table}" if f"hub.{table}" in TABLES else table].columns, column
    assert len(set(fills)) == len(fills)
    assert not set(fills) & set(lacks)
    assert set(rights) <= set(fills)
