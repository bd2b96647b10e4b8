"""What the employees of Brightwater learn online, as xAPI statements: the usual, and what makes a real LRS interesting.

``first`` is what the LRS has when the hub asks for the first time; ``later`` arrives afterwards: late ones, ones that a
sender repeated, one that takes another back, and odd ones.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.demo.people import Row

ADL = "http://adlnet.gov/expapi/verbs/"
ACTIVITIES = "http://adlnet.gov/expapi/activities/"
SITE = "https://learn.brightwater.example/"
BEGINNING = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)
LEARNERS = 80
COURSES = {
    "safety": ("Workplace Safety", ("Hazards", "Protective Equipment", "Emergency Quiz")),
    "privacy": ("Data Protection", ("Principles", "Data Protection Test")),
    "lathe": ("Lathe Basics", ("Set-up", "Turning", "Maintenance", "Practical Test")),
    "feedback": ("Giving Feedback", ("Listening", "Role Play")),
    "excel": ("Spreadsheets", ("Formulas", "Charts", "Final Quiz")),
}
CERTIFYING = "safety"
CERTIFICATE = "https://www.opigno.org/en/tincan_registry/activity_type/certificate"

Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statements:
    """In the order in which they were stored."""

    first: list[Statement]
    later: list[Statement]


class _Author:
    """Writes statements; the same seed writes the same ones."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311

    def statement(self, actor: Statement, verb: str, thing: Statement, at: datetime, **more: Any) -> Statement:
        return {
            "id": self.uuid(),
            "actor": actor,
            "verb": {"id": verb if ":" in verb else ADL + verb, "display": {"en": verb.rsplit("/", 1)[-1]}},
            "object": thing,
            "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **more,
        }

    def uuid(self) -> str:
        text = f"{self.rng.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"

    def way(self, actor: Statement, key: str) -> list[Statement]:
        """One learner's way through a course, as far as it goes."""
        lessons = COURSES[key][1]
        course, rng = _course(key), self.rng
        at = BEGINNING + timedelta(minutes=rng.randrange(40 * 24 * 60))
        told = [self.statement(actor, "registered", course, at)]
        done = rng.choice((0, 1, len(lessons), len(lessons), len(lessons)))
        passed = rng.random() < 0.85
        for place, lesson in enumerate(lessons[:done], 1):
            at += timedelta(minutes=rng.randrange(20, 2000))
            result: Statement = {"completion": True, "duration": f"PT{rng.randrange(4, 50)}M"}
            if lesson.endswith(("Quiz", "Test")):
                raw = rng.randrange(60, 101) if passed else rng.randrange(20, 50)
                result |= {"success": passed, "score": {"raw": raw, "min": 0, "max": 100, "scaled": raw / 100}}
            around = {"contextActivities": {"parent": [course]}}
            told.append(
                self.statement(actor, "completed", _lesson(key, place, lesson), at, result=result, context=around)
            )
        if done == len(lessons):
            verb = "completed" if passed else "failed"
            result = {"completion": True, "success": passed}
            told.append(self.statement(actor, verb, course, at + timedelta(minutes=1), result=result))
        if done == len(lessons) and passed and key == CERTIFYING:
            told.append(self._certificate(actor, course, at + timedelta(minutes=2)))
        return told

    def _certificate(self, actor: Statement, course: Statement, at: datetime) -> Statement:
        thing = {"id": f"{SITE}certificates/{self.rng.getrandbits(40):010x}", "definition": {"type": CERTIFICATE}}
        around = {"contextActivities": {"parent": [course]}}
        return self.statement(actor, "http://id.tincanapi.com/verb/earned", thing, at, context=around)


def _course(key: str) -> Statement:
    definition = {"type": ACTIVITIES + "course", "name": {"en": COURSES[key][0]}}
    return {"objectType": "Activity", "id": f"{SITE}course/{key}", "definition": definition}


def _lesson(key: str, place: int, name: str) -> Statement:
    kind = "assessment" if name.endswith(("Quiz", "Test")) else "lesson"
    definition = {"type": ACTIVITIES + kind, "name": {"en": name}}
    return {"objectType": "Activity", "id": f"{SITE}course/{key}/{place}", "definition": definition}


def _actor(row: Row, rng: random.Random) -> Statement:
    """Most by their address, some by the name they sign in with."""
    name = f"{row['given_name']} {row['family_name']}"
    if rng.random() < 0.25:
        return {"objectType": "Agent", "name": name, "account": {"homePage": SITE, "name": row["login_name"]}}
    return {"objectType": "Agent", "name": name, "mbox": f"mailto:{row['email']}"}


def of(employees: list[Row], seed: int = 11) -> Statements:
    """The statements of some of these employees, and of a few whom HR does not know."""
    author = _Author(seed)
    rng = author.rng
    actors = [_actor(row, rng) for row in rng.sample(employees, LEARNERS)]
    actors += [{"objectType": "Agent", "mbox": f"mailto:visitor{n}@contractors.example"} for n in (1, 2, 3)]
    shared = employees[-1]["email"]
    actors.append({"objectType": "Agent", "name": "Shop Floor", "mbox": f"mailto:{shared}"})
    told = [
        one
        for actor in actors
        for key in rng.sample(sorted(COURSES), k=rng.choice((1, 1, 2)))
        for one in author.way(actor, key)
    ]
    told.sort(key=lambda one: str(one["timestamp"]))
    late = [told.pop(place) for place in sorted(rng.sample(range(20, len(told)), 8), reverse=True)]
    return Statements(told, [*late, *_again(author, told), *_taken_back(author, told), *_odd(author, actors)])


def _again(author: _Author, told: list[Statement]) -> list[Statement]:
    """A sender that got no answer tells the same things again, under new ids."""
    return [one | {"id": author.uuid()} for one in author.rng.sample(told, 10)]


def _taken_back(author: _Author, told: list[Statement]) -> list[Statement]:
    """A completion that was told of the wrong person is voided."""
    courses = {_course(key)["id"] for key in COURSES if key != CERTIFYING}
    wrong = next(
        one for one in reversed(told) if one["verb"]["id"] == ADL + "completed" and one["object"]["id"] in courses
    )
    admin = {"objectType": "Agent", "account": {"homePage": SITE, "name": "administration"}}
    target = {"objectType": "StatementRef", "id": wrong["id"]}
    return [author.statement(admin, "voided", target, BEGINNING + timedelta(days=45))]


def _odd(author: _Author, actors: list[Statement]) -> list[Statement]:
    """What is valid and means nothing to the hub, and what breaks the rules of xAPI."""
    at, course = BEGINNING + timedelta(days=44), _course("excel")
    first, second = actors[0], actors[1]
    good = author.statement(first, "progressed", course, at)
    return [
        author.statement(first, SITE + "verbs/high-fived", course, at),
        author.statement(first, "experienced", {"objectType": "Agent", "mbox": "mailto:team@brightwater.example"}, at),
        author.statement(second, "completed", course, at, result={"score": {"scaled": 1.4}}),
        author.statement(second, "completed", course, at, result={"completion": "yes"}),
        good | {"timestamp": "yesterday"},
        {name: value for name, value in good.items() if name != "object"} | {"id": author.uuid()},
    ]
