"""Rows and their changes: what is kept, what is dropped, what is equal."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.rows import Changes, Row, applied, dumped, loaded, same, value_of

COLUMNS = frozenset({"a", "b"})


def test_new_values_go_to_their_column_or_beside() -> None:
    """What is no column goes below fold_state; the row given is untouched."""
    row: Row = {"a": 1, "b": 2, "fold_state": {"x": 1, "y": 2}}
    new = applied(row, COLUMNS, {"a": 3, "x": 5, "b": None}, ("b", "y", "z"))
    assert new == {"a": 3, "b": None, "fold_state": {"x": 5}}
    assert row == {"a": 1, "b": 2, "fold_state": {"x": 1, "y": 2}}
    assert applied({"a": 1, "fold_state": None}, COLUMNS, {"x": 1}) == {"a": 1, "fold_state": {"x": 1}}


def test_a_value_is_looked_up_in_both_places() -> None:
    """A column first; nothing is known of no row."""
    assert value_of({"a": None, "fold_state": {"a": 1, "x": 2}}, "a") is None
    assert value_of({"fold_state": {"x": 2}}, "x") == 2
    assert value_of({"fold_state": None}, "x") is value_of(None, "x") is None


@pytest.mark.parametrize(
    ("known", "value", "equal"),
    [
        ({"b": 1, "a": [2]}, '{"a":[2],"b":1}', True),
        ({"b": 1, "a": [2]}, '{ "b": 1, "a": [2] }', True),
        ({"a": True}, '{"a":1}', False),
        ({"a": 1}, "no json", False),
        (["x"], ("x",), True),
        ("x", "x", True),
        (None, "x", False),
    ],
)
def test_json_is_compared_by_what_it_says(known: Any, value: Any, equal: bool) -> None:
    """As text (just folded) or as objects (just read)."""
    assert same(known, value) is equal


def test_canonical_json() -> None:
    """What events carry: sorted, without blanks, in the letters of the world."""
    assert dumped({"b": "ü", "a": 1}) == '{"a":1,"b":"ü"}'
    assert loaded('{"a":1}') == loaded({"a": 1}) == {"a": 1}
    assert loaded(None) is None


def test_only_what_differs_is_kept() -> None:
    """put, first, most, add and unknown."""
    changes = Changes({"a": 1, "b": None, "fold_state": {"x": 7}})
    assert not changes.put("a", 1)
    assert not changes.put("a", None)
    assert changes.put("a", 2)
    assert not changes.put("a", 1)
    assert changes.new == {}
    assert not changes.first("x", 8)
    assert changes.first("b", 5)
    assert changes.known("b") == 5
    assert not changes.most("x", 7)
    assert changes.most("x", 9)
    assert changes.add("x", 1)
    assert not changes.add("x", 0)
    assert not changes.add("x", None)
    assert changes.new == {"b": 5, "x": 10}
    assert changes.unknown("a", "b", "x", "z") == ("a", "x")
