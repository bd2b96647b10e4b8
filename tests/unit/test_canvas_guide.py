"""The page of the Canvas connector says what the code says."""

from __future__ import annotations

from pathlib import Path

from connectors.canvas.connector import CanvasConnector
from connectors.canvas.guide import GUIDE
from connectors.canvas.settings import SETTINGS
from connectors.guide import page
from tests.support.canvas import connect, enrollment, facts, found_by, lists, pulled, serving

PAGE = Path(__file__).parents[2] / "docs" / "connectors" / "canvas.md"


def test_page_is_made_of_the_guide():
    """The page in the documentation is the guide, word for word."""
    assert PAGE.read_text(encoding="utf-8") == page(GUIDE, CanvasConnector.settings)
    assert all(f"`{setting.name}`" in PAGE.read_text(encoding="utf-8") for setting in SETTINGS)


def test_findings_are_the_guide():
    """The connection test tries each right of the guide once, under its name."""
    with serving(lists([enrollment()])) as canvas:
        found = found_by(connect(canvas))
    assert sorted(check.name for check in found) == sorted(right.name for right in GUIDE.permissions)


def test_end_date_is_filled():
    """The one column whose source no living fake tells: the end of access."""
    with serving(lists([enrollment(end_at="2026-06-30T21:59:00Z")])) as canvas:
        (told,) = facts(pulled(connect(canvas)))
    assert told["access_ends_on"] == 20_634
    assert "lms_course_enrollment.end_date" in {fill.column for fill in GUIDE.fills}
