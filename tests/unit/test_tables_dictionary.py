"""The data dictionary in the documentation is what the declarations say today."""

from __future__ import annotations

from pathlib import Path

from projections.dictionary import render
from projections.tables import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_the_committed_page_is_current() -> None:
    """After a change of a declaration: ``python -m projections.dictionary > docs/data-dictionary.md``."""
    assert PAGE.read_text(encoding="utf-8") == render(TABLES.values())


def test_every_table_and_column_is_in_it() -> None:
    """Nothing is left out, and each column has one row of five cells."""
    page = render(TABLES.values())
    for table in TABLES.values():
        assert f"### {table.fullname}\n" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(table.columns) for table in TABLES.values())
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}


def test_a_column_tells_all() -> None:
    """Type, default, enumeration, check, foreign key and personal data stand beside the meaning."""
    page = render([TABLES["lms_course_enrollment"], TABLES["employee"], TABLES["company"]])
    lines = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert (
        "| numeric(5, 2) | `0.00` | `progress_percentage BETWEEN 0 AND 100` | Percent" in lines["progress_percentage"]
    )
    assert "refers to `hub.department`" in lines["department_id"]
    assert "one of Not Started, In Progress" in lines["enrollment_status"]
    assert "*personal*" in lines["given_name"]
    assert "- check `chk_score_valid`: `score_achieved >= 0 AND max_score >= 0 AND passing_score >= 0`" in page
    assert "- index `lms_course_enrollment_idx_progress_percentage` (progress_percentage), brin" in page
