"""The tables of the spine: integrations, enrollments, lessons, audit trail, the directory beneath them, bookkeeping."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything from nothing."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    cursor = op.get_bind().connection.cursor()
    # The driver's own cursor, since comments hold percent signs and colons that are no parameters.
    cursor.execute(statements)
