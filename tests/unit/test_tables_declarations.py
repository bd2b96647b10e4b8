"""What every declaration promises to those who derive something from it."""

from __future__ import annotations

from enum import StrEnum

import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from hub.domain.values import EmploymentStatus
from projections.tables import HISTORY, NAME_LIMIT, TABLES
from projections.tables.rules import AtLeast, AtMostColumn, Between, ByteLength, MoreThan, constraints, one_of

EVERY = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())


@EVERY
def test_everything_has_a_comment(table: Table) -> None:
    """Each table and column explains itself in a sentence, which is what analysts see in their tools."""
    for comment in (table.comment, *(column.comment for column in table.columns)):
        assert comment
        assert comment[0].isupper() or comment.split()[0].strip(":,").islower()
        assert comment.endswith((".", ":"))


@EVERY
def test_checks_come_from_the_declared_rules(table: Table) -> None:
    """Each check in the database is an enumeration or a rule that a row check can read, and the other way round."""
    declared = constraints(table.info["rules"])
    for column in table.columns:
        if "enum" in column.info:
            declared[f"chk_{column.name}_enum"] = one_of(column.name, column.info["enum"])
    found = {c.name: str(c.sqltext) for c in table.constraints if isinstance(c, CheckConstraint)}
    assert found == declared


@EVERY
def test_rules_name_columns_of_the_table(table: Table) -> None:
    """A rule about a column that is not there would hold for every row."""
    for rule in table.info["rules"]:
        assert rule.column in table.columns
        if isinstance(rule, AtMostColumn):
            assert rule.other in table.columns


@EVERY
def test_decisions_have_their_state(table: Table) -> None:
    """What is folded from a decided stream has ``fold_state``; histories, audit and bookkeeping have none."""
    folded = table.info["part"] in ("specification", "hub") and table.name not in ("lms_audit_trail", "xapi_statement")
    assert ("fold_state" in table.columns) == folded
    if folded:
        assert isinstance(table.columns["fold_state"].type, JSONB)


def test_names_of_indexes_are_short_and_distinct() -> None:
    """PostgreSQL keeps index names per schema and cuts them at 63 bytes without a word."""
    names = [str(i.name) for t in TABLES.values() for i in t.indexes]
    names += [str(c.name) for t in TABLES.values() for c in t.constraints if isinstance(c, UniqueConstraint)]
    assert len(names) == len(set(names))
    assert all(len(name) <= NAME_LIMIT for name in names)


def test_a_table_comes_after_those_it_refers_to() -> None:
    """Rows written in the order of ``TABLES`` never meet a foreign key that is not there yet."""
    seen: set[str] = set()
    for name, table in TABLES.items():
        for key in (c for c in table.constraints if isinstance(c, ForeignKeyConstraint)):
            assert key.referred_table.name in seen
        seen.add(name)


def test_only_checked_references_are_foreign_keys() -> None:
    """Managers, leads, parents and the employee of a user may become known later, and so are no foreign keys."""
    keys = {
        (name, column)
        for name, table in TABLES.items()
        if table.info["part"] in ("hub", "history", "engine")
        for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint)
        for column in constraint.column_keys
    }
    beyond = {key for key in keys if key[1] not in ("company_id", "lms_integration_id")}
    assert beyond == {("employee", "department_id"), ("employee", "team_id"), ("lms_account", "employee_id")}


@pytest.mark.parametrize("name", ["company", "department", "team", "user", "employee"])
def test_history_is_its_parent_and_the_version(name: str) -> None:
    """A history has every column of its parent, as it is there, and says which event made the version, and when."""
    parent, history = TABLES[name], HISTORY[name]
    own = {"version": "INTEGER", "event_id": "UUID", "effective_from": "DATE", "recorded_at": "TIMESTAMP"}
    assert set(history.columns.keys()) == set(parent.columns.keys()) - {"fold_state"} | own.keys()
    assert list(history.primary_key.columns.keys()) == ["id", "version"]
    for column in history.columns:
        if column.name in own:
            assert not column.nullable
            assert str(column.type).startswith(("CHAR(32)", own[column.name]))
        else:
            twin = parent.columns[column.name]
            assert (column.type, column.nullable, column.comment, column.info) == (
                twin.type,
                twin.nullable,
                twin.comment,
                twin.info,
            )


@pytest.mark.parametrize("name", ["lms_course_enrollment", "lms_learning_progress"])
def test_a_narrow_history_is_cheap_and_of_its_parent(name: str) -> None:
    """Written with every event: no key but its own, an index by time and one of the few versions that changed whose it is,
    and its columns mean the parent's."""
    parent, history = TABLES[name], HISTORY[name]
    assert list(history.primary_key.columns.keys()) == ["id", "version"]
    by_time, *others = sorted(history.indexes, key=lambda index: index.dialect_options["postgresql"]["using"] != "brin")
    assert (by_time.columns.keys(), by_time.dialect_options["postgresql"]["using"]) == (["recorded_at"], "brin")
    assert [i.columns.keys() for i in others] == [["former_employee_id"]] * (name == "lms_course_enrollment")
    assert all(i.dialect_options["postgresql"]["where"] is not None for i in others)
    assert not history.foreign_keys
    assert not any(column.info.get("personal") for column in history.columns)
    for column in history.columns:
        if column.name in parent.columns:
            twin = parent.columns[column.name]
            assert (column.type, column.nullable, column.comment) == (twin.type, twin.nullable, twin.comment)


def test_personal_columns_can_be_blanked() -> None:
    """Erasure sets personal columns to NULL, so none of them may be required."""
    personal = [c for table in TABLES.values() for c in table.columns if c.info.get("personal")]
    assert {"given_name", "email", "native_id", "instructor_name", "feedback_data"} <= {c.name for c in personal}
    assert all(column.nullable for column in personal)


def test_enumerations_are_the_domain_s() -> None:
    """A table takes its values from the domain, in plain text."""
    assert TABLES["employee"].columns["employment_status"].info["enum"] == tuple(e.value for e in EmploymentStatus)
    for table in TABLES.values():
        for column in table.columns:
            for value in column.info.get("enum", ()):
                assert isinstance(value, str)
                assert not isinstance(value, StrEnum)


def test_rules_as_sql() -> None:
    """Rules of one name are one condition in the order of declaration; quotes in a value are doubled."""
    rules = (
        Between("chk_a", "a", 0, 100),
        AtLeast("chk_b", "b", 0),
        MoreThan("chk_b", "c", 1),
        AtMostColumn("chk_b", "b", "c"),
        ByteLength("chk_d", "d", 32),
    )
    assert constraints(rules) == {
        "chk_a": "a BETWEEN 0 AND 100",
        "chk_b": "b >= 0 AND c > 1 AND b <= c",
        "chk_d": "octet_length(d) = 32",
    }
    assert one_of("a", ("x", "it's")) == "a IN ('x', 'it''s')"
