"""Realistic observations for the benches: learners, courses and lessons that move on, as a sync or an import tells them.

Of a thousand events about 230 register, 330 concern a lesson, 350 start or progress, 90 complete; 30 of a hundred
observations tell nothing new. The same seed gives the same observations but for their times and pseudonyms.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors.observe import Learner, Observer, Seen
from hub.domain.units import SECOND

COURSES, LEARNERS, LESSONS = 60, 2_000, 6
IN_PLAY = 250
"""Enrollments that are being worked on at a time; each of them is told of several times among a thousand events."""
REPEATED = 0.3
APART = 9_000
"""Enrollments between the first ones of two generators."""
STARTED = 1_760_000_000 * SECOND
NEVER_DUE = 40_000
"""A day in 2079: what the clock of a server would tell of deadlines is no observation's cost."""


@dataclass(slots=True)
class _Work:
    """One enrollment under way."""

    learner: Learner
    course: str
    progress: int = 0
    seconds: int = 0
    lessons: dict[int, int] = field(default_factory=dict)


class Generator:
    """Gives observations without end. ``start``: a number that keeps the enrollments of two generators apart."""

    def __init__(self, observer: Observer, start: int = 0, seed: int = 1) -> None:
        self._observer = observer
        self._chance = random.Random(seed + start)
        self._next = start * APART
        self._time = STARTED + start * 86_400 * SECOND
        self._open: list[_Work] = []
        self._said: list[dict[str, Any]] = []

    def take(self, count: int) -> list[dict[str, Any]]:
        """The next observations."""
        observations = iter(self)
        return [next(observations) for _ in range(count)]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            if self._said and self._chance.random() < REPEATED:
                known = self._chance.choice(self._said)
                yield known | {"observed_at": self._tick()}
                continue
            told = self._fact()
            self._said.append(told)
            if len(self._said) > IN_PLAY:
                self._said.pop(0)
            yield told

    def _fact(self) -> dict[str, Any]:
        kind = self._chance.random()
        if kind < 0.23 or len(self._open) < IN_PLAY // 4:
            return self._registered()
        work = self._chance.choice(self._open)
        if kind < 0.56:
            return self._lesson(work)
        if kind < 0.91 or work.progress == 0:
            return self._progressed(work)
        return self._completed(work)

    def _registered(self) -> dict[str, Any]:
        number, self._next = self._next, self._next + 1
        work = _Work(learner(number % LEARNERS), f"course-{number // LEARNERS % COURSES}")
        self._open.append(work)
        if len(self._open) > IN_PLAY:
            self._open.pop(self._chance.randrange(IN_PLAY // 2))
        facts = {
            "registered": True,
            "enrolled_on": 20_370,
            "due_on": NEVER_DUE,
            "mandatory": self._chance.random() < 0.3,
        }
        return self._enrollment(work, facts | {"course_name": f"Course {work.course}", "course_type": "eLearning"})

    def _progressed(self, work: _Work) -> dict[str, Any]:
        work.progress = min(9_900, work.progress + self._chance.randrange(100, 900))
        work.seconds += self._chance.randrange(60, 3_000)
        facts = {"progress": work.progress, "seconds_total": work.seconds, "last_access_at": self._time, "worked": True}
        return self._enrollment(work, facts)

    def _completed(self, work: _Work) -> dict[str, Any]:
        self._open.remove(work)
        facts: dict[str, Any] = {"completed": True, "passed": True, "progress": 10_000, "seconds_total": work.seconds}
        facts |= {"score": self._chance.randrange(60, 101) * 10_000, "score_max": 1_000_000, "completed_at": self._time}
        if self._chance.random() < 0.4:
            facts |= {
                "certified": True,
                "certificate_id": f"C-{self._time}",
                "valid_from": 20_400,
                "valid_until": NEVER_DUE,
            }
        return self._enrollment(work, facts)

    def _lesson(self, work: _Work) -> dict[str, Any]:
        number = self._chance.randrange(LESSONS)
        work.lessons[number] = work.lessons.get(number, 0) + 1
        attempts = work.lessons[number]
        facts: dict[str, Any] = {"attempts_total": attempts, "seconds_total": attempts * 300, "worked": True}
        facts |= {
            "progress": min(10_000, attempts * 2_500),
            "last_access_at": self._time,
            "lesson_name": f"Part {number}",
        }
        if attempts >= 4:
            facts |= {"completed": True, "score": 80 * 10_000, "score_max": 1_000_000}
        seen = self.seen(f"{work.course}/{number}")
        return self._observer.lesson(work.learner, work.course, f"lesson-{number}", facts, seen)

    def _enrollment(self, work: _Work, facts: dict[str, Any]) -> dict[str, Any]:
        return self._observer.enrollment(work.learner, work.course, facts, self.seen(work.course))

    def seen(self, native: str) -> Seen:
        """Where and when the next record was seen."""
        return Seen(self._tick(), self._time, native_id=native, payload=str(self._time).encode(), position="item")

    def _tick(self) -> int:
        self._time += SECOND
        return self._time


def learner(number: int) -> Learner:
    """One of the learners; their accounts are linked to employees with the same number."""
    return Learner(f"learner-{number}", f"Learner {number}", f"learner{number}@example.com", hr_number=f"E{number}")
