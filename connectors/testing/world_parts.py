"""What a small living LMS is made of: courses, activities, learners, enrollments. Times are seconds since 1970 UTC.

A time of 0 means never. These are the LMS's own facts; how Moodle or Canvas words them is said by their fakes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["quiz", "page", "assignment", "forum", "video"]
Standing = Literal["active", "invited", "suspended", "removed", "concluded", "rejected"]
LessonState = Literal["started", "submitted", "done", "passed", "failed", "excused"]

FULFILLED = frozenset({"submitted", "done", "passed", "excused"})
"""States of a lesson in which its requirement is met."""
ATTEMPTS = 3
"""As often a quiz may be tried."""


class Person(NamedTuple):
    """A person as HR knows them."""

    number: str
    given: str
    family: str
    email: str
    login: str


class Change(NamedTuple):
    """One thing that happened in the world."""

    at: int
    kind: str
    learner_id: int = 0
    course_id: int = 0
    activity_id: int = 0


@dataclass(slots=True, eq=False)
class Activity:
    """One activity. ``required``: must be fulfilled; ``criterion``: the course's completion depends on it."""

    id: int
    module_id: int
    kind: Kind
    name: str
    required: bool
    criterion: bool
    points: float | None = None
    """What can be reached; None: not graded."""
    pass_points: float | None = None


@dataclass(slots=True, eq=False)
class Module:
    """One module of a course."""

    id: int
    name: str
    activities: list[Activity] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Course:
    """One course."""

    id: int
    code: str
    name: str
    number: str
    """What HR calls it; empty where the LMS does not know."""
    created_at: int
    starts_at: int
    tracks: bool = True
    """Whether it says how far a learner is."""
    criteria: bool = True
    """Whether it says when a learner has completed it."""
    certificate: bool = False
    scale: float = 100.0
    """The most that its total grade can be."""
    teacher_id: int = 0
    section_ids: tuple[int, int] = (0, 0)
    modules: list[Module] = field(default_factory=list, repr=False)
    path: list[Activity] = field(default_factory=list, repr=False)
    """All activities in their order."""
    roster: list[Enrollment] = field(default_factory=list, repr=False)
    """Everybody who was ever enrolled, by the number of the enrollment."""

    def find(self, activity_id: int) -> Activity | None:
        """An activity by its number."""
        return next((one for one in self.path if one.id == activity_id), None)


@dataclass(slots=True, eq=False)
class Learner:
    """One account."""

    id: int
    person: Person
    created_at: int
    skill: float = 0.8
    last_access: int = 0
    enrollments: list[Enrollment] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """The name as it is shown."""
        return f"{self.person.given} {self.person.family}"


@dataclass(slots=True)
class Lesson:
    """What one learner did in one activity."""

    state: LessonState
    started_at: int
    attempts: int = 0
    score: float | None = None
    """The best so far, in points."""
    submitted_at: int = 0
    graded_at: int = 0
    done_at: int = 0
    """When its requirement was met."""
    changed_at: int = 0
    seconds: int = 0


@dataclass(slots=True, eq=False)
class Seat:
    """A place in a section of a course; a learner may have two."""

    id: int
    section_id: int
    created_at: int
    gone: bool = False
    last_access: int = 0
    seconds: int = 0
    changed_at: int = 0


class Certificate(NamedTuple):
    """A certificate that was issued."""

    id: int
    code: str
    at: int


@dataclass(slots=True, eq=False)
class Enrollment:
    """One learner in one course."""

    course: Course
    learner: Learner
    standing: Standing
    enrolled_at: int
    seats: list[Seat]
    changed_at: int = 0
    lessons: dict[int, Lesson] = field(default_factory=dict)
    completed_at: int = 0
    certificate: Certificate | None = None

    @property
    def id(self) -> int:
        """The number of its first seat."""
        return self.seats[0].id

    @property
    def last_access(self) -> int:
        """When the learner was last seen in the course."""
        return self.seats[0].last_access if len(self.seats) == 1 else max(seat.last_access for seat in self.seats)

    @property
    def seconds(self) -> int:
        """Time spent."""
        return sum(seat.seconds for seat in self.seats)

    def seat(self) -> Seat:
        """The seat in which the learner works: the last one that is not gone, else the last one."""
        return next((seat for seat in reversed(self.seats) if not seat.gone), self.seats[-1])

    def fulfilled(self, activity: Activity) -> bool:
        """Whether a requirement is met."""
        lesson = self.lessons.get(activity.id)
        return lesson is not None and lesson.state in FULFILLED

    def excused(self, activity: Activity) -> bool:
        """Whether the learner need not do it."""
        lesson = self.lessons.get(activity.id)
        return lesson is not None and lesson.state == "excused"
