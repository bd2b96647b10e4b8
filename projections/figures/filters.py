"""The filter of a custom dashboard: what of the learning it is about, as a person gives it and as a row keeps it.

A row keeps it as JSON with the keys in order: {"course_type":"eLearning","department":"<id>"}. All that is given has to hold.
A department is meant with all beneath it, and a person counts in it on the days on which they were there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from hub.domain.rows import dumped
from hub.domain.values import CourseType
from hub.errors import Refused

_DEPARTMENT = "SELECT id::text FROM hub.department WHERE company_id = %s AND lower(code) = lower(%s)"
_INTEGRATION = "SELECT id::text FROM hub.lms_integration_config WHERE company_id = %s AND lower(lms_code) = lower(%s)"
_NAMES = {
    "department": "SELECT coalesce(name, code) FROM hub.department WHERE id = %s",
    "integration": "SELECT lms_code FROM hub.lms_integration_config WHERE id = %s",
}
_WORDS = {"true": True, "yes": True, "false": False, "no": False}

Find = Callable[[str], Any]


def kept(connection: psycopg.Connection[Any], company_id: str, told: Sequence[str]) -> str | None:
    """The filter as a row keeps it, from what a person says (``NAME=VALUE``); None where nothing is said.

    Raises Refused where a name or a value is not known.
    """
    known: Mapping[str, Find] = {
        "course": str,
        "course_type": _course_type,
        "compliance": lambda value: _flag("compliance", value),
        "department": lambda value: _id(connection, _DEPARTMENT, company_id, "department", value),
        "instructor": str,
        "integration": lambda value: _id(connection, _INTEGRATION, company_id, "integration", value),
        "mandatory": lambda value: _flag("mandatory", value),
    }
    found: dict[str, Any] = {}
    for one in told:
        name, sign, value = (part.strip() for part in one.partition("="))
        if not sign or name not in known or not value or name in found:
            raise _wrong(one, "each of these once: " + ", ".join(f"{key}=VALUE" for key in known))
        found[name] = known[name](value)
    return dumped(dict(sorted(found.items()))) if found else None


def label(connection: psycopg.Connection[Any], chosen: str) -> str:
    """A kept filter in words, for the name of a dashboard."""
    words = []
    for name, value in json.loads(chosen).items():
        query = _NAMES.get(name)
        row = connection.execute(query.encode(), (UUID(value),)).fetchone() if query else None
        shown = row[0] if row else value if isinstance(value, str) else "yes" if value else "no"
        words.append(f"{name.replace('_', ' ')} {shown}")
    return ", ".join(words)


def _id(connection: psycopg.Connection[Any], query: str, company_id: str, name: str, code: str) -> str:
    row = connection.execute(query.encode(), (company_id, code)).fetchone()
    if row is None:
        raise _wrong(f"{name}={code}", f"the code of a known {name}")
    return str(row[0])


def _course_type(value: str) -> str:
    for one in CourseType:
        if one.value.lower() == value.lower():
            return one.value
    raise _wrong(f"course_type={value}", "one of " + ", ".join(one.value for one in CourseType))


def _flag(name: str, value: str) -> bool:
    if value.lower() not in _WORDS:
        raise _wrong(f"{name}={value}", "yes or no")
    return _WORDS[value.lower()]


def _wrong(given: str, expected: str) -> Refused:
    return Refused(
        f"filter: {given} is not known; expected {expected}", field="filter", rule="known", expected=expected
    )
