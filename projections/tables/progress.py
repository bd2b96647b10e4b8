"""``lms_learning_progress``: one lesson of one enrollment (specification 13.4.3)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from hub.domain.values import LessonStatus, LessonType
from projections.tables import columns as c
from projections.tables.base import Base, described, index, reference
from projections.tables.rules import AtLeast, Between


class LearningProgress(Base):
    """One lesson of one enrollment."""

    __tablename__ = "lms_learning_progress"
    __table_args__ = described(
        "lms_learning_progress",
        "One lesson (activity, SCO, module item) of one enrollment; key (enrollment, lesson).",
        index("company_id"),
        index("lms_integration_id"),
        index("enrollment_id"),
        index("employee_id"),
        index("course_id"),
        index("lesson_id"),
        index("progress_status"),
        index("completion_date"),
        # As in the enrollment: a B-tree on a percentage costs every update and helps hardly any query.
        index("completion_percentage", method="brin"),
        index("is_mandatory_lesson"),
        reference("fk_lms_progress_company", "company_id", "company"),
        reference("fk_lms_progress_lms_integration", "lms_integration_id", "lms_integration_config"),
        reference("fk_lms_progress_enrollment", "enrollment_id", "lms_course_enrollment"),
        reference("fk_lms_progress_employee", "employee_id", "employee"),
        part="specification",
        fillfactor=85,
        rules=(
            Between("chk_progress_percentage_range", "completion_percentage", 0, 100),
            AtLeast("chk_positive_values", "time_spent_seconds", 0),
            AtLeast("chk_positive_values", "attempts_count", 0),
            AtLeast("chk_score_achieved_valid", "score_achieved", 0),
            AtLeast("chk_score_achieved_valid", "max_score", 0),
        ),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID | None] = c.uuid("Integration (LMS) that the lesson comes from.")
    enrollment_id: Mapped[UUID | None] = c.uuid("Enrollment (cycle) that the lesson belongs to.")
    employee_id: Mapped[UUID | None] = c.uuid("Employee enrolled; NULL until the LMS account is linked to one.")
    course_id: Mapped[str] = c.varchar(100, "Id of the course in the LMS; where longer than 100, its alias.")
    lesson_id: Mapped[str | None] = c.varchar(100, "Id of the lesson in the LMS; where longer than 100, its alias.")
    lesson_name: Mapped[str | None] = c.varchar(200, "Name of the lesson.")
    lesson_type: Mapped[str | None] = c.enum(LessonType, "Kind of lesson.")
    progress_status: Mapped[str | None] = c.enum(LessonStatus, "Status of the lesson.")
    completion_date: Mapped[datetime | None] = c.moment("First completion of the lesson in this cycle (UTC).")
    time_spent_seconds: Mapped[int | None] = c.integer("Learning time tracked by the LMS, in seconds.", default=0)
    score_achieved: Mapped[Decimal | None] = c.decimal(
        5, 2, "The official result of the LMS by its own attempt rule, in points of max_score."
    )
    max_score: Mapped[Decimal | None] = c.decimal(
        5, 2, "Highest possible score, in points; raw values above 999.99 are rescaled."
    )
    attempts_count: Mapped[int | None] = c.integer("Attempts begun.", default=0)
    first_access_date: Mapped[datetime | None] = c.moment("First access by the learner (UTC).")
    last_access_date: Mapped[datetime | None] = c.moment("Last access by the learner (UTC).")
    completion_percentage: Mapped[Decimal | None] = c.decimal(
        5, 2, "Percent of the lesson, 0 to 100; 100 when Completed.", default="0.00"
    )
    bookmark_data: Mapped[Any | None] = c.json("Progress bookmark: location and suspend data, up to 64 KiB.")
    interaction_data: Mapped[Any | None] = c.json(
        "User interactions and responses as {id, type, response, result, latency}, newest 500."
    )
    assessment_results: Mapped[Any | None] = c.json(
        "Per attempt: number, time, score, passed, so that first-attempt figures survive LMSs that overwrite."
    )
    feedback_data: Mapped[Any | None] = c.json("Instructor feedback: comments with author and day.", personal=True)
    next_lesson_id: Mapped[str | None] = c.varchar(
        100, "Next lesson by the order of the course; NULL where the LMS does not tell."
    )
    prerequisites_completed: Mapped[bool | None] = c.boolean(
        "By the completion rules of the course; NULL where the LMS does not tell, recalculated when the course changes.",
        default=False,
    )
    is_mandatory_lesson: Mapped[bool | None] = c.boolean(
        "By the completion rules of the course; NULL where the LMS does not tell, recalculated when the course changes.",
        default=False,
    )
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()
