"""Commands of the directory: each makes one company, department, team, user or employee as it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from hub.deciding.commands import Body, Command
from hub.deciding.directory import body_of
from hub.deciding.envelope import HUB, Actor
from hub.deciding.view import View
from hub.domain import directory, ids
from hub.domain.rows import value_of
from hub.domain.units import day_in
from hub.errors import Refused

TOPIC = "lms.directory"
REFERENCES = {"department_id": "department", "team_id": "team"}
"""Columns whose row must be known before (foreign keys)."""


def upsert(
    kind: str,
    stream: str,
    company_id: str,
    wanted: Mapping[str, Any],
    *,
    cleared: Sequence[str] = (),
    effective_from: int | None = None,
    actor: Actor = HUB,
    reason: str | None = None,
    correlation_id: str | None = None,
    command_id: str | None = None,
) -> Command:
    """Make a row of the directory as it should be. ``wanted`` are plain values, personal ones sealed.

    ``effective_from``: first day (days since 1970) on which it holds; none: today in the company's zone.
    """

    def decide(view: View, now: int) -> Body | None:
        row = view.row(directory_table(kind), stream)
        _check_references(view, wanted)
        if kind == "employee":
            change = directory.employee(row, wanted, cleared)
        else:
            change = directory.registered_or_changed(kind, row, wanted, cleared)
        if change is None:
            return None
        body = body_of(change)
        zone = value_of(view.row("company", company_id), "time_zone") or wanted.get("time_zone") or "UTC"
        body["effective_from"] = day_in(now, zone) if effective_from is None else effective_from
        body["affected_employees"] = 1 if kind == "employee" else 0
        return body

    return Command(
        id=command_id or str(uuid4()),
        name=f"directory.{kind}",
        company_id=company_id,
        topic=TOPIC,
        stream=(kind, stream),
        decide=decide,
        actor=actor,
        reason=reason,
        correlation_id=correlation_id,
    )


def directory_table(kind: str) -> str:
    """The table of a kind of stream."""
    return "lms_account" if kind == "account" else kind


def company(
    code: str, name: str, *, time_zone: str = "UTC", currency_code: str = "USD", fiscal_year_start_month: int = 1
) -> Command:
    """Register a company, or change it. Its id follows from its code."""
    company_id = ids.company_id(code)
    wanted = {
        "code": code.strip(),
        "name": name,
        "time_zone": time_zone,
        "currency_code": currency_code,
        "fiscal_year_start_month": fiscal_year_start_month,
    }
    return upsert("company", company_id, company_id, wanted)


def _check_references(view: View, wanted: Mapping[str, Any]) -> None:
    for column, table in REFERENCES.items():
        named = wanted.get(column)
        if named is not None and view.row(table, named) is None:
            raise Refused(
                f"{column}: names a {table} that is not known; expected one that was imported before",
                field=column, rule="exists", expected=f"a known {table}",
            )  # fmt: skip
