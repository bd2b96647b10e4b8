"""CSV files as items: whatever arrives, each row is one item, and the rest of the file goes on."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import FileReader, Item
from connectors.files import CsvReader, ExcelReader, JsonReader, inspect, open_file
from connectors.files.csv_table import CsvTable
from connectors.files.lines import MAX_LINE
from connectors.files.options import Options
from hub.errors import Refused
from tests.support.sealing import file_config, make_observer

HEADER = "lms_user_id,display_name,course_id,enrollment_status,progress_percentage"
OPEN = "In Progress"


@pytest.fixture
def csv(tmp_path: Path) -> Any:
    """Writes a file and reads it back as items."""

    def read(content: str | bytes, options: dict[str, Any] | None = None, **columns: Any) -> list[Item]:
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        config = file_config(**columns)
        return list(open_file(str(path), config, make_observer(config), options or {}, lambda: 1_000_000))

    return read


def facts(item: Item) -> dict[str, Any]:
    assert item.problem is None, item.problem
    found: dict[str, Any] = item.observations[-1]["facts"]
    return found


def outcomes(items: list[Item]) -> list[str]:
    """The rule that rejected each item, or ``ok``, with its position."""
    return [f"{item.position} {item.problem.rule if item.problem else 'ok'}" for item in items]


def test_a_row_is_an_item(csv: Any) -> None:
    """Position, time of observation, hash of the canonical row, and what the row tells."""
    (item,) = csv(f'{HEADER}\n17,Ada,C1,{OPEN},"40,5 %"\n')
    assert item.position == "line 2"
    assert facts(item) == {"worked": True, "suspended": False, "progress": 4050}
    observation = item.observations[-1]
    assert (observation["observed_at"], observation["source_time"], observation["counted"]) == (1_000_000, None, True)
    assert observation["payload_sha256"] == item.sha256
    assert item.kept == b""


def test_the_same_row_has_the_same_hash_anywhere(csv: Any) -> None:
    """Neither line nor order of columns nor encoding is part of it."""
    one = csv("lms_user_id,course_id,display_name\n17,C1,Jürgen\n")
    other = csv("display_name;course_id;lms_user_id\nGrace;C2;18\nJürgen;C1;17\n".encode("cp1252"))
    assert one[0].sha256 == other[1].sha256 != other[0].sha256


def test_bad_rows_are_rejected_and_the_rest_goes_on(csv: Any) -> None:
    """Every kind of bad row is one item with its physical line; good rows between them are read."""
    items = csv(
        f"{HEADER}\n"
        f"1,Ada,C1,{OPEN},10\n"
        f"2,Grace,C1,{OPEN}\n"
        f"3,Joan,C1,{OPEN},10,more\n"
        "\n"
        "   \n"
        ",,,,\n"
        f"4,A\x00da,C1,{OPEN},10\n"
        f'5,"two\nlines",C1,{OPEN},10\n'
        "6,Ada,C1,Bestanden,10\n"
        f"7,Ada,C1,{OPEN},ten\n"
        f",Ada,C1,{OPEN},10\n"
        f"8,Ada,,{OPEN},10\n"
        f"{HEADER}\n"
        f'9,"Ada" x,C1,{OPEN},10\n'
        f'10,"=1+1",C1,{OPEN},#N/A\n'
        f"11,=HYPERLINK(),C1,{OPEN},10"
    )
    assert outcomes(items) == [
        "line 2 ok",
        "line 3 number of columns",
        "line 4 number of columns",
        "line 8 no NUL",
        "line 9 ok",
        "line 11 enumerated value",
        "line 12 number",
        "line 13 required",
        "line 14 required",
        "line 15 repeated headers",
        "line 16 quoting",
        "line 17 no spreadsheet error",
        "line 18 ok",
    ]
    for item in items:
        assert (item.problem is None) == bool(item.observations)
        if item.problem is not None:
            assert item.problem.field
            assert item.problem.expected
            assert item.kept
            assert item.sha256 == hashlib.sha256(item.kept).digest()


@pytest.mark.parametrize("rows_behind", [3, 30_000])
def test_a_quote_that_is_never_closed_costs_one_line(csv: Any, rows_behind: int) -> None:
    """A stray quote does not swallow the rows behind it, neither to the end of the file nor to the limit of a field."""
    items = csv('lms_user_id,course_id\n1,C1\n2,"C1\n' + "3,C1\n" * rows_behind)
    assert outcomes(items[:3]) == ["line 2 ok", "line 3 quoting", "line 4 ok"]
    assert len(items) == rows_behind + 2
    assert all(item.problem is None for item in items[2:])


def test_a_truncated_file(csv: Any) -> None:
    """What is whole is read; the row that breaks off, in a field or in a character, is rejected."""
    assert outcomes(csv('lms_user_id,course_id,display_name\n1,C1,"A"\n2,C1,"Gra')) == ["line 2 ok", "line 3 quoting"]
    assert outcomes(csv("lms_user_id,course_id,display_name\n1,C1,A\n2,C1,Jürgen".encode()[:-5])) == [
        "line 2 ok",
        "line 3 encoding",
    ]


def test_a_line_that_is_too_long(csv: Any) -> None:
    """It is described by its size and hash, its beginning is kept, and reading goes on."""
    long = "2," + "x" * (MAX_LINE + 5) + "\n"
    items = csv(f"lms_user_id,course_id\n1,C1\n{long}3,C1\n")
    assert outcomes(items) == ["line 2 ok", "line 3 size", "line 4 ok"]
    assert items[1].size == len(long)
    assert items[1].sha256 == hashlib.sha256(long.encode()).digest()
    assert len(items[1].kept) == 64 * 1024


TEXTS = {
    "utf-8": "Jürgen Źdźbło Алексей 李",
    "utf-8-sig": "Jürgen Źdźbło Алексей 李",
    "utf-16": "Jürgen Źdźbło Алексей 李",
    "utf-16-le": "Jürgen",
    "utf-16-be": "Jürgen",
    "utf-32": "Jürgen 李",
    "cp1252": "Jürgen Müller größte Straße",
    "cp1250": "Łukasz Żółć Dąbrowski źdźbło gęś",
    "cp1251": "Алексей Иванович Смирнов проходит курс",
    "shift_jis": "安全教育の受講者の氏名と進捗",
}


@pytest.mark.parametrize("encoding", sorted(TEXTS))
@pytest.mark.parametrize("far", [False, True])
def test_the_encoding_is_detected(csv: Any, encoding: str, far: bool) -> None:
    """Also where the first character that is not ASCII stands far behind."""
    rows = [f"{number},Plain,C1" for number in range(3000)] if far else []
    rows += [f"{number},{TEXTS[encoding]},C1" for number in range(5)]
    items = csv("\n".join(["lms_user_id,course_name,course_id", *rows]).encode(encoding))
    assert [item.observations[0]["facts"]["course_name"] for item in items[-5:]] == [TEXTS[encoding]] * 5
    assert all(item.problem is None for item in items)


def test_a_declared_encoding_wins(csv: Any) -> None:
    """Bytes that are no character of it reject their row, not the file; an encoding that is none is refused."""
    content = "lms_user_id,course_id,course_name\n1,C1,Plain\n2,C1,Müller\n".encode("cp1252")
    assert outcomes(csv(content, {"encoding": "utf-8"})) == ["line 2 ok", "line 3 encoding"]
    assert csv(content, {"encoding": "cp850"})[1].observations[0]["facts"]["course_name"] != "Müller"
    assert csv(content, encoding_format="ISO-8859-1")[1].observations[0]["facts"]["course_name"] == "Müller"
    for name in ("klingon", "base64", "rot13"):
        with pytest.raises(Refused, match="encoding"):
            csv(content, {"encoding": name})


def test_one_damaged_row_does_not_make_another_encoding(csv: Any) -> None:
    """A UTF-8 file with a broken character in one row is a UTF-8 file."""
    content = "lms_user_id,course_id,course_name\n1,C1,Größe\n2,C1,?\n3,C1,Maß\n".encode().replace(b"?", b"\xfc")
    items = csv(content)
    assert outcomes(items) == ["line 2 ok", "line 3 encoding", "line 4 ok"]
    assert items[0].observations[0]["facts"]["course_name"] == "Größe"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected(csv: Any, tmp_path: Path, delimiter: str) -> None:
    """By the number of columns that rows share, though the others stand in the values too."""
    values = ["1", '"a, b; c | d\te"', "C1", '"1,5"', "10.5"]
    header = HEADER.replace(",", delimiter).replace("enrollment_status", "score_achieved")
    items = csv("\n".join([header] + [delimiter.join(values)] * 3))
    assert [facts(item)["score"] for item in items] == [15_000] * 3
    assert inspect(str(tmp_path / "list.csv"), {}).delimiter == delimiter


def test_german_numbers_do_not_mislead(csv: Any) -> None:
    """Decimal commas in every row are no columns."""
    items = csv("lms_user_id;course_id;score_achieved\n" + "1;C1;1,5\n" * 5)
    assert {facts(item)["score"] for item in items} == {15_000}


def test_options(csv: Any, tmp_path: Path) -> None:
    """Delimiter, header row, dates, zone and decimal mark, from the call or from the integration's settings."""
    text = "Report of May\n\nlms_user_id^course_id^due_date^last_access_date^score_achieved\n1^C1^13.03.2024^14.03.2024 10:00^1.234\n"
    options = {"delimiter": "^", "header_row": 3, "date_format": "%d.%m.%Y", "time_zone": "UTC", "decimal_mark": ","}
    expected = {
        "due_on": 19795,
        "last_access_at": 1_710_410_400_000_000,
        "score": 12_340_000,
        "time_zone": "UTC",
    }
    (item,) = csv(text, options)
    assert facts(item) == expected
    assert item.position == "line 4"
    (item,) = csv(text, {"decimal_mark": "."}, settings=options | {"other": 1})
    assert facts(item) == expected | {"score": 12_340}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delimiter", "ab"),
        ("delimiter", '"'),
        ("header_row", 0),
        ("header_row", "x"),
        ("date_format", "%d.%m."),
        ("color", "red"),
        ("date_format", 7),
        ("time_zone", "Mars/Base"),
        ("time_zone", "../x"),
        ("decimal_mark", ";"),
        ("format", "pdf"),
        ("sheet", ""),
    ],
)
def test_wrong_options_are_refused(csv: Any, name: str, value: object) -> None:
    """Before the file is opened, naming the option."""
    with pytest.raises(Refused) as caught:
        csv("lms_user_id,course_id\n1,C1\n", {name: value})
    assert caught.value.field == name


def test_what_excel_declares(csv: Any) -> None:
    """A first line ``sep=;`` names the delimiter and is no header."""
    (item,) = csv("sep=;\nlms_user_id;course_id\n1;C1\n")
    assert item.position == "line 3"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "headers"),
        (b"\n\n , \n", "headers"),
        (b"Name,Kurs\nAda,C1\n", "learner"),
        (b"email,Kurs\nada@example.org,C1\n", "course_id"),
        (b"email,course_id,course_id\n", "course_id"),
        (b"email,course_id,Course ID\n", "course_id"),
        (b"email,course_id,\xfc\n", "headers"),
        (b"\x00\x01\x02\x03", "headers"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "file"),
        (b"PK\x03\x04cut off", "file"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_refused(csv: Any, content: bytes, field: str) -> None:
    """No headers, columns that do not tell learner and course, or another kind of file: refused as a whole, at once."""
    with pytest.raises(Refused) as caught:
        csv(content, {"encoding": "utf-8"})
    assert caught.value.field == field


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is refused in one sentence."""
    with pytest.raises(Refused, match="can be read"):
        open_file(str(tmp_path / "none.csv"), file_config(), make_observer(), {}, lambda: 0)


def test_rules_of_the_integration(csv: Any) -> None:
    """Other headers by mapping, statuses by table, checks by schema; a mapped header that is missing is refused."""
    columns = {
        "field_mappings": {
            "hr_number": "Personal-Nr.",
            "course_id": "Kurs",
            "enrollment_status": '"Stand (neu)"',
            "updated_at": "am",
        },
        "transformation_rules": {"enrollment_status": {"values": {"bestanden": "Completed"}, "default": "error"}},
        "validation_rules": {"properties": {"course_id": {"pattern": "^C"}}},
    }
    text = "Personal-Nr.;Kurs;Stand (neu);am\n7;C1;Bestanden;2024-03-13T10:00:00Z\n7;C1;offen;\n7;D1;bestanden;\n"
    items = csv(text, **columns)
    assert outcomes(items) == [
        "line 2 ok",
        "line 3 transformation_rules.enrollment_status.values",
        "line 4 validation_rules: pattern",
    ]
    assert items[0].observations[-1]["source_time"] == 1_710_324_000_000_000
    with pytest.raises(Refused) as caught:
        csv(text.replace("Kurs", "Course"), **columns)
    assert caught.value.field == "field_mappings.course_id"
    with pytest.raises(Refused, match="field_mappings"):
        csv(text, field_mappings={"course_id": "trim("})


def test_inspect(csv: Any, tmp_path: Path) -> None:
    """Encoding, delimiter, headers and the first readable rows, without any mapping."""
    csv("lms_user_id;course_id;Größe\n1;C1;x\nbroken\n2;C1;y\n".encode("cp1252"))
    shape = inspect(str(tmp_path / "list.csv"), {})
    assert (shape.format, shape.encoding, shape.delimiter, shape.sheet) == ("csv", "cp1252", ";", None)
    assert shape.headers == ["lms_user_id", "course_id", "Größe"]
    assert [row["Größe"] for row in shape.sample_rows] == ["x", "y"]


@pytest.mark.parametrize("form", ["[{0},7,{0}]", "{0}\n7\n{0}\n"])
def test_json_records(csv: Any, form: str) -> None:
    """An array or lines of objects, also nested ones by mapping; what is no object is one rejected item."""
    items = csv(
        form.replace("{0}", '{"user":{"id":17},"course_id":"C1","progress_percentage":40}'),
        field_mappings={"lms_user_id": "user.id"},
    )
    assert [item.problem is None for item in items] == [True, False, True]
    assert facts(items[2]) == {"progress": 4000}


def test_readers_are_file_readers() -> None:
    """All three fulfil the contract, and every format has one reader."""
    observer = make_observer()
    readers: list[FileReader] = [kind(observer.config, observer) for kind in (CsvReader, ExcelReader, JsonReader)]
    assert sorted(name for reader in readers for name in reader.formats) == ["csv", "json", "jsonl", "xlsx"]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_round_trip(tmp_path: Path, rows: list[list[str]], delimiter: str) -> None:
    """Whatever stands in cells, quoted as CSV quotes: every row comes back as it was written."""
    path = tmp_path / "round.csv"
    quoted = ['"' + cell.replace('"', '""') + '"' for row in rows for cell in row]
    pairs = [delimiter.join((str(place), *quoted[2 * place : 2 * place + 2])) for place in range(len(rows))]
    path.write_bytes("\r\n".join([delimiter.join(("lms_user_id", "course_id", "x")), *pairs]).encode())
    shape = inspect(str(path), {"encoding": "utf-8", "delimiter": delimiter})
    assert [[row["course_id"], row["x"]] for row in shape.sample_rows] == rows[:5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_end_as_items_or_a_refusal(tmp_path: Path, tail: bytes) -> None:
    """Behind good headers anything may follow: items are rejected or not, and nothing else is raised."""
    path = tmp_path / "any.csv"
    path.write_bytes(b"lms_user_id,course_id\n1,C1\n" + tail)
    try:
        items = list(open_file(str(path), file_config(), make_observer(), {"format": "csv"}, lambda: 1))
    except Refused:
        return
    assert all((item.problem is None) == bool(item.observations) for item in items)


def test_memory_stays_flat(tmp_path: Path) -> None:
    """50,000 rows, and the items of some of them, need no more memory than the first of them."""
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER + ",course_name\n")
        file.writelines(
            f"{row % 50},Ada Lovelace,C{row % 7},{OPEN},{row % 100},Größe {row % 7}\n" for row in range(50_000)
        )
    table = CsvTable(str(path), Options())
    assert grown(table.rows(), 49_999) < 1024 * 1024
    assert next(table.rows(), None) is None
    table.close()
    items = open_file(str(path), file_config(), make_observer(), {}, lambda: 1)
    assert grown(items, 3_000) < 1024 * 1024


def grown(things: Iterator[Any], count: int) -> int:
    """By how many bytes memory grows, at most, while so many of them are read after the first."""
    next(things)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        read = sum(thing.problem is None for thing in islice(things, count))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == count
    return peak - before
