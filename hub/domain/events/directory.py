"""Topic ``lms.directory``: people, where they belong, the LMS accounts they use and the courses there are.

Key: the company, department, team, user, employee, account or course. Names and addresses are sealed with the key of
the person (the account, before it is linked). Bodies hold new values; absent means unchanged, ``cleared`` names what
became unknown. Days are days in the company's zone.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from hub.domain.events.base import Declared, Event
from hub.domain.values import (
    UUID,
    CourseType,
    EmploymentStatus,
    Instant,
    JsonText,
    MatchedBy,
    Score,
    Sealed,
)


class DirectoryEvent(Event):
    """Base of the topic: the row's new values hang below ``change``."""

    cleared: tuple[str, ...] = Field((), description="Columns that became unknown")
    effective_from: date | None = Field(None, description="First day on which it holds; absent: the day of occurred_at")
    topic = "lms.directory"


class CompanyChange(Declared):
    """New values of a company."""

    name: str | None = Field(None, max_length=200)
    code: str | None = Field(None, max_length=50)
    time_zone: str | None = Field(None, max_length=64, description="IANA name")
    currency_code: str | None = Field(None, max_length=10)
    fiscal_year_start_month: int | None = Field(None, ge=1, le=12)


class CompanyEvent(DirectoryEvent):
    """Body of company events."""

    change: CompanyChange


class CompanyRegistered(CompanyEvent):
    """A company uses the hub from now on."""

    type = "lms.company.registered.v1"


class CompanyChanged(CompanyEvent):
    """A company's name, time zone, currency or fiscal year changed."""

    type = "lms.company.changed.v1"


class DepartmentChange(Declared):
    """New values of a department."""

    code: str | None = Field(None, max_length=50)
    name: str | None = Field(None, max_length=200)
    parent_department_id: UUID | None = None
    manager_employee_id: UUID | None = None
    is_active: bool | None = None


class DepartmentEvent(DirectoryEvent):
    """Body of department events."""

    change: DepartmentChange


class DepartmentRegistered(DepartmentEvent):
    """A department was set up."""

    type = "lms.department.registered.v1"


class DepartmentChanged(DepartmentEvent):
    """A department was renamed, moved below another, closed or given another manager."""

    type = "lms.department.changed.v1"


class TeamChange(Declared):
    """New values of a team."""

    code: str | None = Field(None, max_length=50)
    name: str | None = Field(None, max_length=200)
    department_id: UUID | None = None
    lead_employee_id: UUID | None = None
    is_active: bool | None = None


class TeamEvent(DirectoryEvent):
    """Body of team events."""

    change: TeamChange


class TeamRegistered(TeamEvent):
    """A team was set up."""

    type = "lms.team.registered.v1"


class TeamChanged(TeamEvent):
    """A team was renamed, moved, closed or given another lead."""

    type = "lms.team.changed.v1"


class UserChange(Declared):
    """New values of a user of the HR system."""

    login: Sealed | None = None
    email: Sealed | None = None
    display_name: Sealed | None = None
    employee_id: UUID | None = None
    is_active: bool | None = None


class UserEvent(DirectoryEvent):
    """Body of user events."""

    change: UserChange


class UserRegistered(UserEvent):
    """A user of the HR system became known."""

    type = "lms.user.registered.v1"


class UserChanged(UserEvent):
    """A user's login, address, name, employee or activity changed."""

    type = "lms.user.changed.v1"


class EmployeeChange(Declared):
    """New values of an employee."""

    employee_number: Sealed | None = None
    given_name: Sealed | None = None
    family_name: Sealed | None = None
    email: Sealed | None = None
    login_name: Sealed | None = None
    custom_identifier: Sealed | None = None
    manager_employee_id: UUID | None = None
    department_id: UUID | None = None
    team_id: UUID | None = None
    job_title: str | None = Field(None, max_length=200)
    site: str | None = Field(None, max_length=200)
    country_code: str | None = Field(None, max_length=2)
    employment_status: EmploymentStatus | None = None
    hire_date: date | None = None
    leave_start_date: date | None = None
    leave_end_date: date | None = None
    termination_date: date | None = None


class EmployeeEvent(DirectoryEvent):
    """Body of employee events."""

    change: EmployeeChange


class EmployeeHired(EmployeeEvent):
    """Somebody works for the company from ``effective_from`` on (or became known to the hub)."""

    type = "lms.employee.hired.v1"


class EmployeeChanged(EmployeeEvent):
    """Name, address, job or site of an employee changed."""

    type = "lms.employee.changed.v1"


class EmployeeTransferred(EmployeeEvent):
    """An employee moved to another department, team, manager or position."""

    kind: str | None = Field(None, description="promotion, lateral, …, where HR says so")
    type = "lms.employee.transferred.v1"


class EmployeeOnLeave(EmployeeEvent):
    """An employee began a leave."""

    type = "lms.employee.on_leave.v1"


class EmployeeTerminated(EmployeeEvent):
    """The employment ended; ``termination_date`` is the last day."""

    type = "lms.employee.terminated.v1"


class EmployeeRehired(EmployeeEvent):
    """A former employee works for the company again."""

    type = "lms.employee.rehired.v1"


class AccountChange(Declared):
    """New values of an account in an LMS."""

    employee_id: UUID | None = None
    matched_by: MatchedBy | None = None
    match_problem: str | None = Field(None, max_length=200, description="Why no employee could be named")
    native_id: Sealed | None = Field(None, description="The LMS's own identifier of the person")
    display_name: Sealed | None = None
    email: Sealed | None = None
    login_name: Sealed | None = None
    hr_number: Sealed | None = None
    custom_identifier: Sealed | None = None
    first_seen_at: Instant | None = None
    last_seen_at: Instant | None = None
    is_active: bool | None = None
    source_time: Instant | None = None


class AccountEvent(DirectoryEvent):
    """Body of account events."""

    change: AccountChange


class AccountSeen(AccountEvent):
    """An LMS told of an account, or told something new of it. It may be linked in the same breath."""

    type = "lms.account.seen.v1"


class AccountLinked(AccountEvent):
    """An account was linked to an employee; ``matched_by`` names the key that matched."""

    type = "lms.account.linked.v1"


class AccountUnlinked(AccountEvent):
    """An account is no longer linked to an employee."""

    type = "lms.account.unlinked.v1"


class CourseChange(Declared):
    """New values of a course in an LMS's catalogue."""

    course_id: str | None = Field(None, max_length=100)
    course_key: str | None = None
    course_name: str | None = Field(None, max_length=200)
    course_code: str | None = Field(None, max_length=50)
    course_type: CourseType | None = None
    course_category: str | None = Field(None, max_length=100)
    skills: tuple[str, ...] | None = None
    validity_days: int | None = Field(None, description="Days for which a completion is valid")
    nominal_minutes: int | None = None
    leads_to_certificate: bool | None = None
    version: str | None = Field(None, max_length=50)
    prerequisites: tuple[str, ...] | None = None
    next_courses: tuple[str, ...] | None = None
    lesson_order: JsonText | None = Field(None, description="JSON list of {lesson_id, name, type, mandatory} in order")
    is_mandatory: bool | None = None
    is_compliance_training: bool | None = None
    passing_score: Score | None = None
    retired_at: Instant | None = None
    source_time: Instant | None = None


class CourseEvent(DirectoryEvent):
    """Body of course events."""

    change: CourseChange


class CourseSeen(CourseEvent):
    """A course of an LMS became known."""

    type = "lms.course.seen.v1"


class CourseChanged(CourseEvent):
    """Something about a course changed: its name, validity, version, lessons, …"""

    type = "lms.course.changed.v1"


class CourseRetired(CourseEvent):
    """A course is no longer offered."""

    type = "lms.course.retired.v1"
