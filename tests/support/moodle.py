"""A living Moodle as the source of a connector's tests, and what they ask of a pull."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from urllib.parse import parse_qs

from connectors.contract import Pull
from connectors.moodle.connector import MoodleConnector
from connectors.moodle.mapping import account_key
from connectors.observe import Observer
from connectors.testing.moodle import FakeMoodle
from connectors.testing.suite import Source
from connectors.testing.waiting import ClearSealer, FakeTime
from connectors.testing.world import World
from hub.deciding import learning as deciding
from hub.domain import enrollment, lesson
from hub.domain.integration_config import IntegrationConfig
from hub.domain.learning import Context, State

TOKEN = "kept-secret-token"
CONFIG = IntegrationConfig(
    id="11111111-1111-5111-8111-111111111111",
    company_id="22222222-2222-5222-8222-222222222222",
    lms_code="moodle",
    lms_name="Moodle",
    lms_type="Moodle",
    integration_method="API",
    authentication_type="API Key",
    credentials={"api_key": TOKEN},
    rate_limit_per_hour=1_000_000,
)
NOW = FakeTime().now().timestamp()


class MoodleSource(Source):
    secrets = (TOKEN, "wstoken", "next=secret")

    def __init__(self, fake, settings):
        self.fake = fake
        self.server = fake.server
        self.settings = {"page_size": 3} | settings

    @property
    def world(self):
        return self.fake.world

    def connect(self, pace=None, *, oauth=False, settings=None, **config):
        config = {"api_endpoint_url": self.fake.url, "settings": self.settings | (settings or {})} | config
        chosen = replace(CONFIG, **config)
        self.observer = Observer(chosen, ClearSealer())
        return MoodleConnector(chosen, self.observer, pace=pace or FakeTime().pace())

    def account(self, learner_id):
        return Observer(CONFIG, ClearSealer()).account_id(account_key(str(learner_id)))

    def expected(self):
        found = [f"course/{number}" for number in self.world.courses]
        found += [f"course {number}: it has no role of learner_roles" for number in self.world.courses]
        for told in self.fake.truth():
            person = self.account(told.userid)
            if told.certificate is not None:
                found.append(f"certificate/{told.certificate[0]}")
            if told.standing != "removed":
                found.append(f"{told.courseid}/{person}")
            if told.standing == "active":
                tracks = self.world.courses[told.courseid].tracks
                lessons = [
                    one for one in told.lessons if one.grademax is not None or (tracks and one.state is not None)
                ]
                found += [f"{told.courseid}/{one.cmid}/{person}" for one in lessons]
        return found

    def identity(self, item):
        assert item.problem is None
        return item.native_id or f"{item.position}: {item.note}"

    def is_page(self, asked):
        return b"core_enrol_get_enrolled_users" in asked.body and b"onlyactive" not in asked.body

    def add(self):
        course = next(iter(self.world.courses.values()))
        # One record: of who is active, the activities would be added too.
        standing = "suspended" if self.settings.get("lessons", True) else "active"
        enrollment = self.world.enroll(self.world.hire().id, course.id, standing)
        enrollment.seats[0].last_access = self.world.now()
        return f"{course.id}/{self.account(enrollment.learner.id)}"

    def remove(self):
        course = next(iter(self.world.courses.values()))
        first = min((one for one in course.roster if one.standing == "active"), key=lambda one: one.learner.id)
        self.world.stand(first, "removed")
        return f"{course.id}/{self.account(first.learner.id)}"

    def repeat_a_page(self):
        self.fake.repeat_a_page()

    def expire_tokens(self):
        self.fake.expire_tokens()

    def set_clock_off(self, seconds):
        self.fake.set_clock_off(seconds)


@contextmanager
def moodle(
    settings=None, *, courses=2, learners=8, enrollments=14, seed=7, clock=lambda: NOW, **fake
) -> Iterator[MoodleSource]:
    world = World(seed, courses=courses, learners=learners, enrollments=enrollments, clock=clock)
    with FakeMoodle(world, token=TOKEN, **fake) as running:
        yield MoodleSource(running, settings or {})


def pulled(connector, since=None, *, full=False):
    with closing(connector):
        return list(connector.pull(Pull(since, full, now=FakeTime().micros)))


def told(items, kind="enrollment"):
    """The counted observations of one kind, by native id."""
    return {
        item.native_id: one
        for item in items
        for one in item.observations
        if one["counted"] and one["type"] == f"lms.observation.{kind}.v1" and "certified" not in one["facts"]
    }


def enrollments(source):
    """How many people are on the lists of courses."""
    return sum(one.standing != "removed" for one in source.fake.truth())


def asked(source, function):
    """How often a function was asked."""
    return sum(parse_qs(one.body.decode()).get("wsfunction") == [function] for one in source.server.asked)


def enriched(asked, right):
    """What a site may have besides: custom fields of courses, a hidden course, feedback."""
    reply = right(asked)
    value = json.loads(reply.body)
    if b"core_course_get_courses" in asked.body:
        fields = {"form": "eLearning", "skills": "First aid", "valid": "365", "must": "1", "law": "1"}
        for row in value:
            row["customfields"] = [{"shortname": name, "value": text} for name, text in fields.items()]
        value[-1]["visible"] = 0
    elif b"gradereport_user" in asked.body:
        for grade in (one for user in value["usergrades"] for one in user["gradeitems"]):
            grade["feedback"] = "Well done"
    return replace(reply, body=json.dumps(value).encode())


def columns(one):
    """The columns that an observation fills, as the hub's own decisions fill them; those of its facts' default values
    are none."""
    facts = {name: value for name, value in one["facts"].items() if value is not None}
    if one["stream_kind"] in ("account", "course"):
        table = "lms_account" if one["stream_kind"] == "account" else "course"
        retired = ("retired_at",) if one.get("retired") else ()
        return {f"{table}.{name}" for name in (*facts, *retired)}
    found, context = deciding.told_by(one), Context(now=one["observed_at"], course=COURSE_ROW)
    if one["type"] == "lms.observation.enrollment.v1":
        return {
            f"lms_course_enrollment.{name}" for name in enrollment.decide(State(), found, facts, context).enrollment
        }
    return {f"lms_learning_progress.{name}" for name in lesson.decide(State(), found, facts, context).lesson} | {
        "lms_learning_progress.lesson_id"
    }


COURSE_ROW = {"course_type": "eLearning", "is_mandatory": True, "is_compliance_training": True}
