"""Excel workbooks as items."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from connectors.contract import Item
from connectors.files import inspect, open_file
from hub.domain.units import days, micros
from hub.errors import Refused
from tests.support.sealing import file_config, make_observer

HEADERS = ["Lms User ID", "Course ID", "Enrollment Status", "Progress percentage", "Completion Date", "Updated At"]


def items_of(path: Path, **options: Any) -> list[Item]:
    return list(open_file(str(path), file_config(), make_observer(), options, lambda: 1_000_000))


def outcomes(items: list[Item]) -> list[str]:
    return [f"{item.position} {item.problem.rule if item.problem else 'ok'}" for item in items]


def save(path: Path, *rows: list[Any], headers: list[Any] | None = None) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Sheet1"
    for row in [HEADERS if headers is None else headers, *rows]:
        sheet.append(row)
    book.save(path)
    return path


def rewritten(path: Path, change: Any, part: str = "xl/worksheets/sheet1.xml") -> Path:
    """The workbook with one of its parts changed, as other programs and bad disks write it."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in parts.items():
            book.writestr(name, data)
    return path


def test_cells_of_all_kinds(tmp_path: Path) -> None:
    """Whole numbers are ids, dates are days, dates with a time are moments in the declared zone, percents are percents."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADERS)
    sheet.append([17.0, "C1", "Completed", 0.855, datetime(2024, 3, 13), datetime(2024, 3, 13, 10, 30)])  # noqa: DTZ001
    sheet["D2"].number_format = "0.0%"
    sheet.append([18, 101, "completed", 85.5, date(2024, 3, 13), "2024-03-13T09:30:00Z"])
    sheet.append([19, True, None, None, None, None])
    sheet.append([20, "C1", None, None, time(0, 0), None])
    path = tmp_path / "book.xlsx"
    book.save(path)
    first, second, third, fourth = items_of(path, time_zone="Europe/Vienna")
    for item in (first, second):
        told = item.observations[-1]
        assert told["facts"]["progress"] == 8550
        assert told["facts"]["completed_on"] == days(date(2024, 3, 13))
        assert told["source_time"] == micros(datetime(2024, 3, 13, 9, 30, tzinfo=UTC))
    assert second.observations[0]["facts"]["course_key"] == "101"
    assert third.problem is not None
    assert third.problem.field == "course_id"
    assert "completed_on" not in fourth.observations[-1]["facts"]


def test_positions_and_bad_rows(tmp_path: Path) -> None:
    """Rows are named after their sheet and number; empty ones are skipped, bad ones rejected, good ones go on."""
    path = save(
        tmp_path / "book.xlsx",
        [1, "C1"],
        [],
        [None, "  "],
        [2, "C1", "Done"],
        [3, "C1", "Completed", None, None, None, "too many"],
        HEADERS,
        [None, "C1"],
        [4, "#N/A"],
        [5, "C1", None, None, None, datetime(2024, 3, 13, 10)],  # noqa: DTZ001
        [6, "C1"],
    )
    assert outcomes(items_of(path)) == [
        "Sheet1!row 2 ok",
        "Sheet1!row 5 enumerated value",
        "Sheet1!row 6 number of columns",
        "Sheet1!row 7 repeated headers",
        "Sheet1!row 8 required",
        "Sheet1!row 9 no spreadsheet error",
        "Sheet1!row 10 time with its offset",
        "Sheet1!row 11 ok",
    ]


def test_text_like_a_formula_stays_text(tmp_path: Path) -> None:
    """A cell that holds the text ``=1+1`` is that text; a formula is its last result."""
    path = save(tmp_path / "book.xlsx", ["TEXT", "C1"], [-42, "C1"])
    rewritten(path, lambda xml: xml.replace(b">TEXT<", b">=1+1<").replace(b"<v>-42<", b"<f>40+2</f><v>42<"))
    rows = inspect(str(path), {}).sample_rows
    assert [row["Lms User ID"] for row in rows] == ["=1+1", 42]
    assert outcomes(items_of(path)) == ["Sheet1!row 2 ok", "Sheet1!row 3 ok"]


def test_a_workbook_that_breaks_off(tmp_path: Path) -> None:
    """The readable rows are items, then one rejected item says that the rest is missing."""
    path = save(tmp_path / "book.xlsx", *([number, "C1"] for number in range(200)))
    items = items_of(rewritten(path, lambda xml: xml[: len(xml) // 2]))
    assert 50 < len(items) < 150
    assert all(item.problem is None for item in items[:-1])
    last = items[-1]
    assert last.problem is not None
    assert last.problem.rule == "whole workbook"
    assert last.position == f"Sheet1!after row {len(items)}"


@pytest.mark.parametrize("keep", [0.2, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float) -> None:
    """Without its end the archive has no directory, and nothing of it can be read."""
    path = save(tmp_path / "book.xlsx", *([number, "C1"] for number in range(200)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(Refused) as caught:
        items_of(path)
    assert caught.value.rule == "whole workbook"


@pytest.mark.parametrize("part", ["xl/workbook.xml", "[Content_Types].xml", "xl/styles.xml"])
def test_damage_in_other_parts_is_refused(tmp_path: Path, part: str) -> None:
    """What the whole workbook needs is broken: nothing is read."""
    path = save(tmp_path / "book.xlsx", [1, "C1"])
    with pytest.raises(Refused):
        items_of(rewritten(path, lambda xml: xml[: len(xml) // 2], part))


def test_sheets(tmp_path: Path) -> None:
    """The first visible sheet, or the one that is named; another name is refused with those there are."""
    book = Workbook()
    assert book.active is not None
    book.active.title = "Hidden"
    book.active.sheet_state = "hidden"
    for name in ("First", "Second"):
        sheet = book.create_sheet(name)
        sheet.append(["Report"])
        sheet.append(["lms_user_id", "course_id"])
        sheet.append([1, name])
    path = tmp_path / "book.data"
    book.save(path)
    assert [item.position for item in items_of(path, header_row=2)] == ["First!row 3"]
    assert [item.position for item in items_of(path, header_row=2, sheet="Second")] == ["Second!row 3"]
    with pytest.raises(Refused, match="First"):
        items_of(path, sheet="Third")
    with pytest.raises(Refused, match="empty"):
        items_of(path, sheet="Hidden")


def test_a_wrong_size_in_the_file_does_no_harm(tmp_path: Path) -> None:
    """Some programs write a dimension that is not true."""
    path = save(tmp_path / "book.xlsx", [1, "C1"], [2, "C1"])
    assert len(items_of(rewritten(path, lambda xml: xml.replace(b'ref="A1:F3"', b'ref="A1:A1"')))) == 2


def test_headers_that_repeat_are_refused(tmp_path: Path) -> None:
    """Which column counts is not guessed; columns without a header do no harm."""
    with pytest.raises(Refused, match="differ"):
        items_of(save(tmp_path / "book.xlsx", [1, "C1", 2], headers=["lms_user_id", "course_id", "course_id"]))
    (item,) = items_of(save(tmp_path / "book.xlsx", [1, "x", "C1"], headers=["lms_user_id", None, "course_id"]))
    assert item.problem is None


def test_the_hash_is_that_of_the_values(tmp_path: Path) -> None:
    """The same row in another place of another workbook is the same record."""
    one = items_of(save(tmp_path / "one.xlsx", [1, "C1"]))
    two = items_of(save(tmp_path / "two.xlsx", [2, "C1"], [1, "C1"]))
    assert one[0].sha256 == two[1].sha256 != two[0].sha256
