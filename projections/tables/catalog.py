"""``course``: the catalog of an LMS; ``sync_run``: what each run read; ``xapi_statement``: which statements were stored."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from hub.domain.values import CourseType
from projections.tables import columns as c
from projections.tables.base import Base, described, index, reference, unique
from projections.tables.rules import AtLeast, ByteLength, MoreThan

RUN_KINDS = ("sync", "full sync", "import")
RUN_STATUSES = ("running", "completed", "failed", "held", "released")
TRIGGERS = ("schedule", "retry", "probe", "person", "accept", "replay")
COUNTS = ("records_read", "changed", "unchanged", "unmatched", "stored", "rejected", "dropped", "retired")


class Course(Base):
    """A course of one LMS."""

    __tablename__ = "course"
    __table_args__ = described(
        "course",
        "A course in the catalog of one LMS: what it teaches, how long a completion is valid, and its lessons in order.",
        # No unique key over course_key: it may be longer than a B-tree takes, and the id is derived from it anyway.
        index("company_id"),
        index("lms_integration_id"),
        index("course_id"),
        index("course_code"),
        reference("fk_course_company", "company_id", "company"),
        reference("fk_course_lms_integration", "lms_integration_id", "lms_integration_config"),
        part="hub",
        rules=(
            MoreThan("chk_validity_days", "validity_days", 0),
            AtLeast("chk_nominal_minutes", "nominal_minutes", 0),
            AtLeast("chk_passing_score", "passing_score", 0),
        ),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID] = c.uuid("Integration (LMS) whose course it is.")
    course_id: Mapped[str] = c.varchar(100, "Id of the course in the LMS; where longer than 100, its alias.")
    course_key: Mapped[str] = c.long_text("Id of the course in the LMS, whole.")
    course_name: Mapped[str | None] = c.varchar(200, "Name of the course.")
    course_code: Mapped[str | None] = c.varchar(50, "Short name or code in the LMS.")
    course_type: Mapped[str | None] = c.enum(CourseType, "Form of the course.")
    course_category: Mapped[str | None] = c.varchar(100, "Category in the catalog.")
    skills: Mapped[Any | None] = c.json("List of the skills that the course teaches.")
    validity_days: Mapped[int | None] = c.integer("Days for which a completion is valid; NULL: for ever.")
    nominal_minutes: Mapped[int | None] = c.integer("Planned learning time, in minutes; never added to tracked time.")
    leads_to_certificate: Mapped[bool | None] = c.boolean(
        "True where the course ends with a certificate; NULL: unknown."
    )
    version: Mapped[str | None] = c.varchar(50, "Version of the content, as the LMS names it.")
    prerequisites: Mapped[Any | None] = c.json("List of the ids of courses to be completed before.")
    next_courses: Mapped[Any | None] = c.json("List of the ids of courses recommended after.")
    lesson_order: Mapped[Any | None] = c.json("Lessons in order: list of {lesson_id, name, type, mandatory}.")
    is_mandatory: Mapped[bool | None] = c.boolean("True where the catalog calls the course mandatory; NULL: unknown.")
    is_compliance_training: Mapped[bool | None] = c.boolean(
        "True where the catalog calls the course compliance training; NULL: unknown."
    )
    passing_score: Mapped[Decimal | None] = c.decimal(5, 2, "Pass mark, in points of the highest possible score.")
    retired_at: Mapped[datetime | None] = c.moment("Since when the course is no longer offered (UTC); NULL: it is.")
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class SyncRun(Base):
    """One sync or import."""

    __tablename__ = "sync_run"
    __table_args__ = described(
        "sync_run",
        "One sync or import: what it read and what became of it. "
        "records_read = changed + unchanged + unmatched + stored + rejected, or the run has failed or is held.",
        index("company_id"),
        index("lms_integration_id", "started_at", name="idx_integration_started"),
        reference("fk_sync_run_company", "company_id", "company"),
        reference("fk_sync_run_lms_integration", "lms_integration_id", "lms_integration_config"),
        part="hub",
        rules=tuple(AtLeast("chk_counts", column, 0) for column in COUNTS),
    )

    id: Mapped[UUID] = c.key("Identifier of the run.")
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID] = c.uuid("Integration (LMS) that was read.")
    kind: Mapped[str | None] = c.enum(RUN_KINDS, "sync: changes since the watermark; full sync: all; import: a file.")
    status: Mapped[str | None] = c.enum(
        RUN_STATUSES,
        "Whether the run goes on, and how it ended. held: the mass-change guard let nothing of it through; "
        "released: a person accepted that, and a new full pass follows.",
    )
    trigger: Mapped[str | None] = c.enum(
        TRIGGERS,
        "Why it began. schedule: it was due; retry: the run before had failed; probe: the LMS answered again; "
        "person: asked for by hand; accept: a held run was accepted.",
    )
    started_at: Mapped[datetime | None] = c.moment("Start of the run (UTC).")
    ended_at: Mapped[datetime | None] = c.moment("End of the run (UTC).")
    scope: Mapped[str | None] = c.long_text("What the run was to read; NULL: everything.")
    watermark: Mapped[datetime | None] = c.moment("Everything that the source changed up to here has been read (UTC).")
    records_read: Mapped[int | None] = c.integer("Source records read.")
    changed: Mapped[int | None] = c.integer("Records that gave a fact.")
    unchanged: Mapped[int | None] = c.integer("Records that told nothing new.")
    unmatched: Mapped[int | None] = c.integer("Records whose account is linked to nobody.")
    stored: Mapped[int | None] = c.integer("Records kept without an effect on learning.")
    rejected: Mapped[int | None] = c.integer("Records that could not be taken in; they are in the dead letters.")
    dropped: Mapped[int | None] = c.integer("Enrollments that a full pass no longer showed, told as removed.")
    retired: Mapped[int | None] = c.integer("Courses that a full pass no longer listed, told as retired.")
    held: Mapped[Any | None] = c.json(
        "What a held full pass would do: existing, would_drop, existing_courses, would_retire, people, share_percent, "
        "least, courses with most drops, sample of streams. NULL: it was not held."
    )
    unreachable: Mapped[bool | None] = c.boolean("True where it failed since the LMS could not be reached.")
    credentials_refused: Mapped[bool | None] = c.boolean(
        "True where it failed since the LMS did not accept the credentials."
    )
    failing_since: Mapped[datetime | None] = c.moment(
        "First failure of the series that this failed run is part of (UTC)."
    )
    requests: Mapped[Any | None] = c.json(
        "Requests by outcome and by hour, sum and histogram of their times (ms), connect times (ms), time per course (s), "
        "time waited (s)."
    )
    samples: Mapped[Any | None] = c.json(
        "Run and processor seconds, highest memory in MiB, load and disk wait of the host, time from appended to folded, "
        "age of the facts."
    )
    failure: Mapped[str | None] = c.long_text("Why the run failed, in one sentence; NULL: it did not.")
    source_name: Mapped[str | None] = c.long_text("Name of the file taken in, without its folder.")
    source_sha256: Mapped[str | None] = c.char(64, "SHA-256 of the file taken in, in hexadecimal.")
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class XapiStatement(Base):
    """One xAPI statement that came in; its text is in the log."""

    __tablename__ = "xapi_statement"
    __table_args__ = described(
        "xapi_statement",
        "One xAPI statement that came in: by its id a repeat is told from a conflict, and a voided one is found. "
        "Its text is in the log.",
        unique("uk_integration_statement", "lms_integration_id", "statement_id"),
        index("company_id"),
        index("stream_id"),
        reference("fk_xapi_statement_company", "company_id", "company"),
        reference("fk_xapi_statement_lms_integration", "lms_integration_id", "lms_integration_config"),
        part="hub",
        rules=(ByteLength("chk_digest", "digest", 32),),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID] = c.uuid("Integration that received the statement.")
    statement_id: Mapped[UUID] = c.uuid("Id of the statement, or one derived from its content where it has none.")
    stream_id: Mapped[UUID | None] = c.uuid("Stream of the enrollment that was told of it; NULL: none.")
    voided_by: Mapped[UUID | None] = c.uuid(
        "Statement that voided it; NULL: it holds. It may be known before its target."
    )
    digest: Mapped[bytes | None] = c.binary(
        "SHA-256 of its comparison form, 32 bytes; NULL while only its voiding is known."
    )
    kind: Mapped[str | None] = c.long_text("Kind of its verb: completed, passed, ..., other.")
    stored_at: Mapped[datetime] = c.moment("When the hub first knew of it (UTC).", auto=True)
