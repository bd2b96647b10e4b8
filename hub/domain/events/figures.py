"""Topic ``lms.operations``: what was reported is a fact too. Key: the figure's own stream.

A figure's event carries the new values of its row (absent: unchanged; ``cleared``: what became unknown, with its reason),
the period, the time and the positions of the log that it rests on, and the parts of every ratio. A figure never changes
silently: once its period is closed, another value is a restatement, with both values and why.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from hub.domain.events.base import Declared, Event
from hub.domain.values import UUID, Count, Instant, JsonText, Percent

Decimal52 = Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
Decimal82 = Annotated[Decimal, Field(max_digits=8, decimal_places=2)]
Decimal102 = Annotated[Decimal, Field(max_digits=10, decimal_places=2)]


class MonitoringFigures(Declared):
    """New values of a day of an integration (``lms_integration_monitoring``); what is absent did not change."""

    monitoring_date: date | None = Field(None, description="Day in the company's zone")
    api_response_time_ms: Count | None = None
    sync_success_rate: Percent | None = None
    data_accuracy_score: Percent | None = None
    error_rate: Percent | None = None
    throughput_requests_per_hour: Count | None = None
    availability_percentage: Percent | None = None
    data_latency_minutes: Count | None = None
    connection_drops: Count | None = None
    timeout_incidents: Count | None = None
    validation_failures: Count | None = None
    compliance_violations: Count | None = None
    manual_interventions: Count | None = None
    rollback_incidents: Count | None = None
    performance_score: Percent | None = None
    sla_compliance: bool | None = None
    critical_incidents: Count | None = None
    warning_incidents: Count | None = None
    system_load_percentage: Decimal52 | None = Field(None, description="May exceed 100")
    memory_usage_mb: Count | None = None
    cpu_usage_percentage: Decimal52 | None = None
    network_latency_ms: Count | None = None
    disk_io_wait_ms: Count | None = None
    enrollment_processing_time_avg: Decimal82 | None = Field(None, description="Milliseconds")
    progress_sync_accuracy: Percent | None = None
    course_data_sync_time_avg: Decimal82 | None = Field(None, description="Seconds")


class DashboardFigures(Declared):
    """New values of a dashboard's row (``lms_analytics_dashboard``); what is absent did not change."""

    dashboard_name: str | None = Field(None, max_length=200)
    dashboard_type: str | None = None
    analysis_period: str | None = None
    report_date: date | None = Field(None, description="Today while the period is open, else its last day")
    total_enrollments: Count | None = None
    active_enrollments: Count | None = None
    completed_enrollments: Count | None = None
    in_progress_enrollments: Count | None = None
    dropped_enrollments: Count | None = None
    total_learning_hours: Decimal102 | None = None
    average_completion_time_hours: Decimal82 | None = None
    completion_rate: Percent | None = None
    engagement_score: Percent | None = None
    skill_acquisition_rate: Percent | None = None
    certification_achievement_rate: Percent | None = None
    compliance_training_completion: Percent | None = None
    learning_effectiveness_score: Percent | None = None
    instructor_performance_score: Percent | None = None
    content_utilization_rate: Percent | None = None
    learning_cost_per_employee: Decimal102 | None = Field(None, description="In the company's currency")
    roi_analysis: Decimal52 | None = Field(None, description="Percent; may be negative")
    additional_metrics: JsonText | None = None
    trend_data: JsonText | None = None
    department_breakdown: JsonText | None = None
    course_type_breakdown: JsonText | None = None
    created_by_user_id: UUID | None = Field(None, description="The person who asked; absent: the clock")


class FigureEvent(Event):
    """Body of figure events."""

    table: str = Field(description="The table of the row: lms_integration_monitoring or lms_analytics_dashboard")
    kind: str | None = Field(None, description="dashboard_type; absent for monitoring")
    subject: str | None = Field(None, description="Department, instructor or filter it is about; absent: everybody")
    period: str = Field(description="Daily, Weekly, Monthly, Quarterly, Yearly, YTD or Custom")
    period_start: date = Field(description="First day of the period, in the company's zone")
    period_end: date = Field(description="First day after the period")
    closed: bool = Field(False, description="The period is closed: another value is a restatement")
    definition_version: int = Field(1, description="Version of the definitions that it was computed by")
    as_of: Instant = Field(description="What was recorded up to here is in it")
    positions: JsonText = Field(description="JSON {topic: {partition: first record that is not in it}}")
    parts: JsonText = Field(description="JSON {column: {numerator, denominator, …}} of the whole row")
    reasons: JsonText = Field(description="JSON {column: code}: why a figure is absent or capped, of the whole row")
    monitoring: MonitoringFigures | None = None
    dashboard: DashboardFigures | None = None
    cleared: tuple[str, ...] = Field((), description="Columns that became unknown")
    topic = "lms.operations"


class FiguresRecorded(FigureEvent):
    """A figure was computed and differs from what was told before, or its period closed."""

    type = "lms.figures.recorded.v1"


class FiguresRestated(FigureEvent):
    """Later facts changed a figure of a closed period: the new values, and the ones that were told before."""

    previous: JsonText = Field(
        description="JSON {column: value told before} of what differs, in the unit of the column; days as ISO text"
    )
    type = "lms.figures.restated.v1"
