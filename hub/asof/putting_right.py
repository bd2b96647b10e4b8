"""What a person writes on a command line as the plain values of a correction, and which enrollment and user are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg

from hub.deciding.envelope import Actor
from hub.domain import ids
from hub.domain.enrollment_acts import CORRECTABLE
from hub.domain.events.learning import EnrollmentChange
from hub.domain.units import days
from hub.errors import Refused
from hub.log.shape import FieldShape, shape_of

LEAST_OF_ID = 6
"""So many first characters of an id name it, if no other begins with them."""
TRUE, FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
FIND = """
SELECT e.id::text, e.enrollment_number, e.course_name, e.lms_integration_id::text, e.fold_state ->> 'account_id',
       e.fold_state ->> 'course_key'
FROM hub.lms_course_enrollment e
WHERE e.company_id = %(company)s AND (e.id BETWEEN %(first)s::uuid AND %(last)s::uuid OR e.enrollment_number = upper(%(name)s))
LIMIT 2
"""
USER = 'SELECT id::text FROM hub."user" WHERE company_id = %s AND lower(login) = lower(%s) LIMIT 1'
EVENT = """
SELECT t.id::text, t.additional_context ->> 'topic', (t.additional_context ->> 'partition')::int,
       (t.additional_context ->> 'offset')::bigint
FROM hub.lms_audit_trail t WHERE t.id BETWEEN %s::uuid AND %s::uuid AND t.company_id = %s LIMIT 2
"""


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One cycle, and the stream it lies in."""

    row_id: str
    number: str
    course: str
    stream: str


def enrollment(connection: psycopg.Connection[Any], company_id: str, name: str) -> Enrollment:
    """The enrollment that is meant by its number, its id or the beginning of its id.

    Raises:
        Refused: none, or several.
    """
    first, last = _range(name) or _NOTHING
    found = connection.execute(FIND, {"company": company_id, "name": name, "first": first, "last": last}).fetchall()
    if len(found) != 1:
        problem = "may be several" if found else "is none"
        raise Refused(
            f"enrollment: {name} {problem}; expected a number such as E-7KQ2M4XW3ABC or an id of `hub asof enrollments`",
            field="enrollment", rule="exists", expected="the number or the id of an enrollment",
        )  # fmt: skip
    row_id, number, course, integration, account, key = found[0]
    return Enrollment(row_id, number, course, ids.enrollment_stream(integration, account, key))


def event_of(connection: psycopg.Connection[Any], company_id: str, name: str) -> tuple[str, tuple[str, int, int]]:
    """Id and position of the event that is meant by its id or its beginning.

    Raises:
        Refused: none, or several.
    """
    first, last = _range(name) or _NOTHING
    found = connection.execute(EVENT, (first, last, company_id)).fetchall()
    if len(found) != 1:
        problem = "may be several" if found else "is none"
        raise Refused(f"event: {name} {problem}; expected an event id of `hub enrollments history`",
                      field="event", rule="exists", expected="the id of an event")  # fmt: skip
    event_id, topic, partition, offset = found[0]
    return event_id, (topic, partition, offset)


def person(connection: psycopg.Connection[Any], company_id: str, login: str) -> Actor:
    """The user of the directory who acts.

    Raises:
        Refused: the company has no such user.
    """
    found = connection.execute(USER, (company_id, login)).fetchone()
    if found is None:
        raise Refused(f"as: no user has the login {login}; expected a user that `hub directory import` brought",
                      field="as", rule="exists", expected="the login of a user")  # fmt: skip
    return Actor("user", found[0], user_row=found[0])


def values(given: Sequence[str]) -> dict[str, Any]:
    """``NAME=VALUE`` as plain values by column.

    Raises:
        Refused: one is not of this form, may not be corrected, or does not fit its column.
    """
    shapes = {shape.name: shape for shape in shape_of(EnrollmentChange)}
    read: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in CORRECTABLE:
            raise Refused(
                f"set: {text} cannot be set; expected NAME=VALUE with one of {', '.join(sorted(CORRECTABLE))}",
                field="set", rule="correctable", expected="NAME=VALUE",
            )  # fmt: skip
        read[name] = _plain(shapes[name], value.strip())
    return read


def _plain(shape: FieldShape, text: str) -> Any:
    expected = {
        "date": "a date such as 2026-05-03",
        "decimal": f"a number with at most {shape.scale} decimals",
        "boolean": "true or false",
        "enum": ", ".join(shape.values),
    }.get(shape.kind, "text")
    try:
        return _READ.get(shape.kind, _text)(shape, text)
    except (ValueError, InvalidOperation):
        raise Refused(f"{shape.name}: {text} does not fit; expected {expected}", field=shape.name, rule=shape.kind,
                      expected=expected) from None  # fmt: skip


def _text(_: FieldShape, text: str) -> str:
    return text


def _decimal(shape: FieldShape, text: str) -> int:
    scaled = Decimal(text).scaleb(shape.scale)
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(text)
    return int(scaled)


def _enum(shape: FieldShape, text: str) -> str:
    known: Mapping[str, str] = {value.casefold(): value for value in shape.values}
    if text.casefold() not in known:
        raise ValueError(text)
    return known[text.casefold()]


def _boolean(_: FieldShape, text: str) -> bool:
    if text.casefold() not in TRUE | FALSE:
        raise ValueError(text)
    return text.casefold() in TRUE


_READ = {
    "date": lambda _, text: days(date.fromisoformat(text)),
    "decimal": _decimal,
    "boolean": _boolean,
    "enum": _enum,
}
_NOTHING = ("ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000")
"""A range of ids with nothing in it."""


def _range(name: str) -> tuple[str, str] | None:
    """First and last id that begin with a name; None where no id does."""
    digits = name.lower().replace("-", "")
    if not LEAST_OF_ID <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    return digits.ljust(32, "0"), digits.ljust(32, "f")
