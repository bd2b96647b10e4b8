"""What a route of the fake Canvas is made of, and what its path and parameters name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from connectors.testing.canvas_gate import not_found
from connectors.testing.canvas_items import ItemRows
from connectors.testing.canvas_pages import Source
from connectors.testing.canvas_rows import STUDENTS, Row
from connectors.testing.server import Asked
from connectors.testing.world import World
from connectors.testing.world_parts import Course, Enrollment, Learner, Seat

ACCOUNT: Final = {"id": 1, "name": "Works", "parent_account_id": None, "root_account_id": None, "workflow_state": "active",
                  "default_time_zone": "Europe/Vienna", "uuid": "works"}  # fmt: skip
_KEYS: Final = {"sis_user_id": "sis_user_id", "sis_integration_id": "integration_id", "sis_login_id": "login_id"}


@dataclass(slots=True)
class Listed:
    """A list that comes in pages; ``name``: what it is called where pages are told in the body."""

    source: Source
    name: str = ""


Answer = Callable[[Asked, "re.Match[str]"], Any]


@dataclass(slots=True)
class Route:
    """One route. ``path``: as a scope names it."""

    method: str
    path: str
    answer: Answer
    needs: str = ""
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        self.pattern = re.compile("/api/v1" + re.sub(r":(\w+)", r"(?P<\1>[^/]+)", self.path))

    @property
    def scope(self) -> str:
        """Its name in a scope, without ``url:``."""
        return f"{self.method}|/api/v1{self.path}"


class Places:
    """What a path names, found in the world. ``lacking``: permissions that the token's user has not."""

    def __init__(self, world: World, rows: ItemRows, lacking: frozenset[str]) -> None:
        self.world, self.rows, self.lacking = world, rows, lacking

    def account(self, at: re.Match[str]) -> Row:
        """The account, which is the only one."""
        if at["account_id"] not in ("1", "self"):
            raise not_found()
        return ACCOUNT

    def course(self, at: re.Match[str], name: str = "course_id") -> Course:
        """The course of a path, by number or by ``sis_course_id:``. Raises CanvasError where there is none."""
        text = unquote(at[name])
        if text.startswith("sis_course_id:") and self.rows.sis:
            found = next((one for one in self.world.courses.values() if one.number == text[14:]), None)
        else:
            found = self.world.courses.get(int(text)) if text.isdecimal() else None
        if found is None:
            raise not_found()
        return found

    def user(self, at: re.Match[str], name: str = "id") -> Learner:
        """The user of a path."""
        return self.found(unquote(at[name]))

    def found(self, text: str) -> Learner:
        """A user by number, or by ``sis_user_id:`` and the like. Raises CanvasError where there is none."""
        found: Learner | None = None
        kind, _, value = text.partition(":")
        if text.isdecimal():
            found = self.world.learners.get(int(text)) or self.world.teachers.get(int(text))
        elif kind in _KEYS and value:
            people = (*self.world.teachers.values(), *self.world.learners.values())
            found = next((one for one in people if self.rows.user(one).get(_KEYS[kind]) == value), None)
        if found is None:
            raise not_found()
        return found

    def enrollment(self, at: re.Match[str]) -> Enrollment:
        """The enrollment of a user in a course of a path."""
        found = self.world.enrollment(self.user(at, "user_id").id, self.course(at).id)
        if found is None:
            raise not_found()
        return found

    def seat(self, at: re.Match[str]) -> tuple[Enrollment, Seat]:
        """The enrollment row of a path."""
        found = self.world.seats.get(int(at["id"])) if at["id"].isdecimal() else None
        if found is None:
            raise not_found()
        return found

    def student(self, asked: Asked, course: Course) -> Enrollment | None:
        """The learner for whom modules are asked; that of another one needs a permission."""
        text = asked.query.get("student_id", "")
        if not text:
            return None
        found = self.world.enrollment(self.found(text).id, course.id)
        if found is None or found.standing not in STUDENTS or not self.rows.grades:
            raise not_found()
        return found


def every(asked: Asked, name: str) -> list[str]:
    """All values of a parameter, written with or without brackets."""
    pairs = getattr(asked.query, "pairs", asked.query.items())
    return [value for key, value in pairs if key in (name, f"{name}[]")]


def form(asked: Asked) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True))
