"""Plain rows written by COPY or by single statements come back as they were; needs PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, NullPool, Table, create_engine, text

from hub.domain.rows import STATE, Row
from hub.domain.sealing import to_text
from projections import copyformat, plain, upsert
from projections.tables import HISTORY, TABLES, metadata
from projections.tables.rules import AtLeast, AtMostColumn, Between, ByteLength, MoreThan

ALL_TABLES = sorted(TABLES.values(), key=lambda table: table.name)
UUIDS = st.uuids().map(str)
TIMES = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)  # years 1 to 9999
DAYS = st.integers(-719_162, 2_932_896)
LETTERS = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
# A float beyond 2**53 is stored exactly but comes back as the whole number that PostgreSQL prints.
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-(2.0**53), 2.0**53)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(LETTERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(JSON, max_size=3) | st.dictionaries(st.text(LETTERS), JSON, max_size=3)


def values_of(column: Column[Any]) -> st.SearchStrategy[Any]:
    """Plain values that fit the type of the column."""
    kind, type_ = plain.kind_of(column), column.type
    if "enum" in column.info:
        return st.sampled_from(column.info["enum"])
    if kind == "char":
        return st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=64, max_size=64)
    if kind == "text":
        return st.text(LETTERS, max_size=min(getattr(type_, "length", None) or 60, 60))
    if kind == "numeric":
        limit = 10 ** getattr(type_, "precision") - 1  # noqa: B009
        return st.integers(-limit, limit)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "uuid": UUIDS,
        "int4": st.integers(-(2**31), 2**31 - 1),
        "int8": st.integers(-(2**63), 2**63 - 1),
        "bool": st.booleans(),
        "date": DAYS,
        "time": TIMES,
        "json": OBJECTS | OBJECTS.map(lambda value: orjson.dumps(value).decode()),
        "bytes": st.binary(min_size=32, max_size=32),
    }
    return simple[kind]


def within_rules(table: Table, row: Row) -> Row:
    """The row with its numbers and bytes moved to where the table's rules allow them."""
    for rule in table.info["rules"]:
        value = row.get(rule.column)
        if value is None:
            continue
        if isinstance(rule, ByteLength):
            row[rule.column] = (value * rule.length)[: rule.length]
            continue
        unit = 10 ** plain.scale_of(table.columns[rule.column])
        if isinstance(rule, Between):
            row[rule.column] = rule.low * unit + abs(value) % ((rule.high - rule.low) * unit + 1)
        elif isinstance(rule, AtLeast):
            row[rule.column] = max(value, rule.low * unit)
        elif isinstance(rule, MoreThan):
            row[rule.column] = max(value, rule.low * unit + 1)
        elif isinstance(rule, AtMostColumn) and row[rule.other] is not None:
            row[rule.other] = max(row[rule.other], value)
    return row


def rows_of(table: Table) -> st.SearchStrategy[Row]:
    """Rows that the table takes."""
    columns = {c.name: values_of(c) | st.none() if c.nullable else values_of(c) for c in table.columns}
    return st.fixed_dictionaries(columns).map(lambda row: within_rules(table, row))


def read_back(row: Row, table: Table) -> Row:
    """What reading a stored row gives: json texts have become objects."""
    is_text = {c.name for c in table.columns if plain.kind_of(c) == "json" and isinstance(row[c.name], str)}
    return {name: orjson.loads(value) if name in is_text else value for name, value in row.items()}


@pytest.fixture(scope="module")
def connection(make_database: Callable[[str | None], str]) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with all tables, whose foreign keys are not looked at."""
    url = make_database(None)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as made:
        made.execute(text("CREATE SCHEMA hub"))
        made.execute(text("CREATE SCHEMA ops"))
        metadata.create_all(made)
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute("SET session_replication_role = replica")
        plain.adapt(opened)
        upsert.prepare(opened, ALL_TABLES)
        yield opened


def read(connection: psycopg.Connection[Any], table: Table, *, sealed: bool = True) -> list[Row]:
    """All rows of the table in the order of their first key."""
    key = plain.quoted(table.primary_key.columns.keys()[0])
    with connection.cursor(binary=True) as cursor:
        cursor.execute(f"SELECT {plain.select_list(table)} FROM {plain.full_name(table)} ORDER BY {key}")
        return plain.rows_from(cursor, table, sealed)


def write(connection: psycopg.Connection[Any], table: Table, rows: list[Row], *, small: bool) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        upsert.store(cursor, table, rows, small=small)


def emptied(connection: psycopg.Connection[Any], table: Table) -> None:
    connection.execute(f"DELETE FROM {plain.full_name(table)}")


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_what_is_written_is_read(connection: psycopg.Connection[Any], table: Table) -> None:
    """Every table, every kind of value: a row comes back equal, whichever of the two ways it was written."""

    @given(rows_of(table), st.booleans())
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def check(row: Row, small: bool) -> None:
        emptied(connection, table)
        write(connection, table, [row], small=small)
        assert read(connection, table, sealed=False) == [read_back(row, table)]

    check()


@pytest.mark.parametrize("scale", [0, 2, 4, 5])
def test_numbers_of_every_size_are_exact(connection: psycopg.Connection[Any], scale: int) -> None:
    """PostgreSQL reads the binary form of a number as that number, with its sign, zeros and decimal places."""
    values = [0, 1, -1, 9_999, 10_000, 10_001, 99_99_0000, 100_000_000, -85_00, 123_456_789_012, 10**14, -(10**15) - 7]
    encode = copyformat.Cache(copyformat._numeric(scale))
    connection.execute("CREATE TEMPORARY TABLE number (n numeric)")
    tuples = b"".join(b"\x00\x01" + encode[value] for value in values)
    with connection.cursor() as cursor:
        with cursor.copy("COPY number FROM STDIN (FORMAT binary)") as copy:
            copy.write(copyformat.HEADER + tuples + copyformat.TRAILER)
        found = cursor.execute(f"SELECT (n * 1e{scale})::int8, n = round(n, {scale}), scale(n) FROM number").fetchall()
        connection.execute("DROP TABLE number")
    assert found == [(value, True, scale) for value in values]


@pytest.mark.parametrize("small", [True, False])
def test_a_known_row_is_replaced_whole(connection: psycopg.Connection[Any], small: bool) -> None:
    """The second version of a row replaces every column of the first, NULLs too; other rows stay."""
    table = TABLES["department"]
    emptied(connection, table)
    first, other = (department(number, name="Research", is_active=True, effective_from=19_900) for number in (1, 2))
    write(connection, table, [first, other], small=not small)
    second = first | {"name": None, "is_active": False, "effective_from": None, "fold_state": {"b": [1]}}
    write(connection, table, [second], small=small)
    assert read(connection, table) == [second, other]


def department(number: int, **values: Any) -> Row:
    row: Row = dict.fromkeys(plain.names_of(TABLES["department"]))
    ids = {"id": f"00000000-0000-4000-8000-{number:012}", "company_id": "00000000-0000-4000-8000-000000000000"}
    return row | ids | {"code": "D", "created_at": 0, "updated_at": 1} | values


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("table", [TABLES["lms_audit_trail"], HISTORY["employee"]], ids=lambda table: table.name)
def test_what_is_only_added_is_never_replaced(connection: psycopg.Connection[Any], table: Table, small: bool) -> None:
    """An audit row or version that is there already is an error, not a silent change."""
    emptied(connection, table)
    row: Row = dict.fromkeys(plain.names_of(table))
    ids = {"id": "00000000-0000-4000-8000-000000000001", "company_id": "00000000-0000-4000-8000-000000000000"}
    row |= ids | {c.name: 1 for c in table.columns if not c.nullable and plain.kind_of(c) in ("time", "date", "int4")}
    if "event_id" in row:
        row["event_id"] = ids["id"]
    write(connection, table, [row], small=small)
    with pytest.raises(psycopg.errors.UniqueViolation):
        write(connection, table, [row], small=small)
    assert read(connection, table) == [row]


def test_single_statements_are_prepared_once(connection: psycopg.Connection[Any]) -> None:
    """Whatever mix of NULLs and small and large numbers rows have, the server plans one statement."""
    table = TABLES["sync_run"]
    emptied(connection, table)
    blank: Row = dict.fromkeys(plain.names_of(table))
    blank |= {"company_id": "00000000-0000-4000-8000-000000000000", "created_at": 0, "updated_at": 0}
    blank["lms_integration_id"] = blank["company_id"]
    rows = [
        blank | {"id": f"00000000-0000-4000-8000-{number:012}", "changed": changed, "started_at": time}
        for number, (changed, time) in enumerate([(None, None), (1, 5), (40_000, -5), (2**31 - 1, 2**50)])
    ]
    write(connection, table, rows, small=True)
    assert read(connection, table) == rows
    statements = (
        'SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE \'INSERT INTO "hub"."sync_run"%VALUES%\''
    )
    assert connection.execute(statements).fetchone() == (1,)


def test_rows_are_found_and_deleted_by_key(connection: psycopg.Connection[Any]) -> None:
    """``ask`` finds the rows of the keys it is given and no other, by any key, also in a pipeline; ``delete`` likewise."""
    table = TABLES["department"]
    emptied(connection, table)
    rows = [department(number) for number in range(4)]
    write(connection, table, rows, small=False)
    with connection.cursor() as cursor, connection.cursor() as by_code:
        with connection.pipeline():
            plain.ask(cursor, table, [rows[2]["id"], rows[1]["id"], "00000000-0000-4000-8000-00000000ffff"])
            plain.ask(by_code, table, ["D"], by="code")
        assert sorted(plain.rows_from(cursor, table), key=lambda row: row["id"]) == rows[1:3]
        assert len(plain.rows_from(by_code, table)) == 4
        upsert.delete(cursor, table, [rows[0]["id"], rows[3]["id"]])
        upsert.delete(cursor, table, [])
    assert read(connection, table) == rows[1:3]


def test_temporary_tables_survive_what_is_rolled_back(connection: psycopg.Connection[Any]) -> None:
    """After an error the connection can write on, and nothing of the lost batch is left to be written."""
    table = TABLES["department"]
    emptied(connection, table)
    with pytest.raises(psycopg.errors.NotNullViolation):
        write(connection, table, [department(1), department(2, code=None)], small=False)
    write(connection, table, [department(3)], small=False)
    assert read(connection, table) == [department(3)]


SEALED = {text_: to_text(text_.encode().ljust(30, b".")) for text_ in ("Ada", "Ada Lovelace", '[{"comment": "good"}]')}


def opener(texts: list[str]) -> list[str | None]:
    clear = {sealed: text_ for text_, sealed in SEALED.items()}
    return [clear.get(text_) for text_ in texts]


@pytest.mark.parametrize("small", [True, False])
def test_personal_values_are_open_in_the_database_and_sealed_in_memory(
    connection: psycopg.Connection[Any], small: bool
) -> None:
    """What was folded comes back as it was folded; the database shows the text, or NULL where the key is gone."""
    table = TABLES["employee"]
    emptied(connection, table)
    erased = to_text(b"x" * 40)
    row: Row = dict.fromkeys(plain.names_of(table))
    row |= department(1) | {"given_name": SEALED["Ada"], "family_name": erased, "fold_state": {"a": 1}}
    row = {name: row[name] for name in plain.names_of(table)}
    write(connection, table, list(copyformat.opened([row], table, opener)), small=small)
    (stored,) = read(connection, table, sealed=False)
    assert (stored["given_name"], stored["family_name"], stored["email"]) == ("Ada", None, None)
    assert stored["fold_state"] == {"a": 1, "sealed": {"given_name": SEALED["Ada"], "family_name": erased}}
    assert read(connection, table) == [row]


def test_a_personal_json_column_shows_its_objects(connection: psycopg.Connection[Any]) -> None:
    """Sealed JSON text becomes jsonb in the database, and the sealed text again when it is read."""
    table = TABLES["lms_learning_progress"]
    emptied(connection, table)
    row: Row = dict.fromkeys(plain.names_of(table))
    row |= {name: value for name, value in department(1, course_id="C").items() if name in row}
    row["feedback_data"] = SEALED['[{"comment": "good"}]']
    write(connection, table, list(copyformat.opened([row], table, opener)), small=False)
    assert read(connection, table, sealed=False)[0]["feedback_data"] == [{"comment": "good"}]
    assert read(connection, table) == [row | {STATE: None}]
