"""A custom dashboard with a filter says what one without would say if there were nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from hub.domain.figures import FigureRow
from hub.domain.periods import CUSTOM, Period
from hub.domain.units import days, micros
from hub.errors import Refused
from projections import migrations
from projections.figures import filters
from projections.figures.dashboard import compute
from tests.support import figures_company as companies
from tests.support.figures_chance import by_chance
from tests.support.figures_company import COMPANY, World

SEED = 3
PERIOD = Period(CUSTOM, days(date(2025, 9, 10)), days(date(2026, 2, 21)))
KNOWN = date(2026, 4, 1)
LMS = str(next(iter(by_chance(SEED).integrations)))
Told = dict[tuple[str, str | None], FigureRow]


@pytest.fixture(scope="module")
def url(make_database: Callable[[str | None], str]) -> str:
    """A database with all tables."""
    url = make_database(None)
    migrations.upgrade(url)
    return url


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """What is written is taken back at the end."""
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


def told(connection: psycopg.Connection[Any], world: World, chosen: str | None = None) -> Told:
    """(type, integration or subject of its own) → row; of a world that is not kept."""
    with connection.transaction(force_rollback=True):
        companies.write(connection, world)
        rows = compute(connection, str(COMPANY), [PERIOD], micros(world.at(KNOWN)), chosen)
    return {(str(row.kind), row.integration_id or (None if row.filter else row.subject)): row for row in rows}


def only(world: World, keeps: Callable[[dict[str, Any]], bool]) -> World:
    """The world with nothing but the courses and enrollments that are kept."""
    left = copy.deepcopy(world)
    left.courses = [one for one in left.courses if keeps(one)]
    left.enrollments = {key: one for key, one in left.enrollments.items() if keeps(one.fixed)}
    left.lessons = {key: one for key, one in left.lessons.items() if one.enrollment_id in left.enrollments}
    return left


def said(row: FigureRow) -> dict[str, Any]:
    return {name: value for name, value in row.values.items() if name not in ("dashboard_name", "dashboard_type")} | {
        "parts": row.parts, "reasons": row.reasons,
    }  # fmt: skip


def _same(name: str, value: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda one: one.get(name) == value


CASES: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = {
    "course": ({"course": "moodle-1"}, _same("course_id", "moodle-1")),
    "course_type": ({"course_type": "Workshop"}, _same("course_type", "Workshop")),
    "compliance": ({"compliance": True}, _same("is_compliance_training", True)),
    "mandatory": ({"mandatory": False}, _same("is_mandatory", False)),
    "integration": ({"integration": LMS}, lambda one: str(one["lms_integration_id"]) == LMS),
    "both": (
        {"compliance": True, "course_type": "eLearning"},
        lambda one: one["is_compliance_training"] and one["course_type"] == "eLearning",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_about_nothing_else(connection: psycopg.Connection[Any], case: str) -> None:
    """Every column, part and reason equals that of a company that has only what the filter names."""
    chosen, keeps = CASES[case]
    world = by_chance(SEED)
    text = json.dumps(chosen, separators=(",", ":"), sort_keys=True)
    found, expected = told(connection, world, text), told(connection, only(world, keeps))
    expected = {key: row for key, row in expected.items() if key[0] not in ("Manager", "Instructor")}
    assert found.keys() == expected.keys()
    assert any(row.values["total_enrollments"] > 3 for row in found.values())
    assert {key for key in found if said(found[key]) != said(expected[key])} == set()
    assert {(row.filter, row.subject) for row in found.values()} == {(text, text)}


def test_a_department_is_meant_with_all_beneath_it(connection: psycopg.Connection[Any]) -> None:
    """The company's row of a department is its manager's row, in every column."""
    world = by_chance(SEED)
    everything = told(connection, world)
    departments = [str(subject) for kind, subject in everything if kind == "Manager"]
    assert len(departments) > 2
    for one in departments[:3]:
        found = told(connection, world, json.dumps({"department": one}))
        assert said(found["Executive", None]) == said(everything["Manager", one])


def test_an_instructor_has_no_catalog(connection: psycopg.Connection[Any]) -> None:
    """As in the instructor's own row."""
    world = by_chance(SEED)
    everything, found = told(connection, world), told(connection, world, '{"instructor":"i1"}')
    row, own = found["Executive", None], everything["Instructor", "i1"]
    assert row.reasons["content_utilization_rate"] == own.reasons["content_utilization_rate"] == "not_applicable"
    assert [row.values[name] for name in ("total_enrollments", "completion_rate", "engagement_score")] == [
        own.values[name] for name in ("total_enrollments", "completion_rate", "engagement_score")
    ]


def test_a_filter_is_kept_by_ids_in_one_order(connection: psycopg.Connection[Any]) -> None:
    """However it is said it is the same row; its name says it in words."""
    world = World()
    department, lms = world.department("Ops"), world.integration("Moodle")
    companies.write(connection, world)
    one = filters.kept(connection, str(COMPANY), ["department=ops", "course_type = elearning", "integration=MOODLE"])
    other = filters.kept(connection, str(COMPANY), ["integration=moodle", "department=OPS", "course_type=eLearning"])
    assert one == other == f'{{"course_type":"eLearning","department":"{department}","integration":"{lms}"}}'
    assert filters.label(connection, str(one)) == "course type eLearning, department Ops, integration Moodle"
    assert filters.kept(connection, str(COMPANY), []) is None
    assert UUID(json.loads(str(one))["department"]) == department


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("color=blue", "course_type=VALUE"),
        ("course", "course=VALUE"),
        ("compliance=maybe", "yes or no"),
        ("course_type=Film", "eLearning"),
        ("department=NONE", "known department"),
        ("integration=NONE", "known integration"),
    ],
)
def test_what_is_wrong_is_said(connection: psycopg.Connection[Any], given: str, expected: str) -> None:
    """The word that is not known, and what was expected."""
    with pytest.raises(Refused, match=expected) as refused:
        filters.kept(connection, str(COMPANY), [given])
    assert given in str(refused.value)
