"""``company``, ``department``, ``team``: where people belong.

Streams are folded side by side, so only a reference that the decision has checked is a foreign key: the company's. A
parent department, a manager or a lead may be named before it is known.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from projections.tables import columns as c
from projections.tables.base import Base, described, index, reference, unique
from projections.tables.rules import Between

EFFECTIVE_FROM = "First day on which the present values hold."


class Company(Base):
    """A company that uses the hub."""

    __tablename__ = "company"
    __table_args__ = described(
        "company",
        "A company that uses the hub: its time zone, currency and fiscal year decide what a day, an amount and a year are.",
        unique("uk_code", "code"),
        part="hub",
        rules=(Between("chk_fiscal_year_start_month", "fiscal_year_start_month", 1, 12),),
    )

    id: Mapped[UUID] = c.key()
    code: Mapped[str] = c.varchar(50, "Short name, unique among the companies of the hub.")
    name: Mapped[str | None] = c.varchar(200, "Name of the company.")
    time_zone: Mapped[str | None] = c.varchar(64, "IANA time zone in which its days are counted.", default="UTC")
    currency_code: Mapped[str | None] = c.varchar(10, "Currency of its figures (ISO 4217).", default="USD")
    fiscal_year_start_month: Mapped[int | None] = c.integer("First month of its fiscal year, 1 to 12.", default=1)
    effective_from: Mapped[date | None] = c.day(EFFECTIVE_FROM)
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class Department(Base):
    """A department of a company."""

    __tablename__ = "department"
    __table_args__ = described(
        "department",
        "A department of a company; departments form a tree.",
        index("company_id", "code", name="idx_company_id_code"),
        index("parent_department_id"),
        index("manager_employee_id"),
        reference("fk_department_company", "company_id", "company"),
        part="hub",
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    code: Mapped[str] = c.varchar(50, "Short name in the HR system.")
    name: Mapped[str | None] = c.varchar(200, "Name of the department.")
    parent_department_id: Mapped[UUID | None] = c.uuid(
        "Department above; NULL: none. Not a foreign key: it may become known later."
    )
    manager_employee_id: Mapped[UUID | None] = c.uuid(
        "Employee who leads it. Not a foreign key: it may become known later."
    )
    is_active: Mapped[bool | None] = c.boolean("False when the department was closed.", default=True)
    effective_from: Mapped[date | None] = c.day(EFFECTIVE_FROM)
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class Team(Base):
    """A team of a company."""

    __tablename__ = "team"
    __table_args__ = described(
        "team",
        "A team of a company, within a department or across several.",
        index("company_id", "code", name="idx_company_id_code"),
        index("department_id"),
        index("lead_employee_id"),
        reference("fk_team_company", "company_id", "company"),
        part="hub",
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    code: Mapped[str] = c.varchar(50, "Short name in the HR system.")
    name: Mapped[str | None] = c.varchar(200, "Name of the team.")
    department_id: Mapped[UUID | None] = c.uuid(
        "Department of the team; NULL: none. Not a foreign key: it may become known later."
    )
    lead_employee_id: Mapped[UUID | None] = c.uuid(
        "Employee who leads it. Not a foreign key: it may become known later."
    )
    is_active: Mapped[bool | None] = c.boolean("False when the team was closed.", default=True)
    effective_from: Mapped[date | None] = c.day(EFFECTIVE_FROM)
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()
