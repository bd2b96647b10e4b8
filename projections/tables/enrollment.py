"""``lms_course_enrollment``: one cycle of one person in one course of one LMS (specification 13.4.3)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from hub.domain.values import CourseType, EnrollmentSource, EnrollmentStatus
from projections.tables import columns as c
from projections.tables.base import Base, described, index, reference, unique
from projections.tables.rules import AtLeast, Between


class CourseEnrollment(Base):
    """One cycle of one LMS account in one course, linked to an employee where one is known."""

    __tablename__ = "lms_course_enrollment"
    __table_args__ = described(
        "lms_course_enrollment",
        "One cycle of one person in one course of one LMS. A retake after an end is a new row, and so is work after "
        "Dropped, or after Expired without completion_date. An ended row keeps its dates and certificate for ever.",
        unique("uk_lms_enrollment_company_number", "enrollment_number", "company_id"),
        index("company_id"),
        index("lms_integration_id"),
        index("employee_id"),
        index("course_id"),
        index("course_code"),
        index("enrollment_status"),
        index("enrollment_date"),
        index("completion_date"),
        # A B-tree here would be rewritten by every step of progress and keep PostgreSQL from updating in place.
        index("progress_percentage", method="brin"),
        index("is_mandatory"),
        index("is_compliance_training"),
        reference("fk_lms_enrollment_company", "company_id", "company"),
        reference("fk_lms_enrollment_lms_integration", "lms_integration_id", "lms_integration_config"),
        reference("fk_lms_enrollment_employee", "employee_id", "employee"),
        reference("fk_lms_enrollment_created_by", "created_by_user_id", "user"),
        reference("fk_lms_enrollment_updated_by", "updated_by_user_id", "user"),
        part="specification",
        fillfactor=85,
        rules=(
            Between("chk_progress_range", "progress_percentage", 0, 100),
            AtLeast("chk_positive_values", "time_spent_minutes", 0),
            AtLeast("chk_positive_values", "credits_earned", 0),
            AtLeast("chk_positive_values", "cost_amount", 0),
            AtLeast("chk_score_valid", "score_achieved", 0),
            AtLeast("chk_score_valid", "max_score", 0),
            AtLeast("chk_score_valid", "passing_score", 0),
        ),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID | None] = c.uuid("Integration (LMS) that the enrollment comes from.")
    employee_id: Mapped[UUID | None] = c.uuid("Employee enrolled; NULL until the LMS account is linked to one.")
    enrollment_number: Mapped[str] = c.varchar(
        50, "Number for people, derived from the id (E- and 12 base-32 letters), stable over rebuilds."
    )
    course_id: Mapped[str] = c.varchar(100, "Id of the course in the LMS; where longer than 100, its alias.")
    course_name: Mapped[str] = c.varchar(200, "Name of the course.")
    course_code: Mapped[str] = c.varchar(
        50, "Short name or code of the LMS; where it has none, the course id or its alias."
    )
    course_type: Mapped[str | None] = c.enum(CourseType, "Form of the course.")
    enrollment_status: Mapped[str | None] = c.enum(
        EnrollmentStatus,
        "Status of this cycle. An ended one still moves: Failed to Completed by a better final result, Completed to "
        "Certified to Expired (lapsed); a revocation moves Certified to Completed; else only a correction moves it.",
    )
    enrollment_date: Mapped[date] = c.day("Day of enrollment, else first seen (marked in the event).")
    start_date: Mapped[date | None] = c.day("Day of the first own activity.")
    end_date: Mapped[date | None] = c.day("Last day of access.")
    completion_date: Mapped[date | None] = c.day(
        "First completion of this cycle; kept when the certificate lapses "
        "(Expired with a completion date: lapsed; without: access ran out)."
    )
    due_date: Mapped[date | None] = c.day("Deadline. The first one stays in the events (on-time counts by it).")
    progress_percentage: Mapped[Decimal | None] = c.decimal(
        5,
        2,
        "Percent, 0 to 100: newest known by source time. A newer lower value is taken (courses grow), an older one never.",
        default="0.00",
    )
    time_spent_minutes: Mapped[int | None] = c.integer("Learning time tracked by the LMS, in minutes.", default=0)
    score_achieved: Mapped[Decimal | None] = c.decimal(
        5, 2, "The official result of the LMS by its own attempt rule, in points of max_score."
    )
    max_score: Mapped[Decimal | None] = c.decimal(
        5, 2, "Highest possible score, in points; raw values above 999.99 are rescaled."
    )
    passing_score: Mapped[Decimal | None] = c.decimal(5, 2, "Pass mark, in points of max_score.")
    grade_achieved: Mapped[str | None] = c.varchar(10, 'Letter, "Pass", "Fail" or "Waived".')
    instructor_id: Mapped[str | None] = c.varchar(100, "Id of the instructor in the LMS.")
    instructor_name: Mapped[str | None] = c.varchar(200, "Name of the instructor.", personal=True)
    completion_certificate_url: Mapped[str | None] = c.varchar(500, "Link to the certificate, https only.")
    credits_earned: Mapped[Decimal | None] = c.decimal(8, 2, "Credits, credited at completion.", default="0.00")
    cost_amount: Mapped[Decimal | None] = c.decimal(
        10, 2, "Cost in currency_code, only where a source gives one.", default="0.00"
    )
    currency_code: Mapped[str | None] = c.varchar(10, "Currency of cost_amount (ISO 4217).", default="USD")
    is_mandatory: Mapped[bool | None] = c.boolean(
        "The LMS, else the catalog, else a mapping rule; a requirement sets it.", default=False
    )
    is_compliance_training: Mapped[bool | None] = c.boolean(
        "The LMS, else the catalog, else a mapping rule; a requirement sets it.", default=False
    )
    auto_enrollment: Mapped[bool | None] = c.boolean(
        "True where a cohort, rule, sync or requirement enrolled; false where a person did; NULL: unknown.",
        default=False,
    )
    enrollment_source: Mapped[str | None] = c.enum(
        EnrollmentSource,
        "By the enrollment method of the LMS: manager or admin by hand; self; cohort, rule or sync; path or program; "
        "requirement. NULL: unknown.",
    )
    learning_path_id: Mapped[str | None] = c.varchar(100, "Learning path that the course is part of, from the catalog.")
    prerequisite_courses: Mapped[Any | None] = c.json(
        "List of prerequisite course IDs, from the catalog; outbound enrollment is refused while they are open, "
        "unless overridden with a reason."
    )
    next_courses: Mapped[Any | None] = c.json("List of recommended next courses, from the catalog.")
    last_access_date: Mapped[datetime | None] = c.moment("Last access by the learner (UTC).")
    total_access_count: Mapped[int | None] = c.integer("Number of sessions (launches), not statements.", default=0)
    created_by_user_id: Mapped[UUID | None] = c.uuid("Person of the first command; NULL: a system.")
    updated_by_user_id: Mapped[UUID | None] = c.uuid("Person of the last command; NULL: a system.")
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()
