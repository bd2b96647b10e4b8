"""The declarations of the specified tables are the specification's text, and the comparison would notice if not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table

from projections.tables import TABLES
from projections.tables.specification import SpecifiedTable, differences, parse

ROOT = Path(__file__).parents[2]
COPY = ROOT / "docs" / "specification.md"
ORIGINAL = ROOT.parent / "shared" / "spec" / "lms-integration-spec.md"
SPECIFIED = sorted(name for name, table in TABLES.items() if table.info["part"] == "specification")
FIRST = {"lms_integration_config", "lms_course_enrollment", "lms_learning_progress", "lms_audit_trail"}


@pytest.fixture(scope="module")
def text() -> str:
    return COPY.read_text(encoding="utf-8")


def specified(text: str, name: str) -> SpecifiedTable:
    return parse(text)[name]


def test_the_copy_is_the_original() -> None:
    """What is kept in the documentation is the text that was agreed on."""
    if not ORIGINAL.exists():
        pytest.skip("the original of the specification is not on this machine")
    assert COPY.read_bytes() == ORIGINAL.read_bytes()


def test_every_table_of_the_text_is_read(text: str) -> None:
    """Nothing is passed over: 23 tables, and every field, index and constraint line of them."""
    tables = parse(text)
    assert len(tables) == 23
    lines = sum(line.startswith("- ") for line in text.splitlines())
    read = sum(len(t.columns) + len(t.indexes) + len(t.foreign_keys) + len(t.checks) + 1 for t in tables.values())
    assert read == lines


def test_the_tables_of_the_spine_are_declared() -> None:
    """Configuration, enrollment, progress and audit trail exist, and each says that the specification rules it."""
    assert set(SPECIFIED) >= FIRST


@pytest.mark.parametrize("name", SPECIFIED)
def test_declaration_is_the_specification(text: str, name: str) -> None:
    """Columns in order, types, lengths, enumerations, defaults, NOT NULL, indexes, keys and checks are as written."""
    assert differences(specified(text, name), TABLES[name]) == []


@pytest.mark.parametrize("name", SPECIFIED)
def test_fold_state_is_the_only_column_added(text: str, name: str) -> None:
    """``fold_state`` comes last; the audit trail, which has no state, does without."""
    wanted = [column.name for column in specified(text, name).columns]
    added = [] if name == "lms_audit_trail" else ["fold_state"]
    assert [column.name for column in TABLES[name].columns] == wanted + added


@pytest.mark.parametrize("name", SPECIFIED)
def test_unique_and_indexed_words_have_an_index(text: str, name: str) -> None:
    """A column called Unique leads a unique key (per company), one called Indexed leads an index."""
    table = specified(text, name)
    for column in table.columns:
        if "Unique" in column.words:
            assert ("UNIQUE KEY", (column.name, "company_id")) in table.indexes.values()
        if "Indexed" in column.words:
            assert column.name in {columns[0] for _, columns in table.indexes.values()}


EDITS = {
    "a length": ("lms_name: VARCHAR(200)", "lms_name: VARCHAR(201)"),
    "a type": ("is_active: BOOLEAN (Default: TRUE)\n- connection", "is_active: INTEGER (Default: 1)\n- connection"),
    "a default": ("timeout_seconds: INTEGER (Default: 30)", "timeout_seconds: INTEGER (Default: 31)"),
    "a default more": ("last_sync_at: TIMESTAMP", "last_sync_at: TIMESTAMP (Auto)"),
    "a default less": ("(Default: 'UTF-8')", ""),
    "required": ("api_endpoint_url: VARCHAR(500)", "api_endpoint_url: VARCHAR(500) (Required)"),
    "not required": ("lms_name: VARCHAR(200) (Required)", "lms_name: VARCHAR(200)"),
    "an enum value more": ("'OAuth 2.0', ", "'OAuth 2.0', 'OAuth 1.0', "),
    "an enum value less": ("'OAuth 2.0', ", ""),
    "a column more": ("- lms_code:", "- lms_owner: TEXT\n- lms_code:"),
    "a column less": ("- encoding_format: VARCHAR(20) (Default: 'UTF-8')\n", ""),
    "an order": (
        "- error_count: INTEGER (Default: 0)\n- max_retry_attempts: INTEGER (Default: 3)\n",
        "- max_retry_attempts: INTEGER (Default: 3)\n- error_count: INTEGER (Default: 0)\n",
    ),
    "an index more": ("- INDEX idx_lms_type (lms_type)", "- INDEX idx_lms_type (lms_type)\n- INDEX idx_x (lms_name)"),
    "an index less": ("- INDEX idx_lms_type (lms_type)\n", ""),
    "an index's columns": ("idx_lms_type (lms_type)", "idx_lms_type (lms_name)"),
    "an index's uniqueness": ("INDEX idx_lms_type", "UNIQUE KEY idx_lms_type"),
    "a unique key's order": ("(lms_code, company_id)", "(company_id, lms_code)"),
    "a foreign key's name": ("fk_lms_integration_company ", "fk_lms_integration_firm "),
    "a foreign key's target": ("(company_id) REFERENCES company(id)", "(company_id) REFERENCES user(id)"),
    "a check's limit": ("rate_limit_per_hour > 0", "rate_limit_per_hour >= 0"),
    "a check less": ("- chk_error_count_valid CHECK (error_count >= 0 AND error_count <= max_retry_attempts)\n", ""),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_changed_text_is_noticed(text: str, edit: tuple[str, str]) -> None:
    """Whatever a table's text says otherwise than the declaration, more or less, is a difference."""
    before, after = edit
    start = text.index("Table: lms_integration_config")
    place = text.index(before, start)
    assert place < text.index("END OF SECTION 13.4.2"), "the edit must touch the table it is about"
    changed = text[:place] + after + text[place + len(before) :]
    assert differences(specified(changed, "lms_integration_config"), TABLES["lms_integration_config"])


def copy_of(name: str) -> Table:
    metadata = MetaData()
    for table in TABLES.values():
        table.to_metadata(metadata)
    return metadata.tables[f"hub.{name}"]


def test_a_changed_declaration_is_noticed(text: str) -> None:
    """What a declaration has beyond the text is a difference too; an unchanged copy has none."""
    table = specified(text, "lms_course_enrollment")
    assert differences(table, copy_of("lms_course_enrollment")) == []

    longer = copy_of("lms_course_enrollment")
    longer.append_column(Column("comment", Integer()))
    indexed = copy_of("lms_course_enrollment")
    Index("one_more", indexed.c.due_date)
    checked = copy_of("lms_course_enrollment")
    checked.append_constraint(CheckConstraint("max_score > 0", name="chk_one_more"))
    for changed in (longer, indexed, checked):
        assert len(differences(table, changed)) == 1


def test_an_unreadable_line_is_refused(text: str) -> None:
    """A line that the reader does not know stops it, so that no rule is lost in silence."""
    with pytest.raises(ValueError, match=r"lms_integration_config.*lms_name"):
        parse(text.replace("- lms_name: VARCHAR(200) (Required)", "- lms_name = VARCHAR(200)", 1))
