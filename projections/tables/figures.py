"""``lms_integration_monitoring`` and ``lms_analytics_dashboard``: what is computed and reported (specification 13.4.5, 13.4.7).

The comment of a figure is its definition, from ``projections/figures``.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped

from hub.domain.periods import KINDS
from projections.figures.definitions import BY_COLUMN
from projections.tables import columns as c
from projections.tables.base import Base, described, index, reference
from projections.tables.rules import AtLeast, Between

DASHBOARD_TYPES = ("Executive", "Manager", "LMS Admin", "Instructor", "Compliance", "Learning Analytics")


def _monitoring(column: str) -> str:
    return BY_COLUMN["lms_integration_monitoring", column].comment


def _dashboard(column: str) -> str:
    return BY_COLUMN["lms_analytics_dashboard", column].comment


class IntegrationMonitoring(Base):
    """One day of one integration."""

    __tablename__ = "lms_integration_monitoring"
    __table_args__ = described(
        "lms_integration_monitoring",
        "One row per integration and day: how its runs, its connection and its data were. "
        "NULL is no data, with its reason in the event and in the view integration_health.",
        index("company_id"),
        index("lms_integration_id"),
        index("monitoring_date"),
        index("sync_success_rate"),
        index("data_accuracy_score"),
        index("error_rate"),
        index("performance_score"),
        index("sla_compliance"),
        reference("fk_lms_monitoring_company", "company_id", "company"),
        reference("fk_lms_monitoring_lms_integration", "lms_integration_id", "lms_integration_config"),
        part="specification",
        rules=(
            AtLeast("chk_positive_integers", "api_response_time_ms", 0),
            AtLeast("chk_positive_integers", "throughput_requests_per_hour", 0),
            AtLeast("chk_positive_integers", "connection_drops", 0),
            Between("chk_score_ranges", "sync_success_rate", 0, 100),
            Between("chk_score_ranges", "data_accuracy_score", 0, 100),
            Between("chk_score_ranges", "error_rate", 0, 100),
            Between("chk_performance_range", "performance_score", 0, 100),
        ),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID | None] = c.uuid("Integration (LMS) that the row is about.")
    monitoring_date: Mapped[date] = c.day("Day that the row is about, in the time zone of the company.")
    api_response_time_ms: Mapped[int | None] = c.integer(_monitoring("api_response_time_ms"))
    sync_success_rate: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("sync_success_rate"))
    data_accuracy_score: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("data_accuracy_score"))
    error_rate: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("error_rate"))
    throughput_requests_per_hour: Mapped[int | None] = c.integer(_monitoring("throughput_requests_per_hour"))
    availability_percentage: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("availability_percentage"))
    data_latency_minutes: Mapped[int | None] = c.integer(_monitoring("data_latency_minutes"))
    connection_drops: Mapped[int | None] = c.integer(_monitoring("connection_drops"), default=0)
    timeout_incidents: Mapped[int | None] = c.integer(_monitoring("timeout_incidents"), default=0)
    validation_failures: Mapped[int | None] = c.integer(_monitoring("validation_failures"), default=0)
    compliance_violations: Mapped[int | None] = c.integer(_monitoring("compliance_violations"), default=0)
    manual_interventions: Mapped[int | None] = c.integer(_monitoring("manual_interventions"), default=0)
    rollback_incidents: Mapped[int | None] = c.integer(_monitoring("rollback_incidents"), default=0)
    performance_score: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("performance_score"))
    sla_compliance: Mapped[bool | None] = c.boolean(_monitoring("sla_compliance"), default=True)
    critical_incidents: Mapped[int | None] = c.integer(_monitoring("critical_incidents"), default=0)
    warning_incidents: Mapped[int | None] = c.integer(_monitoring("warning_incidents"), default=0)
    system_load_percentage: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("system_load_percentage"))
    memory_usage_mb: Mapped[int | None] = c.integer(_monitoring("memory_usage_mb"))
    cpu_usage_percentage: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("cpu_usage_percentage"))
    network_latency_ms: Mapped[int | None] = c.integer(_monitoring("network_latency_ms"))
    disk_io_wait_ms: Mapped[int | None] = c.integer(_monitoring("disk_io_wait_ms"))
    enrollment_processing_time_avg: Mapped[Decimal | None] = c.decimal(
        8, 2, _monitoring("enrollment_processing_time_avg")
    )
    progress_sync_accuracy: Mapped[Decimal | None] = c.decimal(5, 2, _monitoring("progress_sync_accuracy"))
    course_data_sync_time_avg: Mapped[Decimal | None] = c.decimal(8, 2, _monitoring("course_data_sync_time_avg"))
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()


class AnalyticsDashboard(Base):
    """One dashboard's figures for one period."""

    __tablename__ = "lms_analytics_dashboard"
    __table_args__ = described(
        "lms_analytics_dashboard",
        "One row per dashboard (type, and what it is about) and period. NULL is no data, with its reason in "
        "additional_metrics.reasons; parts of every ratio stand in additional_metrics.parts.",
        index("company_id"),
        index("lms_integration_id"),
        index("dashboard_type"),
        index("analysis_period"),
        index("report_date"),
        index("total_enrollments"),
        index("completion_rate"),
        index("engagement_score"),
        reference("fk_lms_analytics_company", "company_id", "company"),
        reference("fk_lms_analytics_lms_integration", "lms_integration_id", "lms_integration_config"),
        reference("fk_lms_analytics_created_by", "created_by_user_id", "user"),
        part="specification",
        rules=(
            AtLeast("chk_positive_counts", "total_enrollments", 0),
            AtLeast("chk_positive_counts", "active_enrollments", 0),
            AtLeast("chk_positive_counts", "completed_enrollments", 0),
            AtLeast("chk_positive_hours", "total_learning_hours", 0),
            AtLeast("chk_positive_hours", "average_completion_time_hours", 0),
            Between("chk_percentage_ranges", "completion_rate", 0, 100),
            Between("chk_percentage_ranges", "engagement_score", 0, 100),
        ),
    )

    id: Mapped[UUID] = c.key()
    company_id: Mapped[UUID] = c.company()
    lms_integration_id: Mapped[UUID | None] = c.uuid("Integration (LMS) that the row is about; NULL: all of them.")
    dashboard_name: Mapped[str] = c.varchar(200, "Type and what it is about, such as Manager: Logistics.")
    dashboard_type: Mapped[str | None] = c.enum(
        DASHBOARD_TYPES, "Whose view it is; it decides which enrollments count."
    )
    analysis_period: Mapped[str | None] = c.enum(
        KINDS, "Kind of period. Weeks begin on Monday; quarter, year and YTD follow the fiscal year of the company."
    )
    report_date: Mapped[date] = c.day(
        "Day as of which it is told: today while the period is open, else its last day, in the company's time zone."
    )
    total_enrollments: Mapped[int | None] = c.integer(_dashboard("total_enrollments"), default=0)
    active_enrollments: Mapped[int | None] = c.integer(_dashboard("active_enrollments"), default=0)
    completed_enrollments: Mapped[int | None] = c.integer(_dashboard("completed_enrollments"), default=0)
    in_progress_enrollments: Mapped[int | None] = c.integer(_dashboard("in_progress_enrollments"), default=0)
    dropped_enrollments: Mapped[int | None] = c.integer(_dashboard("dropped_enrollments"), default=0)
    total_learning_hours: Mapped[Decimal | None] = c.decimal(10, 2, _dashboard("total_learning_hours"), default="0.00")
    average_completion_time_hours: Mapped[Decimal | None] = c.decimal(
        8, 2, _dashboard("average_completion_time_hours"), default="0.00"
    )
    completion_rate: Mapped[Decimal | None] = c.decimal(5, 2, _dashboard("completion_rate"), default="0.00")
    engagement_score: Mapped[Decimal | None] = c.decimal(5, 2, _dashboard("engagement_score"), default="0.00")
    skill_acquisition_rate: Mapped[Decimal | None] = c.decimal(
        5, 2, _dashboard("skill_acquisition_rate"), default="0.00"
    )
    certification_achievement_rate: Mapped[Decimal | None] = c.decimal(
        5, 2, _dashboard("certification_achievement_rate"), default="0.00"
    )
    compliance_training_completion: Mapped[Decimal | None] = c.decimal(
        5, 2, _dashboard("compliance_training_completion"), default="0.00"
    )
    learning_effectiveness_score: Mapped[Decimal | None] = c.decimal(
        5, 2, _dashboard("learning_effectiveness_score"), default="0.00"
    )
    instructor_performance_score: Mapped[Decimal | None] = c.decimal(
        5, 2, _dashboard("instructor_performance_score"), default="0.00"
    )
    content_utilization_rate: Mapped[Decimal | None] = c.decimal(
        5, 2, _dashboard("content_utilization_rate"), default="0.00"
    )
    learning_cost_per_employee: Mapped[Decimal | None] = c.decimal(
        10, 2, _dashboard("learning_cost_per_employee"), default="0.00"
    )
    roi_analysis: Mapped[Decimal | None] = c.decimal(5, 2, _dashboard("roi_analysis"), default="0.00")
    additional_metrics: Mapped[Any | None] = c.json(_dashboard("additional_metrics"))
    trend_data: Mapped[Any | None] = c.json(_dashboard("trend_data"))
    department_breakdown: Mapped[Any | None] = c.json(_dashboard("department_breakdown"))
    course_type_breakdown: Mapped[Any | None] = c.json(_dashboard("course_type_breakdown"))
    created_by_user_id: Mapped[UUID | None] = c.uuid("The person who asked for it (Custom); NULL: the clock.")
    created_at: Mapped[datetime] = c.created_at()
    updated_at: Mapped[datetime] = c.updated_at()
    fold_state: Mapped[Any | None] = c.fold_state()
