"""What the rows of a dashboard are about, and which types of dashboard show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from projections.figures.dashboard_sql import Workbench

COMPANY, DEPARTMENT, INTEGRATION, INSTRUCTOR, COMPLIANCE = KINDS = (
    "company",
    "department",
    "integration",
    "instructor",
    "compliance",
)
TYPES: dict[str, tuple[str, ...]] = {
    COMPANY: ("Executive", "Learning Analytics"),
    DEPARTMENT: ("Manager",),
    INTEGRATION: ("LMS Admin", "Learning Analytics"),
    INSTRUCTOR: ("Instructor",),
    COMPLIANCE: ("Compliance",),
}
"""What rows are about → the types of dashboard that have such a row."""
NAME_LENGTH = 200

_DEPARTMENTS = """
SELECT t.root::text AS subject, max(s.name) AS name FROM dash_tree t CROSS JOIN dash_end d
JOIN dash_department_span s ON s.department_id = t.root AND d.last_day >= s.from_day AND d.last_day < s.until_day
GROUP BY t.root ORDER BY t.root
"""
_NAMES = """
SELECT n.department, n.department_id::text AS id, s.name FROM dash_department n CROSS JOIN dash_end d
LEFT JOIN dash_department_span s
    ON s.department_id = n.department_id AND d.last_day >= s.from_day AND d.last_day < s.until_day
"""
_INTEGRATIONS = """
SELECT i.id::text AS subject, i.lms_name AS name, i.lms_code AS code
FROM hub.lms_integration_config i JOIN dash_ask a USING (company_id) ORDER BY i.id
"""
_INSTRUCTORS = "SELECT DISTINCT instructor_id AS subject FROM dash_enrollment WHERE instructor_id <> '' ORDER BY 1"
_COMPANY = "SELECT coalesce(c.name, c.code) AS name FROM hub.company c JOIN dash_ask a ON a.company_id = c.id"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one row is about."""

    number: int
    kind: str
    subject: str
    """Id of the department or integration, or the instructor's; empty for the company."""
    name: str
    code: str = ""
    """Code of the integration."""
    chosen: str | None = None
    """The filter of a custom dashboard."""
    chosen_name: str = ""

    @property
    def integration_id(self) -> str | None:
        """``lms_integration_id`` of the row."""
        return self.subject if self.kind == INTEGRATION else None

    @property
    def row_subject(self) -> str | None:
        """What tells the row from the others of its type, besides the integration."""
        return self.subject if self.kind in (DEPARTMENT, INSTRUCTOR) else self.chosen

    def dashboard_name(self, dashboard_type: str) -> str:
        """The type and what it is about. Instructors go by their id: a name is personal data."""
        filtered = f" ({self.chosen_name})" if self.chosen else ""
        return f"{dashboard_type}: {self.name}{filtered}"[:NAME_LENGTH]


def scopes(bench: Workbench, chosen: str | None = None, chosen_name: str = "") -> list[Scope]:
    """Everything that rows may be about on the last day; makes the table dash_scope of it. With a filter there are no rows
    of departments and instructors: the filter itself can name one.
    """
    company = str(bench.tell(_COMPANY)[0]["name"])
    told: list[tuple[str, dict[str, Any]]] = [
        (kind, {"subject": "", "name": company}) for kind in (COMPANY, COMPLIANCE)
    ]
    told += [(INTEGRATION, row) for row in bench.tell(_INTEGRATIONS)]
    if chosen is None:
        told += [(DEPARTMENT, row) for row in bench.tell(_DEPARTMENTS)]
        told += [(INSTRUCTOR, {**row, "name": row["subject"]}) for row in bench.tell(_INSTRUCTORS)]
    found = [
        Scope(number, kind, row["subject"], row["name"], row.get("code", ""), chosen, chosen_name)
        for number, (kind, row) in enumerate(told)
    ]
    bench.put("dash_scope", "scope integer, kind text, subject text", [(s.number, s.kind, s.subject) for s in found])
    return found


def department_names(bench: Workbench) -> dict[str, tuple[str, str | None]]:
    """Number of a department, as lines of breakdowns have it → its id and its name on the last day."""
    return {str(row["department"]): (row["id"], row["name"]) for row in bench.tell(_NAMES)}


__all__ = ["COMPANY", "COMPLIANCE", "DEPARTMENT", "INSTRUCTOR", "INTEGRATION", "KINDS", "TYPES", "Scope"]
