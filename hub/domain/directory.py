"""Decisions of the directory: companies, departments, teams, users, employees, LMS accounts and courses.

Each compares what is told with the row as it is, and yields the changes under the name of what happened. Personal
values are compared sealed; only the matching of accounts sees clear identifiers, and it yields ids and reasons only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from hub.domain.rows import Changes, Row, value_of
from hub.domain.values import EmploymentStatus, MatchedBy
from hub.errors import Refused

UNLINKED_BY_HAND = "unlinked by hand"
"""The problem of an account that a person has unlinked; such an account is never linked by itself."""

KEYS: tuple[tuple[MatchedBy, str], ...] = (
    (MatchedBy.HR_NUMBER, "hr_number"),
    (MatchedBy.CUSTOM_FIELD, "custom_identifier"),
    (MatchedBy.EMAIL, "email"),
    (MatchedBy.LOGIN, "login_name"),
)
"""Keys that may name an employee, strongest first, and the account's identifier for each."""

OF_THE_HUB = frozenset({"employee_id", "matched_by", "match_problem"})
"""What the hub decides of an account; no source may tell it."""
MOVES = ("department_id", "team_id", "manager_employee_id")


@dataclass(slots=True)
class Change:
    """New values of one directory row, and what they mean."""

    type: str
    transitions: tuple[str, ...]
    values: dict[str, Any]
    cleared: tuple[str, ...] = ()


def registered_or_changed(
    kind: str, row: Row | None, wanted: Mapping[str, Any], cleared: Sequence[str] = ()
) -> Change | None:
    """A company, department, team or user as it should be.

    Raises:
        Refused: a company's time zone is none.
    """
    zone = wanted.get("time_zone")
    if kind == "company" and zone is not None and zone not in available_timezones():
        raise Refused(
            f"time_zone: {zone!r} is no time zone; expected an IANA name such as Europe/Berlin",
            field="time_zone", rule="IANA name", expected="an IANA name such as Europe/Berlin",
        )  # fmt: skip
    return _named(f"lms.{kind}", "registered" if row is None else "changed", row, wanted, cleared)


def _named(
    subject: str, name: str, row: Row | None, wanted: Mapping[str, Any], cleared: Sequence[str]
) -> Change | None:
    changes, gone = _differences(row, wanted, cleared)
    if row is not None and not changes and not gone:
        return None
    kind = subject.removeprefix("lms.")
    return Change(f"{subject}.{name}.v1", (f"{kind}.{name}",), changes, gone)


def _differences(
    row: Row | None, wanted: Mapping[str, Any], cleared: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    changes = Changes(row)
    for name, value in wanted.items():
        changes.put(name, value)
    return changes.new, tuple(name for name in cleared if value_of(row, name) is not None)


def employee(row: Row | None, wanted: Mapping[str, Any], cleared: Sequence[str] = ()) -> Change | None:
    """An employee as HR tells: hired, changed, transferred, on leave, terminated, rehired (the strongest names it)."""
    changes, gone = _differences(row, wanted, cleared)
    if row is None:
        changes.setdefault("employment_status", EmploymentStatus.ACTIVE)
        return Change("lms.employee.hired.v1", ("employee.hired",), changes, gone)
    if not changes and not gone:
        return None
    touched = {*changes, *gone}
    status, former = changes.get("employment_status"), row.get("employment_status")
    happened = {
        "changed": bool(touched - {"employment_status", *MOVES}),
        "transferred": not touched.isdisjoint(MOVES),
        "on_leave": status == EmploymentStatus.ON_LEAVE,
        "rehired": status == EmploymentStatus.ACTIVE and former == EmploymentStatus.TERMINATED,
        "terminated": status == EmploymentStatus.TERMINATED,
    }
    names = [name for name, true in happened.items() if true] or ["changed"]
    return Change(f"lms.employee.{names[-1]}.v1", tuple(f"employee.{name}" for name in names), changes, gone)


# -- accounts ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Match:
    """The employee that an account's identifiers name, or why none can be named."""

    employee_id: str | None = None
    matched_by: str | None = None
    problem: str | None = None


def match(candidates: Mapping[str, Sequence[str]]) -> Match:
    """Name the employee: the first key, in order of strength, that names anybody decides.

    ``candidates``: key (see :class:`MatchedBy`) → ids of the employees that have this value. Two of them: nobody is named.
    """
    for key, _ in KEYS:
        found = sorted(set(candidates.get(key, ())))
        if len(found) == 1:
            return Match(found[0], str(key))
        if found:
            return Match(problem=f"{len(found)} employees have this {key.replace('_', ' ')}")
    return Match(problem="no employee has any of its identifiers")


def may_match(row: Row | None) -> bool:
    """Whether the hub may link this account by itself: it is not linked, and nobody unlinked it by hand."""
    return row is None or (row.get("employee_id") is None and row.get("match_problem") != UNLINKED_BY_HAND)


def account_seen(row: Row | None, facts: Mapping[str, Any], time: int, found: Match | None) -> Change | None:
    """An account was seen. ``found`` is its match, where it may be matched now. None where nothing is new."""
    changes = Changes(row)
    facts = {name: value for name, value in facts.items() if name not in OF_THE_HUB}
    _tell(changes, facts, older=time < (value_of(row, "source_time") or value_of(row, "last_seen_at") or time))
    linked = False
    cleared: tuple[str, ...] = ()
    if found is not None and may_match(row):
        if found.employee_id is not None:
            linked = changes.put("employee_id", found.employee_id)
            changes.put("matched_by", found.matched_by)
            if value_of(row, "match_problem") is not None:
                cleared = ("match_problem",)
        else:
            changes.put("match_problem", found.problem)
    if not changes.new:
        return None
    changes.first("first_seen_at", time)
    changes.most("last_seen_at", time)
    transitions = ("account.seen", "account.linked") if linked else ("account.seen",)
    return Change("lms.account.linked.v1" if linked else "lms.account.seen.v1", transitions, changes.new, cleared)


def _tell(changes: Changes, facts: Mapping[str, Any], *, older: bool) -> None:
    """Take what is told; of an older state only what is not known yet."""
    for name, value in facts.items():
        if older:
            changes.first(name, value)
        else:
            changes.put(name, value)


def account_linked(row: Row, employee_id: str, matched_by: str) -> Change | None:
    """Link an account to an employee, or to another one."""
    if row.get("employee_id") == employee_id:
        return None
    changes = {"employee_id": employee_id, "matched_by": matched_by}
    return Change("lms.account.linked.v1", ("account.linked",), changes, _known(row, "match_problem"))


def account_unlinked(row: Row) -> Change | None:
    """Take the link back; the hub will not link it by itself again."""
    if row.get("employee_id") is None:
        return None
    problem = {"match_problem": UNLINKED_BY_HAND}
    return Change("lms.account.unlinked.v1", ("account.unlinked",), problem, _known(row, "employee_id", "matched_by"))


def _known(row: Row, *names: str) -> tuple[str, ...]:
    return tuple(name for name in names if row.get(name) is not None)


# -- courses -------------------------------------------------------------------------------------------------


def course_seen(
    row: Row | None, facts: Mapping[str, Any], time: int, *, own_time: bool, retired: bool
) -> Change | None:
    """A course of the catalogue was seen: new, changed, retired, or nothing new. An older state tells only what is not known."""
    older = time < (value_of(row, "source_time") or time)
    changes = Changes(row)
    _tell(changes, facts, older=older)
    newly_retired = retired and not older and changes.first("retired_at", time)
    cleared = _known(row, "retired_at") if row is not None and not retired and not older else ()
    if own_time:
        changes.most("source_time", time)
    if row is not None and not changes.new and not cleared:
        return None
    name = "seen" if row is None else "retired" if newly_retired else "changed"
    return Change(f"lms.course.{name}.v1", (f"course.{name}",), changes.new, cleared)
