"""Who did what, when, why and from where: the events about one thing, in order, with the fields before and after.

Personal values are shown as ``(sealed)`` unless asked for; then they are opened while their key lives, else ``(erased)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from hub.domain.sealing import is_sealed
from hub.errors import Refused

Kind = Literal["person", "enrollment", "course", "integration", "user", "row"]
SEALED, ERASED = "(sealed)", "(erased)"
PERSONAL = ("ip_address", "user_agent", "session_id", "performed_by_login")
Opener = Callable[[Sequence[str]], Sequence[str | None]]

FIND = {
    "person": "SELECT id FROM hub.employee WHERE company_id = %(company)s AND (id = %(id)s OR employee_number = %(key)s)",
    "enrollment": "SELECT id FROM hub.lms_course_enrollment WHERE company_id = %(company)s "
    "AND (id = %(id)s OR enrollment_number = upper(%(key)s))",
    "course": "SELECT id FROM hub.course WHERE company_id = %(company)s "
    "AND (id = %(id)s OR lower(course_code) = lower(%(key)s) OR course_id = %(key)s OR course_key = %(key)s)",
    "integration": "SELECT id FROM hub.lms_integration_config WHERE company_id = %(company)s "
    "AND (id = %(id)s OR lower(lms_code) = lower(%(key)s))",
    "user": 'SELECT id FROM hub."user" WHERE company_id = %(company)s AND (id = %(id)s OR login = %(key)s)',
    "row": "SELECT %(id)s::uuid AS id",
}
EXPECTED = {
    "person": "an employee number or an employee's id",
    "enrollment": "an enrollment number or id",
    "course": "a course code or id",
    "integration": "a code of `hub integrations list`",
    "user": "a login or a user's id",
    "row": "the id of a row",
}
PARTS_OF_PERSON = """
SELECT ARRAY(SELECT id FROM hub.lms_account WHERE employee_id = ANY(%(ids)s)) AS accounts,
       ARRAY(SELECT id FROM hub."user" WHERE employee_id = ANY(%(ids)s)) AS users,
       ARRAY(SELECT id FROM hub.lms_course_enrollment WHERE employee_id = ANY(%(ids)s)) AS enrollments
"""
OF_COURSE = """
SELECT e.id FROM hub.lms_course_enrollment e JOIN hub.course c USING (lms_integration_id, course_id) WHERE c.id = ANY(%(ids)s)
"""
LESSONS = "SELECT id FROM hub.lms_learning_progress WHERE enrollment_id = ANY(%(ids)s)"
OF_LESSON = "SELECT enrollment_id FROM hub.lms_learning_progress WHERE id = ANY(%(ids)s) AND enrollment_id IS NOT NULL"
EVENTS = """
WITH found AS (
    SELECT id FROM hub.lms_audit_trail WHERE enrollment_id IS NULL AND entity_id = ANY(%(entities)s)
    UNION
    SELECT id FROM hub.lms_audit_trail WHERE enrollment_id = ANY(%(enrollments)s)
      AND (%(rows)s::uuid[] IS NULL OR entity_id = ANY(%(rows)s))
    UNION
    SELECT id FROM hub.lms_audit_trail WHERE performed_by_user_id = ANY(%(users)s)
    UNION
    SELECT id FROM hub.lms_audit_trail WHERE action = 'Reject' AND lms_integration_id = ANY(%(integrations)s)
      AND additional_context ->> 'topic' = 'lms.integration'
)
SELECT t.id::text AS event_id, t.timestamp AS recorded_at, t.action, t.audit_type, t.entity_type, t.entity_id::text AS entity_id,
       t.enrollment_id::text AS enrollment_id, t.field_changes, t.action_reason, t.business_justification,
       t.impact_assessment, t.risk_level, t.performed_by_user_id::text AS performed_by_user_id, u.login AS performed_by_login,
       t.ip_address, t.user_agent, t.session_id, i.lms_code, t.additional_context AS context
FROM found JOIN hub.lms_audit_trail t ON t.id = found.id
LEFT JOIN hub."user" u ON u.id = t.performed_by_user_id
LEFT JOIN hub.lms_integration_config i ON i.id = t.lms_integration_id
WHERE t.company_id = %(company)s
  AND (%(since)s::timestamptz IS NULL OR t.timestamp >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR t.timestamp < %(until)s)
ORDER BY t.timestamp, t.additional_context ->> 'topic', (t.additional_context ->> 'partition')::int,
         (t.additional_context ->> 'offset')::bigint
LIMIT %(limit)s
"""


@dataclass
class Subject:
    """What is asked about: ids of rows, and of who acted. An event is found by its enrollment, or where it has none by its row."""

    entities: list[UUID] = field(default_factory=list)
    enrollments: list[UUID] = field(default_factory=list)
    rows: list[UUID] | None = None
    """Of the events of ``enrollments`` only those about these rows; None: all."""
    users: list[UUID] = field(default_factory=list)
    integrations: list[UUID] = field(default_factory=list)


def subject(connection: psycopg.Connection[Any], company: str, kind: Kind, key: str) -> Subject:
    """The rows that a person, enrollment, course, integration, user or row stands for.

    Raises Refused where there is none of that id or key in the company.
    """
    try:
        given: UUID | None = UUID(key)
    except ValueError:
        given = None
    found = connection.execute(FIND[kind], {"company": company, "id": given, "key": key.strip()}).fetchall()
    ids = [row[0] for row in found if row[0] is not None]
    if not ids:
        raise Refused(f"{kind}: {key} is not known; expected {EXPECTED[kind]}",
                      field=kind, rule="exists", expected=EXPECTED[kind])  # fmt: skip
    if kind == "person":
        row = connection.execute(PARTS_OF_PERSON, {"ids": ids}).fetchone()
        accounts, users, enrollments = row if row is not None else ([], [], [])
        lessons = _ids(connection, LESSONS, enrollments)
        return Subject([*ids, *accounts, *users, *enrollments, *lessons], enrollments, users=users)
    if kind == "enrollment":
        return Subject([*ids, *_ids(connection, LESSONS, ids)], ids)
    if kind == "course":
        enrollments = _ids(connection, OF_COURSE, ids)
        return Subject([*ids, *enrollments, *_ids(connection, LESSONS, enrollments)], enrollments)
    if kind == "user":
        return Subject(ids, users=ids)
    if kind == "row":
        return Subject(ids, [*ids, *_ids(connection, OF_LESSON, ids)], rows=ids)
    return Subject(ids, integrations=ids)


def _ids(connection: psycopg.Connection[Any], query: str, of: Sequence[UUID]) -> list[UUID]:
    return [row[0] for row in connection.execute(query.encode(), {"ids": list(of)})]


def events(
    connection: psycopg.Connection[Any],
    company: str,
    about: Subject,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 1000,
) -> list[dict[str, Any]]:
    """The events about it, recorded from ``since`` to before ``until`` (aware), in the order of recording."""
    asked = vars(about) | {"company": company, "since": since, "until": until, "limit": limit}
    rows = connection.cursor(row_factory=dict_row).execute(EVENTS, asked).fetchall()
    return [_told(row) for row in rows]


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the trail as it is shown."""
    context = row.pop("context") or {}
    where = f"{context.get('topic')}/{context.get('partition')}/{context.get('offset')}"
    named = ("event_type", "occurred_at", "transitions", "actor", "native_id", "payload_sha256", "causation_id",
             "correlation_id", "follows", "also_changed", "late", "backfill")  # fmt: skip
    return row | {"position": where} | {name: context.get(name) for name in named}


def revealed(rows: Sequence[Mapping[str, Any]], opener: Opener | None) -> list[dict[str, Any]]:
    """Rows with their personal values opened, or hidden where no ``opener`` is given."""
    texts = sorted({text for row in rows for text in _sealed_in(dict(row))})
    told: Sequence[str | None] = [] if opener is None else opener(texts)
    known = dict.fromkeys(texts, SEALED) if opener is None else {
        text: ERASED if value is None else value for text, value in zip(texts, told, strict=True)
    }  # fmt: skip
    result = []
    for row in rows:
        shown = {name: _replaced(value, known) for name, value in row.items()}
        if opener is None:
            shown |= {name: SEALED for name in PERSONAL if shown.get(name) is not None}
        result.append(shown)
    return result


def _sealed_in(value: Any) -> Iterator[str]:
    if is_sealed(value):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _sealed_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _sealed_in(one)


def _replaced(value: Any, known: Mapping[str, str]) -> Any:
    if is_sealed(value):
        return known[value]
    if isinstance(value, dict):
        return {name: _replaced(one, known) for name, one in value.items()}
    return [_replaced(one, known) for one in value] if isinstance(value, list | tuple) else value


def changes_text(row: Mapping[str, Any]) -> str:
    """The fields before and after, in one line."""
    changes = row.get("field_changes") or {}
    return "; ".join(f"{name}: {_short(old)} → {_short(new)}" for name, (old, new) in changes.items())


def _short(value: Any) -> str:
    return "-" if value is None else str(value)
