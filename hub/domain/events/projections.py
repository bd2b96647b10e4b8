"""Topic ``lms.operations``: what was done to the read tables themselves. Key: one stream per company."""

from __future__ import annotations

from pydantic import Field

from hub.domain.events.base import Event
from hub.domain.values import JsonText


class ProjectionEvent(Event):
    """Body of events about read tables."""

    rows: JsonText = Field(description="JSON {table: rows that were made or rewritten}")
    topic = "lms.operations"


class ProjectionsRebuilt(ProjectionEvent):
    """All read tables were built again from the log and put in the place of those before."""

    type = "lms.projection.rebuilt.v1"


class ProjectionsRolledBack(ProjectionEvent):
    """The read tables before the last rebuild were brought up to date and put back."""

    type = "lms.projection.rolled_back.v1"


class ProjectionsRepaired(ProjectionEvent):
    """Rows that differed from their log were rewritten."""

    type = "lms.projection.repaired.v1"
