"""What counts in one row of a dashboard, and its breakdowns, by the oracle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.support.figures_known import Row, Tale, half_up, percent

if TYPE_CHECKING:
    from tests.support.figures_oracle import PeriodView, Place


class RowLines:
    """What counts in one row of one period, and the lines of its breakdowns."""

    def __init__(
        self, period: PeriodView, kind: str, subject: str | None, fits: Callable[[UUID | None, Row], bool]
    ) -> None:
        self.p, self.o, self.kind, self.subject, self.fits = period, period.o, kind, subject, fits
        self.mine = [place for place in period.places if self._has(place.tale, place.on)]
        self.playing = [place for place in self.mine if place.state]
        self.stock = [place for place in period.places if self._has(place.tale, period.last)]

    def _has(self, tale: Tale, day: date) -> bool:
        return self.fits(self.o.department_of(tale.who, day), tale.row.fixed)

    @cached_property
    def spent(self) -> list[tuple[Tale, date, int]]:
        return [
            (tale, day, size) for tale in self.o.tales for day, size in tale.spent
            if self.p.within(day) and self._has(tale, day)
        ]  # fmt: skip

    @cached_property
    def doings(self) -> list[tuple[Tale, date]]:
        return [
            (tale, day) for tale in self.o.tales if tale.who for day, _ in tale.doings
            if self.p.window <= day < self.p.end and self._has(tale, day)
        ]  # fmt: skip

    def count(self, *states: str) -> int:
        return sum(place.state in states for place in self.playing)

    def _line(self, playing: Sequence[Place], stock: Sequence[Place], seconds: int, people: int, tracked: bool) -> Row:
        done = sum(place.state == "completed" for place in playing)
        needed: dict[Any, bool] = defaultdict(bool)
        for place in stock:
            if self.p.required(place):
                fixed = place.tale.row.fixed
                needed[place.tale.who, fixed["lms_integration_id"], fixed["course_id"]] |= self.p.valid(place.tale)
        return {
            "people": people, "total": len(playing),
            "active": sum(place.state in ("not_started", "in_progress") for place in playing),
            "completed": done, "overdue": sum(map(self.p.overdue, stock)), "completion_rate": percent(done, len(playing)),
            "compliance_completion": percent(sum(needed.values()), len(needed)),
            "hours": half_up(Fraction(seconds, 3600)) / 100 if tracked else None,
        }  # fmt: skip

    def _by_department(self, tracked: bool) -> list[Row]:
        latest: dict[UUID, date] = {}
        for place in self.playing:
            if place.tale.who:
                latest[place.tale.who] = max(place.on, latest.get(place.tale.who, date.min))
        where = [self.o.department_of(who, day) for who, day in latest.items()]
        names = self.o.departments(self.p.last)
        lines = []
        for one in (*self.o.world.departments, None):
            line = self._line(
                [place for place in self.playing if self.o.department_of(place.tale.who, place.on) == one],
                [place for place in self.stock if self.o.department_of(place.tale.who, self.p.last) == one],
                sum(size for tale, day, size in self.spent if self.o.department_of(tale.who, day) == one),
                where.count(one), tracked,
            )  # fmt: skip
            if says_something(line):
                head = {"department_id": str(one) if one else None, "name": names[one]["name"] if one else None}
                lines.append(head | line)
        return sorted(lines, key=lambda line: (line["name"] is None, line["name"] or "", line["department_id"] or ""))

    def _by_type(self, tracked: bool) -> Row:
        lines, courses = [], []
        for kind in ("Workshop", "eLearning", None):
            playing = [place for place in self.playing if place.tale.row.fixed["course_type"] == kind]
            line = self._line(
                playing, [place for place in self.stock if place.tale.row.fixed["course_type"] == kind],
                sum(size for tale, _, size in self.spent if tale.row.fixed["course_type"] == kind),
                len({place.tale.who for place in playing} - {None}), tracked,
            )  # fmt: skip
            if says_something(line):
                lines.append({"course_type": kind} | line)
        by_course: dict[Any, list[Place]] = defaultdict(list)
        for place in self.playing:
            fixed = place.tale.row.fixed
            by_course[fixed["lms_integration_id"], fixed["course_id"], fixed["course_name"]].append(place)
        for (integration, course, name), places in by_course.items():
            if len(places) >= 5:
                done = sum(place.state == "completed" for place in places)
                courses.append({
                    "course_id": course, "course_name": name, "lms_integration_id": str(integration), "total": len(places),
                    "completed": done, "completion_rate": percent(done, len(places)),
                })  # fmt: skip
        rate = [(Fraction(one["completed"], one["total"]), one["course_id"], one) for one in courses]
        return {
            "lines": lines,
            "most_completed": [one for _, _, one in sorted(rate, key=lambda it: (-it[0], it[1]))][:10],
            "least_completed": [one for _, _, one in sorted(rate, key=lambda it: (it[0], it[1]))][:10],
        }


def says_something(line: Row) -> bool:
    """Whether a line of a breakdown has anything to tell."""
    counts = ("people", "total", "active", "completed", "overdue")
    return any(line[name] for name in counts) or bool(line["hours"]) or line["compliance_completion"] is not None
