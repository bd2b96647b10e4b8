"""A small company, set up by hand, and the rows that the hub tells of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg

from hub.domain.figures import FigureRow
from hub.domain.periods import MONTHLY, Period, period
from hub.domain.units import days, micros
from projections.figures.dashboard import compute
from tests.support.figures_company import COMPANY, Enrollment, World, write

MARCH = period(MONTHLY, days(date(2026, 3, 1)))
TODAY = date(2026, 4, 10)
Tell = Callable[..., dict[tuple[str, str], FigureRow]]


def on(day: int, month: int = 3) -> date:
    """A day of 2026."""
    return date(2026, month, day)


def teller(connection: psycopg.Connection[Any]) -> Tell:
    """(type, name of what the row is about) → row of a world, which is not kept."""

    def told(world: World, at: Period = MARCH, today: date = TODAY) -> dict[tuple[str, str], FigureRow]:
        with connection.transaction(force_rollback=True):
            write(connection, world)
            rows = compute(connection, str(COMPANY), [at], micros(world.at(today, 18)))
        return {(str(row.kind), str(row.values["dashboard_name"]).partition(": ")[2]): row for row in rows}

    return told


class Scene:
    """A company with two departments, one beneath the other, two people in each, and one LMS."""

    def __init__(self) -> None:
        self.world = World()
        self.top = self.world.department("Top")
        self.sub = self.world.department("Sub", self.top)
        self.lms = self.world.integration("lms")
        self.people = [self.world.person(of) for of in (self.top, self.top, self.sub, self.sub)]
        self.world.course(self.lms, "A")

    def enroll(self, who: int | None, day: date = date(2026, 2, 1), course: str = "A", **more: Any) -> Enrollment:
        """A person (by number) is enrolled."""
        return self.world.enroll(None if who is None else self.people[who], self.lms, course, day, **more)

    def done(self, who: int | None, day: date, begun: date = date(2026, 2, 1), **more: Any) -> Enrollment:
        """Somebody enrolled who has completed on a day. ``more``: what the completion tells."""
        of_row = {name: more.pop(name) for name in list(more) if name in OF_ROW}
        row = self.enroll(who, begun, **of_row)
        self.world.tell(row, day, enrollment_status="Completed", completion_date=day, **more)
        return row


OF_ROW = (
    "course", "course_type", "instructor_id", "is_mandatory", "is_compliance_training", "cost_amount", "currency_code", "due_date",
)  # fmt: skip


def ended(scene: Scene, who: int, day: date, status: str) -> Enrollment:
    """Somebody's enrollment that ended without completion."""
    row = scene.enroll(who)
    scene.world.tell(row, day, enrollment_status=status)
    return row
