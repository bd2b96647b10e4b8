"""The dashboards computed once more, slowly and simply, from the written definitions.

It shares nothing with the hub's queries. ``Oracle.rows`` gives what each row of a period must say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from tests.support.figures_known import ONE, Knowledge, Row, Tale
from tests.support.figures_oracle_rows import RowView


@dataclass
class Place:
    """Where an enrollment is in a period."""

    tale: Tale
    state: str | None
    on: date
    done: date | None
    ended: bool
    in_window: bool


class Oracle(Knowledge):
    """The figures of a world as known at a moment."""

    def rows(self, start: date, end: date) -> dict[tuple[str, str | None], Row]:
        """(kind of subject, subject) → the row's figures, parts and breakdowns."""
        end = min(end, self.today + ONE)
        period = PeriodView(self, start, end)
        found: dict[tuple[str, str | None], Row] = {}
        for kind, subject, fits in self._subjects(end - ONE):
            row = period.row(kind, subject, fits)
            if row is not None:
                found[kind, subject] = row
        return found

    def _subjects(self, last: date) -> Iterator[tuple[str, str | None, Callable[[UUID | None, Row], bool]]]:
        yield "company", None, lambda department, fixed: True
        yield "compliance", None, lambda department, fixed: fixed["is_mandatory"] or fixed["is_compliance_training"]
        for one in self.world.integrations:
            yield "integration", str(one), lambda department, fixed, one=one: fixed["lms_integration_id"] == one
        for name in sorted({t.row.fixed["instructor_id"] or "" for t in self.tales} - {""}):
            yield "instructor", name, lambda department, fixed, name=name: fixed["instructor_id"] == name
        for top in self.departments(last):
            tree = self.beneath(top, last)
            yield "department", str(top), lambda department, fixed, tree=tree: department in tree


class PeriodView:
    """One period, seen by the oracle."""

    def __init__(self, oracle: Oracle, start: date, end: date) -> None:
        self.o, self.start, self.end, self.last = oracle, start, end, end - ONE
        self.window = min(start, end - timedelta(days=28))
        year = end.year - 1
        self.year_start = date(year, 2, 28) if (end.month, end.day) == (2, 29) else end.replace(year=year)
        self.places = [self._place(tale) for tale in oracle.tales if tale.last["enrollment_date"] < end]

    def within(self, day: date | None) -> bool:
        return day is not None and self.start <= day < self.end

    def _place(self, tale: Tale) -> Place:
        left = self.o.left_on(tale.who, self.last)
        done = tale.completed_on if tale.completed_on and tale.completed_on < self.end else None
        other = tale.other if tale.other and tale.other[1] < self.end else None
        if left and done and done > left:
            done = None
        if left and other and other[1] > left:
            other = None
        if done:
            return self._ended(tale, "completed", done, done)
        if other:
            return self._ended(tale, other[0].lower(), other[1], None)
        if left:
            return self._ended(tale, "left", left, None)
        return Place(tale, self._standing(tale), self.last, None, False, True)

    def _ended(self, tale: Tale, state: str, on: date, done: date | None) -> Place:
        here = on >= self.start
        return Place(tale, state if here else None, on, done, True, on >= self.window)

    def _standing(self, tale: Tale) -> str:
        """On hold, in progress or not started on the last day."""
        told = [status for day, status in tale.statuses if day < self.end]
        start = tale.last["start_date"]
        if told and told[-1] == "On Hold":
            return "on_hold"
        if tale.last["enrollment_status"] == "Not Started":
            return "not_started"
        if start is not None:
            return "in_progress" if start < self.end else "not_started"
        return "in_progress" if told and told[-1] == "In Progress" else "not_started"

    # stocks of the last day

    def overdue(self, place: Place) -> bool:
        tale = place.tale
        told = [due for day, due in tale.deadlines if day < self.end]
        due = told[-1] if told else tale.first_deadline
        dropped = place.ended and place.done is None and self.other_end(place) == "Dropped"
        held = not place.ended and self._standing(tale) == "on_hold"
        known = tale.who is not None and self.o.employed(tale.who, self.last) and not self.o.away(tale.who, self.last)
        return bool(due and due < self.last and not place.done and not dropped and not held and known)

    def other_end(self, place: Place) -> str | None:
        """How it ended, other than by completion, before the person left."""
        other, left = place.tale.other, self.o.left_on(place.tale.who, self.last)
        if other is None or other[1] >= self.end or (left and other[1] > left):
            return None
        return other[0]

    def valid(self, tale: Tale) -> bool:
        done, revoked = tale.completed_on, tale.last["revoked_on"]
        if done is None or done > self.last or (revoked and revoked <= self.last):
            return False
        return tale.valid_until is None or self.last < tale.valid_until

    def days_left(self, place: Place) -> int | None:
        tale = place.tale
        if not self.o.employed(tale.who, self.last) or not self.valid(tale) or tale.valid_until is None:
            return None
        return (tale.valid_until - self.last).days

    def required(self, place: Place) -> bool:
        compliance = place.tale.row.fixed["is_compliance_training"]
        return bool(compliance and self.o.employed(place.tale.who, self.last) and self.other_end(place) != "Dropped")

    # a row

    def row(self, kind: str, subject: str | None, fits: Callable[[UUID | None, Row], bool]) -> Row | None:
        """The row about a subject; None where nothing is in play."""
        view = RowView(self, kind, subject, fits)
        return view.told() if view.playing else None
