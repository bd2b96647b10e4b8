"""The read tables, one declaration each; migrations, row checks and the data dictionary come from them.

``TABLES`` has every table by its name, in an order in which a table comes after those it refers to; ``HISTORY`` the
history tables by the name of their parent. What ``Table.info`` and ``Column.info`` say is told in ``base.py``.
"""

from __future__ import annotations

from sqlalchemy import Table

from projections.tables.audit import AuditTrail
from projections.tables.base import NAME_LIMIT, OPS_SCHEMA, SCHEMA, Base, Part
from projections.tables.catalog import Course, SyncRun, XapiStatement
from projections.tables.engine import DeadLetter, DecidedOffset, ProjectionOffset, RunOutcome, StreamHead
from projections.tables.enrollment import CourseEnrollment
from projections.tables.figures import AnalyticsDashboard, IntegrationMonitoring
from projections.tables.history import HISTORY
from projections.tables.integration import IntegrationConfig
from projections.tables.organization import Company, Department, Team
from projections.tables.people import Employee, LmsAccount, User
from projections.tables.progress import LearningProgress
from projections.tables.rules import AtLeast, AtMostColumn, Between, ByteLength, MoreThan, Rule
from projections.tables.seals import ChainSeal, ChainVerified

metadata = Base.metadata

TABLES: dict[str, Table] = {table.name: table for table in metadata.sorted_tables}

__all__ = [
    "HISTORY",
    "NAME_LIMIT",
    "OPS_SCHEMA",
    "SCHEMA",
    "TABLES",
    "AnalyticsDashboard",
    "AtLeast",
    "AtMostColumn",
    "AuditTrail",
    "Base",
    "Between",
    "ByteLength",
    "ChainSeal",
    "ChainVerified",
    "Company",
    "Course",
    "CourseEnrollment",
    "DeadLetter",
    "DecidedOffset",
    "Department",
    "Employee",
    "IntegrationConfig",
    "IntegrationMonitoring",
    "LearningProgress",
    "LmsAccount",
    "MoreThan",
    "Part",
    "ProjectionOffset",
    "Rule",
    "RunOutcome",
    "StreamHead",
    "SyncRun",
    "Team",
    "User",
    "XapiStatement",
    "metadata",
]
