"""All figures by table and column, from the modules that declare them."""

from __future__ import annotations

from hub.errors import Refused
from projections.figures.dashboard_definitions import DASHBOARD
from projections.figures.definition import REASONS, Figure
from projections.figures.monitoring_definitions import MONITORING

FIGURES: tuple[Figure, ...] = (*MONITORING, *DASHBOARD)
BY_COLUMN: dict[tuple[str, str], Figure] = {(figure.table, figure.column): figure for figure in FIGURES}

TERMS = {
    "completed": "status Completed or Certified, or Expired with a completion date (a certificate that lapsed stays "
    "completed on its date). A waived enrollment counts as completed and is left out of scores, times and hours.",
    "ended": "the first of: completed; Failed; Dropped; Expired without a completion date; the employee left.",
    "in play in a period": "enrollment_date before the end of the period, and not ended before its start.",
    "active learner": "an employee with at least one learning event of their own doing (access, progress, attempt, "
    "submission, completion) in the window.",
    "valid on a day": "completed on or before it, and before the end of the validity of the certificate, else of the "
    "course, else for ever; not revoked by then.",
    "overdue on a day": "due_date before it, not completed, not Dropped, not On Hold, the employee employed and not on "
    "long leave.",
    "run": "one sync or import. A run ended when it completed or failed; skipped runs are no runs.",
    "request": "one attempt of one HTTP call, SFTP command or query towards the LMS; a retry is another request.",
    "score percent": "score_achieved / max_score * 100 where max_score > 0, else none.",
}
"""The words that definitions use."""


def version(table: str) -> int:
    """The version of a table's definitions: the highest among its figures'."""
    return max(figure.version for figure in FIGURES if figure.table == table)


def figures_of(table: str) -> tuple[Figure, ...]:
    """The figures of a table, in the order of its columns."""
    return tuple(figure for figure in FIGURES if figure.table == table)


def figure_of(name: str) -> Figure:
    """A figure by its column, or by ``table.column``.

    Raises:
        Refused: there is none of that name.
    """
    column = name.rpartition(".")[2].strip().casefold()
    for figure in FIGURES:
        if figure.column == column:
            return figure
    names = ", ".join(figure.column for figure in FIGURES)
    raise Refused(
        f"NAME: {name} is not a figure; expected one of {names}", field="NAME", rule="exists", expected="a known figure"
    )


__all__ = ["BY_COLUMN", "FIGURES", "REASONS", "TERMS", "Figure", "figure_of", "figures_of", "version"]
