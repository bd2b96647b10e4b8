"""What the log says of a day in the past, told by replaying it: simple, slow, and without any table of the hub.

Only records recorded before a moment are folded, each by setting what it sets. Then the rows are judged on the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.domain.units import day_in

DONE = ("Completed", "Certified")
SHOWN = ("enrollment_status", "progress_percentage", "due_date")
Event = Mapping[str, Any]


@dataclass
class Cycle:
    """One row of the enrollments, and how it came about."""

    row: dict[str, Any] = field(default_factory=dict)
    past: list[tuple[Event, dict[str, Any]]] = field(default_factory=list)
    """Each event that changed it, with the row after it."""

    def without_retracted(self) -> list[tuple[Event, dict[str, Any]]]:
        """Its past without the events whose fact was taken out."""
        gone = {event["retracts"] for event, _ in self.past if event["retracts"]}
        return [one for one in self.past if one[0]["event_id"] not in gone]


class Replay:
    """The rows as the log makes them from what was recorded before a moment."""

    def __init__(self, events: Iterable[Event], known_end: int, zone: str) -> None:
        self.zone = zone
        self.cycles: dict[str, Cycle] = {}
        self.courses: dict[str, list[tuple[int, int | None]]] = {}
        self.names: dict[str, str] = {}
        for event in events:
            if event["recorded_at"] >= known_end:
                continue
            if event["stream_kind"] == "course":
                self._course(event)
            elif event["stream_kind"] == "enrollment" and "enrollment_row_id" in event:
                self._enrollment(event)

    def _enrollment(self, event: Event) -> None:
        cycle = self.cycles.setdefault(event["enrollment_row_id"], Cycle())
        before = dict(cycle.row)
        cycle.row.setdefault("course", event["course_key"])
        cycle.row.update({name: value for name, value in (event["enrollment"] or {}).items() if value is not None})
        for name in event["enrollment_cleared"]:
            cycle.row.pop(name, None)
        if cycle.row != before:
            cycle.past.append((event, dict(cycle.row)))
        for other in event["other_cycle_ids"]:
            self.cycles[other].row["employee_id"] = event["employee_id"]

    def _course(self, event: Event) -> None:
        change = event["change"]
        name = self.names.setdefault(event["stream_id"], change.get("course_id"))
        told = self.courses.setdefault(name, [])
        validity = change.get("validity_days") or (told[-1][1] if told else None)
        told.append((self._day(event), validity))

    def validity(self, course: str, day: int) -> int | None:
        """The validity period in force on a day, else the first one told."""
        told = self.courses.get(course, [])
        begun = [validity for at, validity in told if at <= day]
        return begun[-1] if begun else told[0][1] if told else None

    def judge(self, employee: str, course: str, day: int) -> set[str]:
        """What can be said of each cycle of a person in a course on a day."""
        mine = [c for c in self.cycles.values() if c.row["course"] == course and c.row.get("employee_id") == employee]
        return {self._verdict(cycle, day) for cycle in mine} or {"never enrolled"}

    def _verdict(self, cycle: Cycle, day: int) -> str:
        row = cycle.row
        done = self._completed_on(cycle)
        if row["enrollment_date"] > day and (done is None or done > day):
            return "never enrolled"
        if done is None:
            return "not completed"
        if done > day:
            return "completed later"
        until = row.get("valid_until")
        if until is None and row["enrollment_status"] == "Expired":
            past = cycle.without_retracted()
            until = min(self._day(event) for event, after in past if after["enrollment_status"] == "Expired")
        if until is None and (period := self.validity(row["course"], day)):
            until = done + period
        revoked = row.get("revoked_on")
        if revoked is not None and revoked <= day and (until is None or revoked < until):
            return "revoked"
        if until is not None and until <= day:
            return "lapsed"
        return "valid"

    def _completed_on(self, cycle: Cycle) -> int | None:
        row = cycle.row
        date: int | None = row.get("completion_date")
        if row["enrollment_status"] in DONE and date is None:
            return min(self._day(e) for e, after in cycle.without_retracted() if after["enrollment_status"] in DONE)
        return date if row["enrollment_status"] in (*DONE, "Expired") else None

    def _day(self, event: Event) -> int:
        return day_in(event["occurred_at"], self.zone)

    def stood(self, row_id: str, name: str, day: int) -> Any:
        """A field of a cycle on a day: as it was before the first change of it that happened later."""
        value = None
        for event, after in self.cycles[row_id].without_retracted():
            new = after.get(name)
            puts_right = event["retracts"] or "enrollment.corrected" in event["transitions"]
            if new != value and not puts_right and self._day(event) > day:
                return value
            value = new
        return value
