"""Deciding observations of accounts and courses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hub.deciding.ports import Opener
from hub.deciding.view import View
from hub.domain import directory
from hub.domain.directory import KEYS, Change, Match

ACCOUNT, COURSE = "lms_account", "course"
KINDS = frozenset({"lms.observation.account.v1", "lms.observation.course.v1"})

EMPLOYEE_COLUMN = {
    "hr_number": "employee_number",
    "custom_field": "custom_identifier",
    "email": "email",
    "login": "login_name",
}
"""Key of a match → column of the employee that it is looked up in."""

Observation = Mapping[str, Any]


def load(view: View, observations: Iterable[Observation]) -> None:
    """Load the rows of the accounts and courses told of."""
    told = list(observations)
    view.load_rows(ACCOUNT, {o["stream_id"] for o in told if o["type"] == "lms.observation.account.v1"})
    view.load_rows(COURSE, {o["stream_id"] for o in told if o["type"] == "lms.observation.course.v1"})


def matches(view: View, observations: Iterable[Observation], opener: Opener) -> dict[str, Match]:
    """The match of every account that may be matched now, by account; in a few queries for all of them."""
    sealed: dict[str, dict[str, str]] = {}
    companies: dict[str, str] = {}
    for observation in observations:
        if observation["type"] != "lms.observation.account.v1":
            continue
        row = view.row(ACCOUNT, observation["stream_id"])
        if not directory.may_match(row):
            continue
        known = sealed.setdefault(observation["stream_id"], {})
        for _, name in KEYS:
            value = observation["facts"].get(name) or (row or {}).get(name)
            if value:
                known[name] = value
        companies[observation["stream_id"]] = observation["company_id"]
    return _look_up(view, sealed, companies, opener)


def _look_up(
    view: View, sealed: Mapping[str, Mapping[str, str]], companies: Mapping[str, str], opener: Opener
) -> dict[str, Match]:
    tokens = [(account, name, token) for account, known in sealed.items() for name, token in known.items()]
    clear = dict(zip(((account, name) for account, name, _ in tokens), opener([t for _, _, t in tokens]), strict=True))
    found: dict[str, dict[str, list[str]]] = {account: {} for account in sealed}
    for company in set(companies.values()):
        accounts = [account for account in sealed if companies[account] == company]
        for key, name in KEYS:
            values = {
                a: text.strip().casefold() for a in accounts if (text := clear.get((a, name))) and "\0" not in text
            }
            if not values:
                continue
            employees = view.snapshot.employees_by(company, EMPLOYEE_COLUMN[key], set(values.values()))
            for account, value in values.items():
                found[account][key] = employees.get(value, [])
    return {account: directory.match(candidates) for account, candidates in found.items()}


def decide(view: View, observation: Observation, found: Mapping[str, Match]) -> dict[str, Any] | None:
    """The body of the event that an account's or a course's observation leads to; none: nothing new."""
    own = observation["source_time"]
    time = observation["observed_at"] if own is None else own
    facts = {name: value for name, value in observation["facts"].items() if value is not None}
    if observation["type"] == "lms.observation.account.v1":
        row = view.row(ACCOUNT, observation["stream_id"])
        match = found.get(observation["stream_id"])
        change = directory.account_seen(row, facts, time, match if directory.may_match(row) else None)
    else:
        row = view.row(COURSE, observation["stream_id"])
        retired = bool(observation["retired"])
        change = directory.course_seen(row, facts, time, own_time=own is not None, retired=retired)
    return None if change is None else body_of(change)


def body_of(change: Change) -> dict[str, Any]:
    """A directory change as an event's body."""
    return {
        "type": change.type,
        "transitions": list(change.transitions),
        "change": change.values,
        "cleared": list(change.cleared),
        "effective_from": None,
    }
