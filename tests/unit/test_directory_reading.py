"""Directory files in their three formats become records; what cannot be read is a record with its reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from hub.directory.columns import COLUMNS, KINDS
from hub.directory.reading import Told, company_id_in, read_directory, unknown_headers
from hub.domain import ids
from hub.errors import Refused

ROWS = [
    {"record": "company", "code": "ACME", "name": "Acme"},
    {"record": "department", "code": "SALES", "name": "Sales"},
    {"record": "", "employee_number": "E1", "given_name": "Ada"},
    {"record": "User", "login": "ada", "employee_number": "E1"},
]


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> str:
    path = folder / "directory.csv"
    path.write_text(text, encoding=encoding)
    return str(path)


def as_csv(folder: Path) -> str:
    headers = ["record", "code", "name", "employee_number", "given_name", "login"]
    lines = [",".join(headers)] + [",".join(row.get(header, "") for header in headers) for row in ROWS]
    return csv_file(folder, "\n".join(lines))


def as_workbook(folder: Path) -> str:
    book = Workbook()
    book.remove(book.worksheets[0])
    for row in ROWS:
        kind = {"company": "Companies", "department": "departments", "": "employee", "User": "USERS"}[row["record"]]
        cells = {name: value for name, value in row.items() if name != "record"}
        sheet = book.create_sheet(kind)
        sheet.append(list(cells))
        sheet.append(list(cells.values()))
    book.create_sheet("notes").append(["anything"])
    path = folder / "directory.xlsx"
    book.save(path)
    return str(path)


def as_json(folder: Path) -> str:
    lists = {"companies": [ROWS[0]], "departments": [ROWS[1]], "employees": [ROWS[2]], "users": [ROWS[3]]}
    path = folder / "directory.json"
    path.write_text(json.dumps(lists))
    return str(path)


def said(told: Told) -> dict[str, Any]:
    return {name: value for name, value in told.cells.items() if value and name != "record"}


@pytest.mark.parametrize("write", [as_csv, as_workbook, as_json])
def test_each_format_gives_the_same_records(write: Any, tmp_path: Path) -> None:
    """The kind is told by the column record, the sheet or the list; what is empty says employee."""
    told = list(read_directory(write(tmp_path)))
    assert [one.kind for one in told] == ["company", "department", "employee", "user"]
    assert [said(one) for one in told] == [{k: v for k, v in row.items() if v and k != "record"} for row in ROWS]
    assert all(one.problem is None for one in told)
    assert len({one.position for one in told}) == len(told)


@pytest.mark.parametrize("write", [as_csv, as_workbook, as_json])
def test_the_company_of_a_file_is_found(write: Any, tmp_path: Path) -> None:
    """A first import needs no company that is known: its id follows from the code in the file."""
    assert company_id_in(write(tmp_path)) == ids.company_id("ACME")


def test_no_company_is_found_where_there_is_none(tmp_path: Path) -> None:
    assert company_id_in(csv_file(tmp_path, "employee_number\nE1\n")) is None


def test_rows_that_cannot_be_read_are_records_with_a_problem(tmp_path: Path) -> None:
    """An unknown kind, a missing cell and a NUL each cost one row."""
    text = "record,employee_number\nemployee,E1\nrobot,E2\nemployee\nemp\0loyee,E4\nemployee,E5\n"
    told = list(read_directory(csv_file(tmp_path, text)))
    assert [one.problem and (one.problem.field, one.problem.rule) for one in told] == [
        None,
        ("record", "kind of record"),
        ("row", "number of columns"),
        ("record", "no NUL"),
        None,
    ]
    assert [one.position for one in told] == [f"line {n}" for n in (2, 3, 4, 5, 6)]
    assert all(one.raw for one in told)


def test_other_encodings_and_delimiters_are_read(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Employee Number;Given-Name\nE1;Jürgen\nE2;Zoë\n", "cp1252")
    assert [one.cells["Given-Name"] for one in read_directory(path)] == ["Jürgen", "Zoë"]


def test_a_json_record_that_is_no_object_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps([{"employee_number": "E1"}, "E2"]))
    first, second = read_directory(str(path))
    assert first.problem is None
    assert second.problem is not None
    assert second.problem.rule == "JSON object"


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("d.csv", "number,given_name\nE1,Ada\n", "required"),
        ("d.csv", "employee_number,manager,manager_number\n", "one column for one value"),
        ("d.json", '{"employees": [', "JSON"),
        ("d.json", '{"staff": []}', "list per kind"),
        ("d.json", '{"employees": {}}', "list per kind"),
        ("d.xlsx", "PK\x03\x04 and no more", "whole workbook"),
    ],
)
def test_a_file_that_names_nobody_is_refused(name: str, content: str, rule: str, tmp_path: Path) -> None:
    """A file of which nothing can be used is refused before its first record, with what was expected."""
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(Refused) as caught:
        list(read_directory(str(path)))
    assert caught.value.rule == rule
    assert caught.value.expected


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="can be read"):
        list(read_directory(str(tmp_path / "none.csv")))


def test_headers_of_nobody_are_told(tmp_path: Path) -> None:
    """A slip such as "e-mails" would silently lose a column."""
    (told,) = read_directory(csv_file(tmp_path, "employee_number,e-mails,login\nE1,x,y\n"))
    assert unknown_headers(told) == ["e-mails"]


def test_the_documentation_has_every_column() -> None:
    """docs/directory.md and the declarations are the same: names, other names, and what an empty cell does."""
    text = Path("docs/directory.md").read_text(encoding="utf-8")
    for kind in KINDS:
        part = re.split(r"\n(?=\*\*|## )", text[text.index(f"**{kind}**") :])[0]
        rows = [line.split("|")[1:4] for line in part.splitlines() if line.startswith("| `")]
        names = [tuple(re.findall(r"`([a-z_]+)`", row[0])) for row in rows]
        assert names == [(column.name, *column.also) for column in COLUMNS[kind]]
        cleared = [row[2].strip() == "cleared" for row in rows]
        assert cleared == [column.clears for column in COLUMNS[kind]]
