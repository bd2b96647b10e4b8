"""The page of guarantees names only tests that exist, and leaves out no part, property or log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "guarantees.md").read_text(encoding="utf-8")
PARTS = ("Append", "Decide", "Fold", "React", "Sync", "Subscribe")
PROPERTIES = ("order", "delivery", "visibility", "isolation")
LOGS = ("PostgreSQL", "Kafka")
NAMED = re.compile(r"`((?:unit|integration|acceptance)/[^`]+)`")


class Line(NamedTuple):
    """One promise."""

    part: str
    property: str
    log: str
    promise: str
    tests: tuple[str, ...]


def lines(page: str) -> Iterator[Line]:
    """All lines of the tables of the parts."""
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        part, _, text = section.partition("\n")
        for row in re.findall(r"^\| (?!---)(.+) \|$", text, flags=re.MULTILINE):
            if not row.startswith("| "):  # the head of the table
                name, log, promise, shown = (cell.strip() for cell in row.split(" | "))
                yield Line(part, name, log, promise, tuple(NAMED.findall(shown)))


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def exists(name: str) -> bool:
    """Whether a test is there: a function of a file, or a method of a class, its own or one that it inherits."""
    path, *inside = name.split("::")
    file = TESTS / path
    if not file.is_file() or not inside or not inside[-1].startswith("test_"):
        return False
    if len(inside) == 1:
        return any(isinstance(node, ast.FunctionDef) and node.name == inside[0] for node in _parsed(file).body)
    return inside[1] in _methods(file, inside[0])


def _methods(file: Path, name: str) -> set[str]:
    """The methods of a class, with those that it inherits from classes of the tests."""
    for node in _parsed(file).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            own = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
            return own.union(*(_methods(file, base.id) for base in node.bases if isinstance(base, ast.Name)))
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            module = str(node.module)
            return (
                _methods(TESTS.parent / (module.replace(".", "/") + ".py"), name) if module[:6] == "tests." else set()
            )
    return set()


def missing(page: str) -> list[str]:
    """What is wrong with a page, in words."""
    found = list(lines(page))
    wrong = [f"{one.part}, {one.property}: no test shows that {one.promise}" for one in found if not one.tests]
    wrong += [f"there is no test {name}" for name in NAMED.findall(page) if not exists(name)]
    wrong += [f"{one.part}: {one.property!r} on {one.log!r}" for one in found if one.property not in PROPERTIES]
    wrong += [f"{one.part}: there is no log {one.log!r}" for one in found if one.log not in (*LOGS, "both")]
    told = {(one.part, one.property, log) for one in found for log in (LOGS if one.log == "both" else (one.log,))}
    return wrong + [f"nothing is said of {one}" for one in product(PARTS, PROPERTIES, LOGS) if one not in told]


def test_each_promise_names_tests_that_exist_and_none_is_left_out() -> None:
    """Six parts, four properties, two logs."""
    assert missing(PAGE) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("::test_the_clock_jumps`", "::test_the_clock_stands_still`", "there is no test"),
        ("TestKafkaLog::test_two_writers_at_once", "TestKafkaLog::test_three_writers", "there is no test"),
        ("acceptance/test_spine.py", "acceptance/test_spin.py", "there is no test"),
        ("`unit/test_intake_parts.py::test_a_spool_gives_back_what_it_was_given`", "trust us", "no test shows"),
        ("| isolation | Kafka | Bytes", "| order | Kafka | Bytes", "('Subscribe', 'isolation', 'Kafka')"),
        ("| order | both | A reactor", "| order | Kafka | A reactor", "('React', 'order', 'PostgreSQL')"),
    ],
)
def test_what_is_wrong_is_found(old: str, new: str, told: str) -> None:
    """A test that is gone or renamed, a promise without one, a part that is left out."""
    assert PAGE.count(old)
    found = missing(PAGE.replace(old, new))
    assert found
    assert told in found[0]
