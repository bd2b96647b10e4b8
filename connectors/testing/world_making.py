"""Inventing people and courses: the same random numbers give the same ones. Addresses end in ``.example``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from connectors.testing.world_parts import Activity, Course, Kind, Module, Person

_GIVEN: Final = ("Ada", "Bo", "Cleo", "Dag", "Edda", "Finn", "Gia", "Henk", "Ines", "Jori", "Kaja", "Lars", "Mila", "Noé", "Oda",
                 "Per", "Runa", "Sten", "Tove", "Ulf", "Vera", "Wim", "Yara", "Zeno")  # fmt: skip
_FAMILY: Final = ("Hale", "Lind", "Marsh", "Novak", "O’Brien", "Quist", "Rossi", "Stern", "Thorne", "Ulmer", "Vance", "Weiß", "Ytter",
                  "Zeller", "Abel", "Brandt", "Cole", "Dorn", "Engel", "Frost", "Grün", "Holm", "Ivarsen", "Juhl")  # fmt: skip
_SUBJECTS: Final = ("Safety Basics", "Data Protection", "Fire Drill", "First Aid", "Anti-Bribery", "Forklift Licence", "Welcome Aboard",
                    "Secure Coding", "Lockout and Tagout", "Quality Circle", "Customer Talks", "Leading Teams", "Export Rules",
                    "Chemicals at Work", "Ladders & Scaffolds", "Contracts <Advanced>")  # fmt: skip
_LEVELS: Final = ("", " II", " for Managers", " Refresher", " on Site", " in Depth")
_SHAPE: Final[tuple[Kind, ...]] = ("page", "video", "quiz", "assignment", "forum", "page", "quiz")
DAY: Final = 86_400


def people(rng: Random) -> Iterator[Person]:
    """People without end; no two have one login, one in 25 is nobody that HR knows, and some addresses have capitals."""
    for place in count(1):
        given, family = rng.choice(_GIVEN), rng.choice(_FAMILY)
        login = f"{given[0]}{family}{place}".lower().encode("ascii", "ignore").decode()
        address = f"{login if place % 30 else login.upper()}@works.example"
        yield Person(f"E{10_000 + place}" if place % 25 else "", given, family, address, login)


def courses(rng: Random, amount: int, now: int, numbers: count[int]) -> Iterator[Course]:
    """Courses of two to five modules. Some do not track, some have no criteria, one in ten has a scale of its own."""
    for place in range(amount):
        subject, level = _SUBJECTS[place % len(_SUBJECTS)], _LEVELS[place // len(_SUBJECTS) % len(_LEVELS)]
        code = "".join(word[0] for word in subject.split()) + f"-{101 + place}"
        created = now - rng.randrange(200, 700) * DAY
        course = Course(2 + place, code, subject + level, code if place % 5 else "", created, created + 7 * DAY)
        course.tracks, course.criteria = place % 12 != 7, place % 9 != 5
        course.certificate = place % 2 == 0
        course.scale = 1500.0 if place % 10 == 3 else 100.0
        course.section_ids = (10_000 + 2 * place, 10_001 + 2 * place)
        shape = iter(_SHAPE * 2)
        for number in range(1, rng.randrange(3, 6)):
            module = Module(next(numbers), f"Module {number}")
            course.modules.append(module)
            for _ in range(rng.randrange(1, 4)):
                add_activity(course, module, next(shape), next(numbers), required=rng.random() < 0.85, grown=False)
        if course.tracks and not any(one.required for one in course.path):
            course.path[0].required = course.path[0].criterion = True
        yield course


def add_activity(course: Course, module: Module, kind: Kind, number: int, *, required: bool, grown: bool) -> Activity:
    """One more activity at the end of a module. One that has ``grown`` later is no criterion of the course."""
    points = {"quiz": 20.0, "assignment": 50.0}.get(kind)
    required = required and course.tracks
    name = f"{kind.capitalize()} {len(course.path) + 1}: {course.name}"
    made = Activity(number, module.id, kind, name, required, required and not grown, points)
    made.pass_points = 12.0 if kind == "quiz" else None
    module.activities.append(made)
    course.path = [one for each in course.modules for one in each.activities]
    return made
