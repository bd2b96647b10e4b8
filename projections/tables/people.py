"""``user``, ``employee``, ``lms_account``: who signs in, who works for the company, and who they are in an LMS.

A user and an employee may name people who become known later, so those references are no foreign keys. An employee's
department and team, and the employee of an account, were checked when the event was decided; they are.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from hub.domain.values import EmploymentStatus, MatchedBy
from projections.tables import columns as c
from projections.tables.base import Base, described, index, reference, unique
from projections.tables.organization import EFFECTIVE_FROM


class User(Base):
    """A user of the HR system."""

    __tablename__ = "user"
    __table_args__ = described(
        "user",
        "A user of the HR system: somebody who signs in, and may be an employee.",
        index("company_id", "login", name="idx_company_id_login"),
        index("employee_id"),
        reference("fk_user_company", "company_id", "company"),
        part="hub",
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    login: Mapped[str | None] = c.varchar(200, "Name that the user signs in with.", personal=True)
    email: Mapped[str | None] = c.varchar(320, "E-mail address.", personal=True)
    display_name: Mapped[str | None] = c.varchar(400, "Name to show.", personal=True)
    employee_id: Mapped[UUID | None] = c.uuid(
        "Employee who the user is; NULL: none. Not a foreign key: it may become known later."
    )
    is_active: Mapped[bool | None] = c.boolean("False when the user may no longer sign in.", default=True)
    effective_from: Mapped[date | None] = c.day(EFFECTIVE_FROM)
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class Employee(Base):
    """Somebody who works, or worked, for a company."""

    __tablename__ = "employee"
    __table_args__ = described(
        "employee",
        "Somebody who works, or worked, for a company.",
        unique("uk_company_number", "employee_number", "company_id"),
        # Accounts are matched without regard to case.
        index("company_id", "lower(employee_number)", name="idx_company_id_lower_number"),
        index("company_id", "lower(email)", name="idx_company_id_lower_email"),
        index("company_id", "lower(login_name)", name="idx_company_id_lower_login_name"),
        index("company_id", "lower(custom_identifier)", name="idx_company_id_lower_custom_identifier"),
        index("manager_employee_id"),
        index("department_id"),
        index("team_id"),
        reference("fk_employee_company", "company_id", "company"),
        reference("fk_employee_department", "department_id", "department"),
        reference("fk_employee_team", "team_id", "team"),
        part="hub",
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    employee_number: Mapped[str | None] = c.varchar(
        100, "Number in the HR system, unique per company; NULL after an erasure.", personal=True
    )
    given_name: Mapped[str | None] = c.varchar(200, "Given name.", personal=True)
    family_name: Mapped[str | None] = c.varchar(200, "Family name.", personal=True)
    email: Mapped[str | None] = c.varchar(320, "E-mail address.", personal=True)
    login_name: Mapped[str | None] = c.varchar(200, "Name that the employee signs in with.", personal=True)
    custom_identifier: Mapped[str | None] = c.varchar(
        200, "Further identifier by which accounts of an LMS can be matched.", personal=True
    )
    manager_employee_id: Mapped[UUID | None] = c.uuid(
        "Employee to whom this one reports; NULL: nobody. Not a foreign key: it may become known later."
    )
    department_id: Mapped[UUID | None] = c.uuid("Department of the employee.")
    team_id: Mapped[UUID | None] = c.uuid("Team of the employee.")
    job_title: Mapped[str | None] = c.varchar(200, "Job title.")
    site: Mapped[str | None] = c.varchar(200, "Site where the employee works.")
    country_code: Mapped[str | None] = c.varchar(2, "Country of work (ISO 3166-1 alpha-2).")
    employment_status: Mapped[str | None] = c.enum(EmploymentStatus, "Whether the employee works for the company now.")
    hire_date: Mapped[date | None] = c.day("First day of the present employment.")
    leave_start_date: Mapped[date | None] = c.day("First day of the present or last leave.")
    leave_end_date: Mapped[date | None] = c.day("Last day of that leave; NULL: open.")
    termination_date: Mapped[date | None] = c.day("Last day of the employment; NULL: none set.")
    effective_from: Mapped[date | None] = c.day(EFFECTIVE_FROM)
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class LmsAccount(Base):
    """Somebody as one LMS knows them."""

    __tablename__ = "lms_account"
    __table_args__ = described(
        "lms_account",
        "Somebody as one LMS knows them, linked to an employee where one key named exactly one.",
        index("company_id"),
        index("lms_integration_id"),
        index("employee_id"),
        index("company_id", "email", name="idx_company_id_email"),
        index("company_id", "login_name", name="idx_company_id_login_name"),
        index("company_id", "hr_number", name="idx_company_id_hr_number"),
        index("company_id", "custom_identifier", name="idx_company_id_custom_identifier"),
        reference("fk_lms_account_company", "company_id", "company"),
        reference("fk_lms_account_lms_integration", "lms_integration_id", "lms_integration_config"),
        reference("fk_lms_account_employee", "employee_id", "employee"),
        part="hub",
    )

    id: Mapped[UUID] = c.key("Identifier of the account: UUIDv5 of a keyed hash of the identifier in the LMS.")
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID] = c.uuid("Integration (LMS) that the account belongs to.")
    employee_id: Mapped[UUID | None] = c.uuid("Employee whose account it is; NULL: not linked.")
    matched_by: Mapped[str | None] = c.enum(MatchedBy, "Key that linked it to the employee; NULL: not linked.")
    match_problem: Mapped[str | None] = c.varchar(200, "Why it is not linked; NULL: it is, or nothing was tried.")
    native_id: Mapped[str | None] = c.long_text("Identifier of the person in the LMS, in the clear.", personal=True)
    display_name: Mapped[str | None] = c.varchar(400, "Name in the LMS.", personal=True)
    email: Mapped[str | None] = c.varchar(320, "E-mail address in the LMS.", personal=True)
    login_name: Mapped[str | None] = c.varchar(200, "Login name in the LMS.", personal=True)
    hr_number: Mapped[str | None] = c.varchar(100, "Employee number that the LMS carries.", personal=True)
    custom_identifier: Mapped[str | None] = c.varchar(200, "Further identifier that the LMS carries.", personal=True)
    first_seen_at: Mapped[datetime | None] = c.moment("When the hub first saw the account (UTC).")
    last_seen_at: Mapped[datetime | None] = c.moment("When the hub last saw something new of the account (UTC).")
    is_active: Mapped[bool | None] = c.boolean("False when the LMS closed or suspended the account.", default=True)
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()
