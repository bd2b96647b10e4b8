"""A Moodle and a Canvas in which the employees of Brightwater learn, and go on learning from one demo to the next.

Both are fakes that live: the same seed and the same steps give the same LMS, so a small file remembers when they were
born and what happened since, and the next demo finds them as they were left.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.testing.canvas import FakeCanvas
from connectors.testing.living import LivingFake
from connectors.testing.moodle import FakeMoodle
from connectors.testing.unruly import Unruly
from connectors.testing.world import World
from connectors.testing.world_parts import Person
from hub.demo.people import Row

MOODLE, CANVAS = "moodle", "canvas"
SEEDS = {MOODLE: 11, CANVAS: 13}
COURSES = {MOODLE: 9, CANVAS: 7}
SHARE = {MOODLE: slice(0, 110), CANVAS: slice(90, 210)}
"""Which employees have an account; some have one in both."""
ENROLLMENTS = {MOODLE: 260, CANVAS: 240}


class _Time:
    """The time in a world: a given moment while its past is made, then the wall clock."""

    at: float | None = None

    def __call__(self) -> float:
        return time.time() if self.at is None else self.at


@dataclass
class Lms:
    """One of them, while it serves."""

    fake: LivingFake
    unruly: Unruly
    steps: list[tuple[int, int]]
    """When something happened since it was born (seconds since 1970), and how much."""

    @property
    def address(self) -> str:
        """What ``api_endpoint_url`` is to be."""
        return self.fake.url + ("/api/v1" if isinstance(self.fake, FakeCanvas) else "")

    def live(self, steps: int) -> int:
        """Let people learn; returns how many things happened."""
        now = int(time.time())
        self.steps.append((now, steps))
        return len(self.fake.world.step(steps, now))


@dataclass
class Campus:
    """Both, and the file that remembers them."""

    file: Path
    born: int
    systems: dict[str, Lms] = field(default_factory=dict)

    def remember(self) -> None:
        """Write down what happened, for the next demo."""
        told = {"born": self.born, "steps": {code: one.steps for code, one in self.systems.items()}}
        self.file.write_text(json.dumps(told), encoding="utf-8")


@contextmanager
def campus(file: Path, employees: Sequence[Row]) -> Iterator[Campus]:
    """Both LMSs, serving on loopback while the block lasts, as they were when ``file`` was written."""
    told: dict[str, Any] = {"born": int(time.time()), "steps": {}}
    if file.exists():
        told = json.loads(file.read_text(encoding="utf-8"))
    made = Campus(file, told["born"])
    people = [
        Person(row["employee_number"], row["given_name"], row["family_name"], row["email"], row["login_name"])
        for row in employees
    ]
    worlds = {code: _world(code, people, made.born, told["steps"].get(code, [])) for code in SEEDS}
    with FakeMoodle(worlds[MOODLE]) as moodle, FakeCanvas(worlds[CANVAS]) as canvas:
        fakes: Mapping[str, LivingFake] = {MOODLE: moodle, CANVAS: canvas}
        for code, fake in fakes.items():
            unruly = Unruly(fake, SEEDS[code], often=1.0)
            made.systems[code] = Lms(fake, unruly, list(told["steps"].get(code, [])))
        yield made
        made.remember()


def _world(code: str, people: Sequence[Person], born: int, steps: Sequence[tuple[int, int]]) -> World:
    clock = _Time()
    clock.at = born
    world = World(
        SEEDS[code], courses=COURSES[code], people=people[SHARE[code]], enrollments=ENROLLMENTS[code], clock=clock
    )
    for at, many in steps:
        world.step(many, at)
    clock.at = None
    return world
