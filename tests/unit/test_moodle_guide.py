"""The page of the Moodle connector is made from its declarations."""

from __future__ import annotations

from pathlib import Path

from connectors.guide import page
from connectors.moodle import functions, guide
from connectors.moodle.connector import MoodleConnector

PAGE = Path(__file__).parents[2] / "docs" / "connectors" / "moodle.md"


def test_page():
    """The page is what guide and settings say; write ``page(GUIDE, MoodleConnector.settings)`` where it is not."""
    assert PAGE.read_text(encoding="utf-8") == page(guide.GUIDE, MoodleConnector.settings)


def test_every_function_is_a_right():
    """A function that the connector asks is declared as a right, with where it is granted."""
    asked = {value for name, value in vars(functions).items() if name.isupper()}
    assert asked == {right.name for right in guide.FUNCTIONS}
    assert all("Site administration" in right.remedy for right in guide.GUIDE.permissions)
    assert len({right.name for right in guide.GUIDE.permissions}) == len(guide.GUIDE.permissions)
