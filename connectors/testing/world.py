"""A little living LMS: courses, learners, enrollments, and what people do in them, the same for the same seed.

It is no Moodle and no Canvas: :mod:`connectors.testing.moodle` and :mod:`connectors.testing.canvas` tell of it, each in its
own words. All that it does is stamped with its clock. Whoever reads it while it lives holds :attr:`World.lock`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from random import Random
from threading import Event, RLock, Thread
from typing import Final

from connectors.testing import world_learning as learning
from connectors.testing.world_making import DAY, add_activity, courses, people
from connectors.testing.world_parts import Change, Course, Enrollment, Kind, Learner, Person, Seat, Standing

HABITS: Final[Mapping[str, float]] = {
    "learn": 80, "grade": 6, "enroll": 5, "withdraw": 1.5, "return": 0.5, "suspend": 1.5, "resume": 1.5, "conclude": 0.3,
    "decline": 0.2, "excuse": 0.5, "second": 0.5, "leave": 0.3, "rename": 0.2, "grow": 0.2, "hire": 1, "reset": 0,
}  # fmt: skip
"""How often what happens, by weight. A reset begins a course anew; it happens only where it is asked for."""
_TRIES: Final = 25
_GROWN: Final[tuple[Kind, ...]] = ("page", "quiz", "video")


class World:
    """``enrollments``: at the start, by default four for each learner. ``people``: who the learners are; by default they
    are invented. ``clock``: seconds since 1970 UTC. ``history_days``: how long it has lived before it starts."""

    def __init__(
        self,
        seed: int = 7,
        *,
        courses: int = 40,
        learners: int = 500,
        enrollments: int | None = None,
        people: Sequence[Person] | None = None,
        clock: Callable[[], float] = time.time,
        habits: Mapping[str, float] | None = None,
        history_days: int = 180,
    ) -> None:
        self.lock = RLock()
        self.clock = clock
        self.courses: dict[int, Course] = {}
        self.learners: dict[int, Learner] = {}
        self.teachers: dict[int, Learner] = {}
        self.enrollments: list[Enrollment] = []
        self.seats: dict[int, tuple[Enrollment, Seat]] = {}
        self.happened: Counter[str] = Counter()
        """How often what has happened since the start."""
        self._rng = Random(seed)  # noqa: S311  the same world each time
        self._pairs: dict[tuple[int, int], Enrollment] = {}
        self._numbers, self._certificates, self._seats = count(301), count(1), count(100_001)
        self._acts: dict[str, Callable[[int], Change | None]] = _acts(self)
        self.habits = {**HABITS, **(habits or {})}
        self._stop, self._thread = Event(), Thread()
        self._build(courses, learners, enrollments, people, history_days)

    # -- reading ------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The time of day in the world."""
        return int(self.clock())

    def enrollment(self, learner_id: int, course_id: int) -> Enrollment | None:
        """What ties a learner to a course, also where it has ended."""
        return self._pairs.get((learner_id, course_id))

    @property
    def living(self) -> bool:
        """Whether it lives by itself."""
        return self._thread.is_alive()

    # -- living -------------------------------------------------------------------------------------------

    def step(self, n: int = 1, now: float | None = None) -> list[Change]:
        """Let ``n`` things happen, by default now; returns what happened."""
        at = self.now() if now is None else int(now)
        changes = []
        with self.lock:
            kinds = self._rng.choices(list(self.habits), list(self.habits.values()), k=n)
            for kind in kinds:
                changes.append(self._happen(kind, at))
        return changes

    def run(self, per_second: float) -> None:
        """Live in a thread, until :meth:`stop`."""
        self.stop()
        self._stop = Event()
        self._thread = Thread(target=self._live, args=(per_second, self._stop), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stand still."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def enroll(
        self, learner_id: int, course_id: int, standing: Standing = "active", now: float | None = None
    ) -> Enrollment:
        """Enroll a learner, or take one back whose enrollment has ended; does nothing to one who is enrolled."""
        at = self.now() if now is None else int(now)
        with self.lock:
            found = self._pairs.get((learner_id, course_id))
            if found is None:
                return self._enrolled(self.learners[learner_id], self.courses[course_id], at, standing)
            if found.standing in ("removed", "rejected"):
                self.stand(found, standing, at)
                for seat in found.seats:
                    seat.gone = seat is not found.seats[0]
            return found

    def stand(self, enrollment: Enrollment, standing: Standing, now: float | None = None) -> None:
        """Change where an enrollment stands."""
        at = self.now() if now is None else int(now)
        with self.lock:
            enrollment.standing, enrollment.changed_at = standing, at
            for seat in enrollment.seats:
                seat.changed_at = at

    def hire(self, person: Person | None = None, now: float | None = None) -> Learner:
        """Give somebody an account, by default an invented person."""
        with self.lock:
            number = 1001 + len(self.learners)
            skill = min(0.97, max(0.45, self._rng.gauss(0.78, 0.12)))
            learner = Learner(number, person or next(self._people), self.now() if now is None else int(now), skill)
            self.learners[number] = learner
            return learner

    def rename(self, course: Course, name: str) -> None:
        """Give a course another name."""
        with self.lock:
            course.name = name

    def grow(self, course: Course, kind: Kind = "page", *, required: bool = True) -> None:
        """Add an activity to a course that people are in."""
        with self.lock:
            add_activity(course, course.modules[-1], kind, next(self._numbers), required=required, grown=True)

    def renumber(self, by: int = 1_000_000) -> None:
        """Give all courses, activities, learners and seats other numbers, as an LMS that was moved may do."""
        with self.lock:
            for course in self.courses.values():
                course.id += by
                for module in course.modules:
                    module.id += by
                for one in course.path:
                    one.id, one.module_id = one.id + by, one.module_id + by
            for learner in self.learners.values():
                learner.id += by
            for enrollment in self.enrollments:
                enrollment.lessons = {number + by: lesson for number, lesson in enrollment.lessons.items()}
                for seat in enrollment.seats:
                    seat.id += by
            self.courses = {course.id: course for course in self.courses.values()}
            self.learners = {learner.id: learner for learner in self.learners.values()}
            self._pairs = {(each.learner.id, each.course.id): each for each in self.enrollments}
            self.seats = {seat.id: (each, seat) for each, seat in self.seats.values()}

    # -- the start ----------------------------------------------------------------------------------------

    def _build(
        self, amount: int, learners: int, enrollments: int | None, known: Sequence[Person] | None, history_days: int
    ) -> None:
        now, rng = self.now(), self._rng
        self._people = people(rng)
        for place, course in enumerate(courses(rng, amount, now, self._numbers)):
            self.courses[course.id] = course
            course.teacher_id = 901 + place // 5
            if course.teacher_id not in self.teachers:
                who = Person(
                    f"T{course.teacher_id}",
                    "Tuula",
                    f"Teacher {place}",
                    f"teacher{place}@works.example",
                    f"teacher{place}",
                )
                self.teachers[course.teacher_id] = Learner(course.teacher_id, who, course.created_at)
        for person in known if known is not None else (next(self._people) for _ in range(learners)):
            self.hire(person, now - history_days * DAY)
        everybody, catalogue = list(self.learners.values()), list(self.courses.values())
        wanted = min(4 * len(everybody) if enrollments is None else enrollments, len(everybody) * amount)
        each, more = divmod(wanted, max(1, len(everybody)))
        for place, learner in enumerate(everybody):
            for course in rng.sample(catalogue, each + (place < more)):
                self._past(learner, course, now, history_days)

    def _past(self, learner: Learner, course: Course, now: int, history_days: int) -> None:
        """One enrollment and what has become of it until now."""
        rng = self._rng
        at = now - rng.randrange(1, history_days * DAY)
        enrollment = self._enrolled(learner, course, at, "invited" if rng.random() < 0.1 else "active")
        if rng.random() < 0.03:
            learning.second_seat(enrollment, at, self._seat(enrollment))
        for _ in range(rng.randrange(0, len(course.path) + 4)):
            at += rng.randrange(600, 12 * DAY)
            if at >= now:
                break
            if not (rng.random() < 0.15 and learning.grade(enrollment, at, rng)):
                learning.learn(enrollment, at, rng, self._certificates)
        ends: tuple[tuple[Standing, float], ...] = (("suspended", 0.03), ("removed", 0.03), ("concluded", 0.01))
        for standing, chance in ends:
            if enrollment.standing == "active" and rng.random() < chance:
                self.stand(enrollment, standing, min(at + DAY, now))
        self._index(enrollment)

    def _enrolled(self, learner: Learner, course: Course, at: int, standing: Standing) -> Enrollment:
        seat = Seat(next(self._seats), course.section_ids[0], at, changed_at=at)
        enrollment = Enrollment(course, learner, standing, at, [seat], at)
        self.enrollments.append(enrollment)
        course.roster.append(enrollment)
        learner.enrollments.append(enrollment)
        self._pairs[learner.id, course.id] = enrollment
        self._index(enrollment)
        return enrollment

    def _index(self, enrollment: Enrollment) -> None:
        for seat in enrollment.seats:
            self.seats[seat.id] = (enrollment, seat)

    def _seat(self, enrollment: Enrollment) -> int:
        """A number for a second seat, taken only where there is none."""
        return next(self._seats) if len(enrollment.seats) == 1 else 0

    # -- what happens -------------------------------------------------------------------------------------

    def _live(self, per_second: float, stop: Event) -> None:
        owed, last = 0.0, time.monotonic()
        while not stop.wait(min(1.0, max(0.02, 1 / per_second))):
            now = time.monotonic()
            owed, last = owed + (now - last) * per_second, now
            if owed >= 1:
                self.step(int(owed))
                owed -= int(owed)

    def _happen(self, kind: str, at: int) -> Change:
        """Let one thing happen; where it cannot, let somebody learn, be enrolled, or come new."""
        for each in (kind, "learn", "enroll"):
            if change := self._acts[each](at):
                break
        else:
            change = Change(at, "hired", self.hire(now=at).id)
        self.happened[change.kind] += 1
        return change

    def _somebody(self, act: Callable[[Enrollment], Change | None]) -> Change | None:
        """Try it with some enrollments."""
        for _ in range(_TRIES if self.enrollments else 0):
            enrollment = self._rng.choice(self.enrollments)
            if change := act(enrollment):
                self._index(enrollment)
                return change
        return None

    def _move(self, kind: str, before: tuple[Standing, ...], after: Standing, at: int) -> Change | None:
        def act(enrollment: Enrollment) -> Change | None:
            if enrollment.standing not in before:
                return None
            if after == "active" and kind == "returned":
                self.enroll(enrollment.learner.id, enrollment.course.id, "active", at)
            else:
                self.stand(enrollment, after, at)
            return Change(at, kind, enrollment.learner.id, enrollment.course.id)

        return self._somebody(act)

    def _new(self, at: int) -> Change | None:
        everybody, catalogue = list(self.learners.values()), list(self.courses.values())
        for _ in range(_TRIES if everybody and catalogue else 0):
            learner, course = self._rng.choice(everybody), self._rng.choice(catalogue)
            if (learner.id, course.id) not in self._pairs:
                self._enrolled(learner, course, at, "invited" if self._rng.random() < 0.2 else "active")
                return Change(at, "enrolled", learner.id, course.id)
        return None

    def _renamed(self, at: int) -> Change:
        course = self._rng.choice(list(self.courses.values()))
        base, _, old = course.name.partition(" – Edition ")
        self.rename(course, f"{base} – Edition {int(old or 1) + 1}")
        return Change(at, "renamed", 0, course.id)

    def _grown(self, at: int) -> Change:
        course = self._rng.choice(list(self.courses.values()))
        self.grow(course, self._rng.choice(_GROWN), required=self._rng.random() < 0.5)
        return Change(at, "grown", 0, course.id, course.path[-1].id)


def _acts(world: World) -> dict[str, Callable[[int], Change | None]]:
    """What can happen, by habit."""
    rng, some, move = world._rng, world._somebody, world._move
    return {
        "learn": lambda at: some(lambda each: learning.learn(each, at, rng, world._certificates)),
        "grade": lambda at: some(lambda each: learning.grade(each, at, rng) if each.standing == "active" else None),
        "excuse": lambda at: some(lambda each: learning.excuse(each, at) if each.standing == "active" else None),
        "reset": lambda at: some(lambda each: learning.reset(each, at) if each.standing == "active" else None),
        "second": lambda at: some(lambda each: learning.second_seat(each, at, world._seat(each))),
        "leave": lambda at: some(lambda each: learning.leave_seat(each, at)),
        "enroll": world._new,
        "withdraw": lambda at: move("withdrawn", ("active", "invited", "suspended"), "removed", at),
        "return": lambda at: move("returned", ("removed",), "active", at),
        "suspend": lambda at: move("suspended", ("active",), "suspended", at),
        "resume": lambda at: move("resumed", ("suspended",), "active", at),
        "conclude": lambda at: move("concluded", ("active",), "concluded", at),
        "decline": lambda at: move("declined", ("invited",), "rejected", at),
        "rename": world._renamed,
        "grow": world._grown,
        "hire": lambda at: Change(at, "hired", world.hire(now=at).id),
    }
