"""An answer as of two days in one plain sentence, so that an absence can be read, and quoted, as well as a completion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

Row = Mapping[str, Any]


def sentence(row: Row, on: date, known: date | None) -> str:
    """What a row of ``completions_asof`` says."""
    who = row["employee_number"] or "An employee without a number"
    if row["employee_name"]:
        who += f" ({row['employee_name']})"
    what = f"{row['course_name']} ({row['asked_course']})" if row["course_name"] else row["asked_course"]
    known_on = "as known now" if known is None else f"as known on {known}"
    held = "held a valid completion" if row["is_valid"] else "held no valid completion"
    text = f"{who} {held} of {what} on {on}, {known_on}: {_why(row)}."
    if row["is_valid"] and not row["is_valid_by_now_known"]:
        text += " By what is known now it was not valid."
    return text


def _why(row: Row) -> str:
    verdict, day = row["verdict"], row["verdict_day"]
    if verdict == "valid":
        return f"{'excused' if row['is_waived'] else 'completed'} on {day}{_until(row)}{_of(row)}"
    if verdict == "never enrolled":
        return "no enrollment had begun"
    if verdict == "not completed":
        return f"enrolled on {day}, {row['enrollment_status']}{_of(row)}"
    if verdict == "completed later":
        return f"it was completed only on {day}{_of(row)}"
    if verdict == "known only later":
        return "what shows one was recorded later" if day is None else f"what shows one was recorded only on {day}"
    return f"completed on {row['completion_date']}, {verdict} on {day}{_of(row)}"


def _until(row: Row) -> str:
    return ", without an end" if row["valid_until"] is None else f", lapses on {row['valid_until']}"


def _of(row: Row) -> str:
    """Where it comes from."""
    parts = [f"version {row['course_version']}"] if row["course_version"] else []
    parts += [f"{row['enrollment_number']} of {row['lms_code']}"]
    return f" ({', '.join(parts)})"
