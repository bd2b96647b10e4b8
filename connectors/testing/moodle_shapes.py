"""The shapes of sections, course modules and grade items, with all that a connector does not need."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def section_row(number: int, name: str, place: int, modules: list[Row]) -> Row:
    """A section of a course."""
    return {
        "id": number,
        "name": name,
        "visible": 1,
        "summary": "",
        "summaryformat": 1,
        "section": place,
        "hiddenbynumsections": 0,
        "uservisible": True,
        "modules": modules,
    }


def module_row(number: int, kind: str, name: str, inner: int, tracked: int) -> Row:
    """A course module; ``inner``: its number within its kind."""
    return {
        "id": number,
        "url": f"https://moodle.example.org/mod/{kind}/view.php?id={number}",
        "name": name,
        "instance": inner,
        "contextid": number + 100_000,
        "visible": 1,
        "uservisible": True,
        "visibleoncoursepage": 1,
        "modplural": kind.capitalize(),
        "modname": kind,
        "indent": 0,
        "noviewlink": False,
        "completion": tracked,
        "dates": [],
    }


def grade_row(number: int, kind: str, module: str | None, cmid: int | None, raw: float | None, most: float) -> Row:
    """A grade item; numbers are formatted as a site in a language with decimal commas does."""
    shown = "-" if raw is None else f"{100 * raw / most:.2f} %".replace(".", ",")
    return {
        "id": number,
        "itemname": None,
        "itemtype": kind,
        "itemmodule": module,
        "iteminstance": None,
        "itemnumber": 0 if module else None,
        "cmid": cmid,
        "weightraw": None,
        "status": "",
        "graderaw": raw,
        "gradedatesubmitted": None,
        "gradedategraded": None,
        "gradehiddenbydate": False,
        "gradeneedsupdate": False,
        "gradeishidden": False,
        "gradeislocked": False,
        "gradeisoverridden": False,
        "gradeformatted": "-" if raw is None else f"{raw:.2f}".replace(".", ","),
        "grademin": 0,
        "grademax": most,
        "rangeformatted": f"0&ndash;{most:g}",
        "percentageformatted": shown,
        "feedback": "",
        "feedbackformat": 1,
    }
