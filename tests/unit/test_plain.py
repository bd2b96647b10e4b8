"""What is derived from declarations without a database: SELECT lists, caches, and how sealed values are written."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Interval, MetaData, Table

from hub.domain.rows import Row
from hub.domain.sealing import to_text
from projections import copyformat, plain, upsert
from projections.tables import TABLES

EMPLOYEE = TABLES["employee"]
SEALED = to_text(b"x" * 40)


def employee(**values: object) -> Row:
    return dict.fromkeys(plain.names_of(EMPLOYEE)) | values


def test_the_select_list_has_every_column_in_order() -> None:
    """The statement reads plain values under names that PostgreSQL would otherwise take for key words."""
    sql = plain.load_sql(TABLES["user"])
    assert sql.startswith('SELECT "id"::text, "company_id"::text, "login", ')
    assert sql.endswith(' FROM "hub"."user" WHERE "id" = ANY(%s::uuid[])')
    progress = plain.select_list(TABLES["lms_learning_progress"])
    assert '("score_achieved" * 100)::int8' in progress
    assert '(extract(epoch from "first_access_date") * 1000000)::int8' in progress


def test_a_type_without_plain_value_is_refused() -> None:
    """A declaration with a new type fails when it is first used, not when a row is written wrong."""
    table = Table("t", MetaData(), Column("span", Interval()), info={"rules": (), "part": "hub"})
    with pytest.raises(TypeError, match="span"):
        plain.select_list(table)


def test_a_cache_is_bounded_and_stays_right() -> None:
    """More values than the cache holds are all encoded right, before and after it was emptied, NULL too."""
    cache = copyformat.Cache(str.encode)
    values = [str(number) for number in range(copyformat.CACHE_LIMIT + 10)]
    assert [cache[value] for value in values] == [value.encode() for value in values]
    assert len(cache) <= copyformat.CACHE_LIMIT
    assert cache["3"] == b"3"
    assert cache[None] == copyformat.NULL


def test_personal_texts_are_not_cached() -> None:
    """What may have to be forgotten does not stay in memory."""
    row = employee(id="3f2504e0-4f89-11d3-9a0c-0305e82c3301", given_name="Ada", job_title="Analyst")
    row |= {"created_at": 0, "updated_at": 0}
    assert b"Ada" in copyformat.encoder(EMPLOYEE)([row])
    assert "Analyst" in copyformat._TEXTS
    assert "Ada" not in copyformat._TEXTS


@pytest.mark.parametrize("value", ["3f2504e0", "3f2504e0-4f89-11d3-9a0c-0305e82c330100"])
def test_a_uuid_of_another_length_never_shifts_the_stream(value: str) -> None:
    """A wrong length would make PostgreSQL read all that follows at the wrong place."""
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        copyformat.encoder(EMPLOYEE)([employee(id=value, created_at=0, updated_at=0)])


def test_a_row_without_a_column_is_an_error() -> None:
    """Every column is present; one that is missing is not taken for NULL."""
    row = employee()
    del row["site"]
    with pytest.raises(KeyError, match="site"):
        copyformat.encoder(EMPLOYEE)([row])


def test_opening_asks_once_and_leaves_the_rows_alone() -> None:
    """One call for a whole batch; the rows in memory keep their sealed values; others are not copied."""
    asked: list[list[str]] = []

    def opener(texts: list[str]) -> list[str | None]:
        asked.append(texts)
        return [f"clear {number}" for number in range(len(texts))]

    other = to_text(b"y" * 40)
    rows = [employee(email=SEALED, fold_state={"a": 1}), employee(), employee(email=other, site="Paris")]
    before = [row.copy() for row in rows]
    written = copyformat.opened(rows, EMPLOYEE, opener)
    assert asked == [[SEALED, other]]
    assert rows == before
    assert written[1] is rows[1]
    assert (written[0]["email"], written[2]["email"]) == ("clear 0", "clear 1")
    assert written[0]["fold_state"] == {"a": 1, "sealed": {"email": SEALED}}


def test_without_sealed_values_nothing_is_done() -> None:
    """No call and no copy for a table without personal columns, nor for rows without personal values."""
    for table, rows in ((TABLES["team"], [{"id": SEALED}]), (EMPLOYEE, [employee(fold_state={"a": 1})])):
        assert copyformat.opened(rows, table, no_opener) is rows


def no_opener(texts: list[str]) -> list[str | None]:
    raise AssertionError(texts)


def test_a_table_without_state_keeps_no_sealed_texts() -> None:
    """An audit row or version shows the text; after an erasure and a rebuild it shows NULL."""
    audit = TABLES["lms_audit_trail"]
    (written,) = copyformat.opened(
        [dict.fromkeys(plain.names_of(audit)) | {"ip_address": SEALED}], audit, lambda _: [None]
    )
    assert written == dict.fromkeys(plain.names_of(audit))


@pytest.mark.parametrize("state", [None, {}, "{}"])
def test_an_empty_state_is_written_as_null(state: object) -> None:
    """A row whose last sealed value was cleared is the same, folded from the cache or from what was read back."""
    (written,) = copyformat.opened([employee(fold_state=state)], EMPLOYEE, lambda _: [])
    assert written["fold_state"] is None


def test_the_upsert_replaces_all_but_the_key() -> None:
    """Every column that is not part of the key is set, so no old value survives."""
    sql = upsert.upsert_sql(TABLES["projection_offset"])
    assert 'ON CONFLICT ("topic", "partition") DO UPDATE SET "next_offset" = EXCLUDED."next_offset", ' in sql
    assert '"topic" = ' not in sql
    assert "ON CONFLICT" not in upsert.row_sql(TABLES["lms_audit_trail"])
