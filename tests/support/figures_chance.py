"""A company in which everything happens that may happen: by chance, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.support.figures_company import Enrollment, Lesson, World

FIRST, LAST = date(2024, 9, 1), date(2026, 5, 20)
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata")


def by_chance(seed: int, people: int = 30, enrollments: int = 160) -> World:
    """A company in which everything happens that may happen."""
    chance = random.Random(seed)
    world = World(zone=ZONES[seed % len(ZONES)], currency="EUR", fiscal_month=1 + seed * 3 % 12)
    _organization(world, chance, people)
    for code in ("moodle", "canvas", "files"):
        integration = world.integration(code)
        for number in range(4):
            _course(world, chance, integration, f"{code}-{number}")
        world.runs.append((integration, world.at(LAST - timedelta(days=chance.randrange(9)))))
    staff = list(world.people)
    for _ in range(enrollments):
        course = chance.choice(world.courses)
        who = None if chance.random() < 0.05 else chance.choice(staff)
        _learn(world, chance, who, course)
    return world


def _day(chance: random.Random, first: date = FIRST, last: date = LAST) -> date:
    return first + timedelta(days=chance.randrange(max(1, (last - first).days)))


def _organization(world: World, chance: random.Random, people: int) -> None:
    top = world.department("Top")
    tree = [top]
    for number in range(6):
        tree.append(world.department(f"D{number}", chance.choice(tree)))
    world.changed(tree[-1], _day(chance), parent_department_id=top, name="Renamed")
    for number in range(people):
        hired = _day(chance, date(2022, 1, 1), date(2025, 12, 1))
        who = world.person(chance.choice([*tree, None]), hired)
        for _ in range(chance.randrange(3)):
            world.changed(who, _day(chance, hired), department_id=chance.choice([*tree, None]))
        if number % 4 == 1:
            gone = _day(chance, date(2025, 6, 1))
            told = gone + timedelta(days=chance.choice([-5, 0, 1]))
            last_day = None if number % 3 == 0 else gone
            world.changed(who, told, employment_status="Terminated", termination_date=last_day)
            if number % 8 == 5:
                back = gone + timedelta(days=chance.randrange(10, 60))
                hire: dict[str, Any] = {"hire_date": back} if number % 16 == 5 else {}
                world.changed(who, back, employment_status="Active", termination_date=None, **hire)
        elif number % 5 == 2:
            away = _day(chance, date(2026, 1, 1))
            ends = None if number % 2 else away + timedelta(days=chance.randrange(5, 90))
            world.changed(who, away, employment_status="On Leave", leave_start_date=away, leave_end_date=ends)
            if ends is None and number % 10 == 7:
                world.changed(who, away + timedelta(days=40), employment_status="Active")


def _course(world: World, chance: random.Random, integration: UUID, course_id: str) -> None:
    retired = world.at(_day(chance)) if chance.random() < 0.2 else None
    world.course(
        integration, course_id, course_type=chance.choice(["eLearning", "Workshop", None]),
        validity_days=chance.choice([None, 90, 365]), nominal_minutes=chance.choice([None, 45]),
        leads_to_certificate=chance.choice([True, False, None]), retired_at=retired,
        skills=chance.choice([None, ["welding"], ["first aid", "writing"]]), passing_score=chance.choice([None, Decimal(60)]),
        is_compliance_training=chance.random() < 0.4, is_mandatory=chance.random() < 0.2,
    )  # fmt: skip


def _learn(world: World, chance: random.Random, who: UUID | None, course: Mapping[str, Any]) -> None:
    """One enrollment and its lessons, some of it told late or after the end of what is asked."""
    on = _day(chance)
    seen = world.at(on + timedelta(days=chance.choice([0, 0, 0, 3, 200])), chance.choice([0, 12, 23]), 30)
    cost = Decimal(chance.randrange(1, 900)) if chance.random() < 0.3 else None
    row = world.enroll(
        who, course["lms_integration_id"], course["course_id"], on,
        course_type=course["course_type"], is_compliance_training=course["is_compliance_training"],
        is_mandatory=course["is_mandatory"], instructor_id=chance.choice([None, None, "i1", "i2"]),
        cost_amount=cost, currency_code=None if cost is None else chance.choice(["EUR", "EUR", "EUR", "USD"]),
        due_date=on + timedelta(days=chance.randrange(10, 120)) if chance.random() < 0.5 else None,
    )  # fmt: skip
    row.versions[0].happened = row.versions[0].recorded = seen
    tracks = course["lms_integration_id"] != list(world.integrations)[1]
    for act in _acts(chance):
        act(world, chance, row, tracks)
    if tracks and chance.random() < 0.4:
        _lesson(world, chance, row)
    lag = timedelta()
    for version in row.versions:
        if chance.random() < 0.1:
            lag = timedelta(days=chance.randrange(400))
        version.recorded = max(version.happened, version.recorded) + lag
    for before, after in zip(row.versions, row.versions[1:], strict=False):
        after.recorded = max(after.recorded, before.recorded)


def _next(chance: random.Random, row: Enrollment | Lesson, days: int = 45) -> datetime:
    return row.versions[-1].happened + timedelta(minutes=chance.randrange(5, days * 1440))


def _acts(chance: random.Random) -> Iterator[Any]:
    if chance.random() < 0.15:
        return
    yield _start
    for _ in range(chance.randrange(5)):
        yield chance.choice([_progress, _progress, _hold, _move_deadline, _late, _take_out, _link])
    yield chance.choice([_complete, _complete, _complete, _certify, _certify, _fail, _drop, _expire, _waive, _progress])
    for _ in range(chance.randrange(3)):
        yield chance.choice([_correct, _reopen, _pass_after_all, _lapse, _revoke, _spend_more])


def _open(row: Enrollment) -> bool:
    return row.versions[-1].values["enrollment_status"] in ("Not Started", "In Progress", "On Hold")


def _start(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    at = _next(chance, row)
    start = at.astimezone(ZoneInfo(world.zone)).date() - timedelta(days=chance.choice([0, 0, 4]))
    start = max(start, row.versions[0].values["enrollment_date"])
    world.tell(
        row, at, enrollment_status="In Progress", start_date=start, last_access_date=at, progress_percentage=Decimal(5)
    )


def _progress(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        at, known = _next(chance, row), row.versions[-1].values
        spent = (known["time_spent_seconds"] or 0) + chance.choice([0, 700, 5000, 90_000, -600]) if tracks else None
        seen = at - timedelta(hours=chance.choice([0, 30])) if chance.random() < 0.8 else known["last_access_date"]
        world.tell(row, at, progress_percentage=Decimal(chance.randrange(100)), last_access_date=seen,
                   time_spent_seconds=None if spent is None else max(0, spent))  # fmt: skip


def _spend_more(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if tracks:
        spent = (row.versions[-1].values["time_spent_seconds"] or 0) + 1234
        world.tell(row, _next(chance, row), time_spent_seconds=spent)


def _hold(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        world.tell(row, _next(chance, row), own=False, enrollment_status="On Hold")
        if chance.random() < 0.6:
            begun = row.versions[-1].values["start_date"]
            world.tell(row, _next(chance, row), own=False, enrollment_status="In Progress" if begun else "Not Started")
        elif chance.random() < 0.3:
            world.tell(row, _next(chance, row), own=False, retracted=True, enrollment_status="In Progress")


def _move_deadline(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    at = _next(chance, row)
    due = at.date() + timedelta(days=chance.randrange(-5, 60)) if chance.random() < 0.8 else None
    world.tell(row, at, own=False, due_date=due)


def _late(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    """An older fact: known now, it moves nothing back but tells an earlier beginning."""
    at = row.versions[0].happened + timedelta(hours=1)
    spent = (row.versions[-1].values["time_spent_seconds"] or 0) + 60 if tracks else None
    world.tell(row, at, row.versions[-1].recorded + timedelta(days=2), late=True, time_spent_seconds=spent)


def _take_out(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    spent = row.versions[-1].values["time_spent_seconds"]
    fewer = None if spent is None else max(0, spent - 3000)
    world.tell(row, _next(chance, row), own=False, retracted=True, time_spent_seconds=fewer)


def _link(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if row.versions[-1].values["employee_id"] is None:
        world.tell(row, _next(chance, row), own=False, employee_id=chance.choice(list(world.people)))


def _done(world: World, chance: random.Random, row: Enrollment) -> tuple[datetime, dict[str, Any]]:
    at = _next(chance, row)
    day = at.astimezone(ZoneInfo(world.zone)).date() - timedelta(days=chance.choice([0, 0, 0, 2, 35]))
    top = Decimal(chance.choice([10, 30, 100]))
    told: dict[str, Any] = {"completion_date": max(day, row.versions[0].values["enrollment_date"])}
    if chance.random() < 0.7:
        told |= {"score_achieved": (top * chance.randrange(101) / 100).quantize(Decimal("0.01")), "max_score": top}
        told["passing_score"] = chance.choice([None, top * 6 / 10])
    return at, told


def _complete(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        at, told = _done(world, chance, row)
        world.tell(row, at, enrollment_status="Completed", progress_percentage=Decimal(100), **told)


def _certify(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        at, told = _done(world, chance, row)
        begins = told["completion_date"]
        until = begins + timedelta(days=chance.randrange(20, 400)) if chance.random() < 0.8 else None
        world.tell(row, at, enrollment_status="Certified", valid_from=begins, valid_until=until, **told)


def _fail(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        world.tell(row, _next(chance, row), enrollment_status="Failed")


def _drop(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        world.tell(row, _next(chance, row), own=False, enrollment_status="Dropped")


def _expire(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        world.tell(row, _next(chance, row), own=False, enrollment_status="Expired")


def _waive(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if _open(row):
        at = _next(chance, row)
        day = at.astimezone(ZoneInfo(world.zone)).date()
        world.tell(row, at, own=False, enrollment_status="Completed", completion_date=day, waived=True)


def _correct(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    known = row.versions[-1].values
    if known["enrollment_status"] in ("Completed", "Certified"):
        earlier = known["completion_date"] - timedelta(days=chance.randrange(40))
        world.tell(row, _next(chance, row), own=False, completion_date=max(earlier, known["enrollment_date"]))


def _reopen(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    """A person puts right that it has not ended, or the fact that ended it is taken out."""
    if not _open(row) and chance.random() < 0.4:
        begun = row.versions[-1].values["start_date"]
        world.tell(row, _next(chance, row), own=False, retracted=chance.random() < 0.5, completion_date=None, valid_from=None,
                   valid_until=None, revoked_on=None, enrollment_status="In Progress" if begun else "Not Started")  # fmt: skip


def _pass_after_all(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if row.versions[-1].values["enrollment_status"] == "Failed":
        at, told = _done(world, chance, row)
        world.tell(row, at, enrollment_status="Completed", **told)


def _lapse(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    known = row.versions[-1].values
    if known["enrollment_status"] == "Certified":
        at = world.at(known["valid_until"], 0) if known["valid_until"] else _next(chance, row)
        world.tell(row, max(at, row.versions[-1].happened), own=False, enrollment_status="Expired")


def _revoke(world: World, chance: random.Random, row: Enrollment, tracks: bool) -> None:
    if row.versions[-1].values["enrollment_status"] == "Certified":
        at = _next(chance, row)
        day = at.astimezone(ZoneInfo(world.zone)).date()
        world.tell(row, at, own=False, enrollment_status="Completed", revoked_on=day)


def _lesson(world: World, chance: random.Random, enrollment: Enrollment) -> None:
    """A lesson with attempts; where the enrollment tells no time of its own, its time counts."""
    first = enrollment.versions[-1].happened - timedelta(days=chance.randrange(20))
    time_told = chance.random() < 0.5
    results = [
        {"number": number, "passed": chance.random() < 0.6}
        | ({"time": (first + timedelta(hours=number)).isoformat().replace("+00:00", "Z")} if time_told else {})
        for number in range(1, chance.randrange(1, 4))
    ]
    row = world.lesson(enrollment, results)
    world.tell(row, first, employee_id=enrollment.versions[0].values["employee_id"], progress_status="In Progress",
               time_spent_seconds=chance.choice([None, 300]), attempts_count=min(1, len(results)), last_access_date=first,
               completion_percentage=Decimal(20))  # fmt: skip
    at = _next(chance, row, 20)
    done: dict[str, Any] = {"progress_status": "Completed", "completion_date": at} if chance.random() < 0.7 else {}
    world.tell(
        row, at, attempts_count=len(results), time_spent_seconds=chance.choice([None, 900]), last_access_date=at, **done
    )
