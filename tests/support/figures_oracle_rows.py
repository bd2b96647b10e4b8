"""The columns of one row of a dashboard, by the oracle."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.support.figures_known import Row, Tale, half_up, percent
from tests.support.figures_oracle_lines import RowLines

if TYPE_CHECKING:
    from tests.support.figures_oracle import Place


class Told:
    """A row while it is told: numbers of columns as whole hundredths."""

    def __init__(self) -> None:
        self.values: Row = {}
        self.metrics: Row = {}
        self.parts: dict[str, tuple[Fraction, Fraction]] = {}
        self.reasons: dict[str, str] = {}

    def none(self, name: str, reason: str) -> None:
        self.values[name] = None
        self.reasons[name] = reason

    def ratio(
        self, name: str, above: Any, below: Any, times: int = 1, reason: str = "no_data", basis: str = ""
    ) -> None:
        if above is None or not below:
            self.none(name, reason)
            return
        self.parts[name] = (Fraction(above), Fraction(below))
        self.values[name] = half_up(Fraction(above) / Fraction(below) * times)

    def metric(self, name: str, above: Any, below: int, times: int = 100, reason: str = "no_data") -> None:
        if above is None or not below:
            self.metrics[name] = None
            self.reasons[name] = reason
            return
        self.parts[name] = (Fraction(above), Fraction(below))
        self.metrics[name] = half_up(Fraction(above) / Fraction(below) * times) / 100


class RowView(RowLines):
    """One row of one period."""

    def told(self) -> Row:
        """Values, parts and reasons."""
        row = Told()
        done = [place for place in self.playing if place.state == "completed"]
        self._counts(row)
        self._times(row, done)
        self._rates(row, done)
        self._engagement(row)
        self._learned(row, done)
        self._content(row)
        self._cost(row)
        row.none("instructor_performance_score", "no_input_event")
        row.none("roi_analysis", "no_input_event")
        self._stocks(row)
        self._attempts(row)
        tracked = row.values["total_learning_hours"] is not None
        row.values["department_breakdown"] = self._by_department(tracked)
        row.values["course_type_breakdown"] = self._by_type(tracked)
        row.values["additional_metrics"] = row.metrics
        return {"values": row.values, "parts": row.parts, "reasons": row.reasons}

    def _counts(self, row: Told) -> None:
        row.values |= {
            "total_enrollments": len(self.playing),
            "active_enrollments": self.count("not_started", "in_progress"),
            "in_progress_enrollments": self.count("in_progress"),
            "completed_enrollments": self.count("completed"),
            "dropped_enrollments": self.count("dropped"),
        }
        row.metrics |= {name: self.count(name) for name in ("on_hold", "failed", "expired", "left")}
        row.metrics["waived"] = sum(place.tale.waived for place in self.playing if place.state == "completed")
        within = self.p.within
        row.metrics["flow"] = {
            "registered": sum(within(place.tale.last["enrollment_date"]) for place in self.mine),
            "started": sum(within(place.tale.last["start_date"]) for place in self.mine),
            "completed": self.count("completed"),
            "certified": sum(within(place.tale.certified_on) for place in self.mine),
            "lapsed": sum(within(place.tale.lapsed_on) for place in self.mine),
        }

    def _seconds_of(self, tale: Tale) -> int:
        return sum(size for day, size in tale.spent if day < self.p.end)

    def _times(self, row: Told, done: list[Place]) -> None:
        tracks = any(place.tale.row.fixed["lms_integration_id"] in self.o.tracking for place in self.playing)
        seconds = sum(size for _, _, size in self.spent)
        tracked = tracks or bool(seconds)
        row.ratio("total_learning_hours", seconds if tracked else None, 3600, 1, "not_reported_by_source")
        timed = [
            self._seconds_of(place.tale) for place in done if not place.tale.waived and self._seconds_of(place.tale)
        ]
        row.ratio("average_completion_time_hours", sum(timed), len(timed) * 3600, 1)
        active = {tale.who for tale, day in self.doings if self.p.within(day)}
        of_people = sum(size for tale, _, size in self.spent if tale.who)
        reason = "no_data" if tracked else "not_reported_by_source"
        row.metric("hours_per_learner", of_people if tracked else None, len(active) * 3600, 1, reason)
        untimed = [place.tale for place in done if not place.tale.waived and not self._seconds_of(place.tale)]
        minutes = sum(self.o.course(tale).get("nominal_minutes") or 0 for tale in untimed)
        row.metrics["nominal_hours"] = half_up(Fraction(minutes, 60)) / 100
        days = [
            (place.done - place.tale.last["start_date"]).days for place in done
            if place.done and place.tale.last["start_date"] and not place.tale.waived
            and place.tale.last["start_date"] <= place.done
        ]  # fmt: skip
        row.metrics["days_to_complete"] = statistics.median(days) if days else None
        if not days:
            row.reasons["days_to_complete"] = "no_data"
        by_day: dict[tuple[str, str], int] = defaultdict(int)
        for tale, day, size in self.spent:
            if tale.who:
                by_day[day.isoformat(), str(tale.who)] += size
        many = [(day, who, size) for (day, who), size in sorted(by_day.items()) if size > 86400]
        if many:
            told = [{"employee_id": who, "day": day, "hours": round(size / 3600, 2)} for day, who, size in many]
            row.metrics["implausible"] = {"count": len(many), "days": told[:20]}

    def _rates(self, row: Told, done: list[Place]) -> None:
        row.ratio("completion_rate", len(done), len(self.playing), 100)
        fresh = [place for place in self.mine if place.tale.last["enrollment_date"] >= self.p.year_start]
        row.metric("completion_rate_12m", sum(place.done is not None for place in fresh), len(fresh))
        due = [place for place in self.mine if self._was_due(place)]
        in_time = [place for place in due if place.done and place.done <= (place.tale.first_deadline or date.min)]
        row.metric("on_time_completion_rate", len(in_time), len(due))
        needed: dict[Any, bool] = defaultdict(bool)
        for place in self.stock:
            if self.p.required(place):
                fixed = place.tale.row.fixed
                needed[place.tale.who, fixed["lms_integration_id"], fixed["course_id"]] |= self.p.valid(place.tale)
        row.ratio("compliance_training_completion", sum(needed.values()), len(needed), 100, basis="enrolled")
        ended = [
            place for place in self.playing if place.ended and self.o.course(place.tale).get("leads_to_certificate")
        ]
        got = [place for place in ended if place.tale.certified_on and place.tale.certified_on < self.p.end]
        says = any(course.get("leads_to_certificate") is not None for course in self.o.world.courses)
        reason = "no_data" if says else "not_reported_by_source"
        row.ratio("certification_achievement_rate", len(got), len(ended), 100, reason)

    def _was_due(self, place: Place) -> bool:
        due = place.tale.first_deadline
        if due is None or not self.p.within(due):
            return False
        withdrawn = self.p.other_end(place) == "Dropped" or (place.ended and not self.p.other_end(place))
        return bool(place.done or not withdrawn or place.on > due)

    def _engagement(self, row: Told) -> None:
        playing = [place for place in self.mine if place.in_window]
        people = {place.tale.who for place in playing if place.tale.who}
        if not people:
            row.none("engagement_score", "no_data")
            return
        active = {tale.who for tale, _ in self.doings}
        begun = [p for p in playing if p.tale.last["start_date"] and p.tale.last["start_date"] < self.p.end]
        moved = [
            place for place in begun
            if any(self.p.window <= day < self.p.end and further for day, further in place.tale.doings)
        ]  # fmt: skip
        days = {(tale.who, day) for tale, day in self.doings}
        weeks = Fraction((self.p.end - self.p.window).days, 7)
        parts = [
            (Fraction(len(active & people)), Fraction(len(people))), (Fraction(len(moved)), Fraction(len(begun))),
            (Fraction(len(days)), len(active) * weeks),
        ]  # fmt: skip
        known = [min(Fraction(1), above / below) for above, below in parts if below]
        row.ratio("engagement_score", sum(known, Fraction(0)) * 100, len(known), 1)

    def _learned(self, row: Told, done: list[Place]) -> None:
        pairs: dict[tuple[Any, str], bool] = defaultdict(bool)
        for place in self.playing:
            last, course = place.tale.last, self.o.course(place.tale)
            bar = last["passing_score"] if last["passing_score"] is not None else course.get("passing_score")
            if place.ended and place.tale.who and not place.tale.waived:
                shown = last["score_achieved"] is not None and bar is not None and last["score_achieved"] >= bar
                for skill in course.get("skills") or []:
                    pairs[place.tale.who, skill] |= shown
        if pairs and len({who for who, _ in pairs}) < 5:
            row.none("skill_acquisition_rate", "below_minimum_group")
        else:
            says = any(course.get("skills") for course in self.o.world.courses)
            reason = "no_data" if says else "not_reported_by_source"
            row.ratio("skill_acquisition_rate", sum(pairs.values()), len(pairs), 100, reason)
        percents = [
            Fraction(place.tale.last["score_achieved"]) / Fraction(place.tale.last["max_score"]) * 100 for place in done
            if not place.tale.waived and place.tale.last["score_achieved"] is not None and place.tale.last["max_score"]
        ]  # fmt: skip
        row.metrics["effectiveness"] = {"levels": [2] if percents else []}
        mean = sum(percents, Fraction(0)) / len(percents) if percents else None
        row.ratio("learning_effectiveness_score", mean, 1, 1)

    def _content(self, row: Told) -> None:
        if self.kind == "instructor":
            row.none("content_utilization_rate", "not_applicable")
            return
        flagged = {
            (tale.row.fixed["lms_integration_id"], tale.row.fixed["course_id"]) for tale in self.o.tales
            if tale.row.fixed["is_mandatory"] or tale.row.fixed["is_compliance_training"]
        }  # fmt: skip
        offered = set()
        for key, course in self.o.catalog.items():
            retired = self.o.local(course.get("retired_at"))
            named = course.get("is_mandatory") or course.get("is_compliance_training") or key in flagged
            if (
                (retired is None or retired > self.p.start)
                and (self.kind != "integration" or str(key[0]) == self.subject)
                and (self.kind != "compliance" or named)
            ):
                offered.add(key)
        used = {
            (tale.row.fixed["lms_integration_id"], tale.row.fixed["course_id"])
            for tale, day in self.doings if self.p.within(day)
        }  # fmt: skip
        row.ratio("content_utilization_rate", len(used & offered), len(offered), 100, "not_reported_by_source")

    def _cost(self, row: Told) -> None:
        column = "learning_cost_per_employee"
        amounts: dict[str, list[Fraction]] = defaultdict(list)
        for place in self.mine:
            fixed = place.tale.row.fixed
            if fixed["cost_amount"] is not None and self.p.within(place.tale.last["enrollment_date"]):
                amounts[fixed["currency_code"]].append(Fraction(fixed["cost_amount"]))
        own = amounts.pop(self.o.world.currency, [])
        heads = Fraction(self._heads(self.p.start) + self._heads(self.p.last), 2)
        reason = "no_data" if own else "mixed_currency" if amounts else "not_reported_by_source"
        row.ratio(column, sum(own, Fraction(0)) if own else None, heads, 1, reason)
        if amounts:
            row.reasons.setdefault(column, "mixed_currency")

    def _heads(self, day: date) -> int:
        """Employees in force on a day; of a department, those in it or beneath."""
        inside = [who for who in self.o.world.people if self.o.person(who, day) and self.o.employed(who, day)]
        if self.kind != "department":
            return len(inside)
        return sum(self.fits(self.o.department_of(who, day), {}) for who in inside)

    def _stocks(self, row: Told) -> None:
        row.metrics["overdue"] = sum(map(self.p.overdue, self.stock))
        left = [self.p.days_left(place) for place in self.stock]
        for days in (30, 60, 90):
            row.metrics[f"expiring_{days}"] = sum(one is not None and one <= days for one in left)
        active = {tale.who for tale, day in self.doings if self.p.within(day)}
        people = {place.tale.who for place in self.playing if place.tale.who}
        heads = self._heads(self.p.last)
        reached = percent(len(active), heads)
        if reached is None:
            row.reasons["reach_rate"] = "no_data"
        row.metrics["people"] = {
            "headcount": heads, "enrolled": len(people), "active": len(active), "reach_rate": reached,
        }  # fmt: skip

    def _attempts(self, row: Told) -> None:
        firsts, passed, lessons, attempts = 0, 0, 0, 0
        tales = {tale.row.id: tale for tale in self.o.tales}
        for lesson in self.o.world.lessons.values():
            known, tale = self.o.versions(lesson), tales.get(lesson.enrollment_id)
            if not known or tale is None or tale.waived or not known[-1].values["attempts_count"]:
                continue
            last = known[-1].values
            seen = min(self.o.local(one.happened) or date.max for one in known if one.values["attempts_count"])
            first = next((one for one in lesson.results if one["number"] == 1), None)
            if first:
                text = first.get("time")
                day = self.o.local(datetime.fromisoformat(re.sub("Z$", "+00:00", text))) if text else seen
                if self.p.within(day) and self._has(tale, day or seen):
                    firsts, passed = firsts + 1, passed + first["passed"]
            done = self.o.local(last["completion_date"]) if last["progress_status"] == "Completed" else None
            if done and self.p.within(done) and self._has(tale, done):
                lessons, attempts = lessons + 1, attempts + last["attempts_count"]
        row.metric("first_attempt_pass_rate", passed, firsts)
        row.metric("attempts_mean", attempts, lessons, 1)
