"""Whatever arrives ends as a row, a stored fact or a dead letter; the rest of the file goes on, nothing is told twice.

Every file is taken in twice by :meth:`tests.support.bad_input.Desk.take`, which holds what is true of all of them: the
accounting adds up, a repeat tells nothing, dead letters name field, rule and expectation and no personal value, and the
runners are well.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import resource
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import Workbook

from connectors.contract import Item
from hub.errors import Refused
from hub.intake.run import Source
from tests.support.bad_input import ADL, COURSE_TYPE, TWIN, Desk, Outcome, desk, lines, statement
from tests.support.site import COMPANY, ends

HEADER = "email,course_id,enrollment_status,progress_percentage,changed_at\n"
KEPT = 64 * 1024


@pytest.fixture(scope="module")
def hub_desk(make_database: Callable[[str | None], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(make_database(None), tmp_path_factory.mktemp("bad")) as made:
        yield made


def row(person: int, course: str, status: str = "In Progress", progress: str = "50") -> str:
    return f"learner{person}@example.org,{course},{status},{progress},2026-01-05T08:00:00Z\n"


def csv(*rows: str, header: str = HEADER) -> bytes:
    return (header + "".join(rows)).encode()


def enrollment(hub_desk: Desk, course: str) -> list[Any]:
    return hub_desk.rows("SELECT * FROM hub.lms_course_enrollment WHERE course_id = %s ORDER BY id", course)


# -- tables ------------------------------------------------------------------------------------------------


def test_percentages_with_comma_and_sign(hub_desk: Desk) -> None:
    """ "85,00 %" is a progress; as a score it is no number, and says so."""
    content = (
        "email;course_id;enrollment_status;progress_percentage;score_achieved;max_score\n"
        "learner1@example.org;P-1;In Progress;85,00 %;85,5;100\n"
        "learner2@example.org;P-2;In Progress;85;85,00 %;100\n"
        "learner3@example.org;P-3;In Progress;1;1.234,50;2000\n"
    )
    taken = hub_desk.take("csv", "percent.csv", content.encode())
    assert taken.outcome == Outcome(3, changed=2, rejected=1)
    assert taken.rules == [("line 3", "score_achieved", "number")]
    assert [str(one.progress_percentage) for one in enrollment(hub_desk, "P-1")] == ["85.00"]
    assert [str(one.score_achieved) for one in enrollment(hub_desk, "P-1")] == ["85.50"]


def test_a_date_of_zero_is_none(hub_desk: Desk) -> None:
    """Epoch 0 and a database's zero date say nothing; other numbers that are no plausible epoch are refused."""
    taken = hub_desk.take("csv", "epoch.csv", csv(
        "learner1@example.org,E-1,Completed,0,0,0000-00-00,0\n",
        "learner2@example.org,E-2,Completed,0,0,1,1767225600\n",
        "learner3@example.org,E-3,Completed,1767225600,99999999999999999999,0,1767225600\n",
        header="email,course_id,enrollment_status,enrollment_date,completion_date,due_date,changed_at\n",
    ))  # fmt: skip
    assert taken.outcome == Outcome(3, changed=1, rejected=2)
    assert taken.rules == [("line 3", "due_date", "epoch"), ("line 4", "completion_date", "epoch")]
    assert [one.due_date for one in enrollment(hub_desk, "E-1")] == [None]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "utf-32"])
def test_encodings_are_told_from_the_bytes(hub_desk: Desk, encoding: str) -> None:
    """Umlauts arrive whole in whatever encoding a spreadsheet has written."""
    course = f"ENC-{encoding}"
    content = f"email;course_id;course_name;enrollment_status\nlearner1@example.org;{course};Einführung für Prüfer;Completed\n"
    taken = hub_desk.take("csv", f"{encoding}.csv", content.encode(encoding))
    assert taken.outcome == Outcome(1, changed=1)
    assert [one.course_name for one in enrollment(hub_desk, course)] == ["Einführung für Prüfer"]


def test_a_wrong_encoding_costs_the_rows_that_it_damages(hub_desk: Desk) -> None:
    """Where the encoding that was given is wrong, the rows that it cannot read are dead letters."""
    content = "email;course_id;course_name;enrollment_status\n" + "".join(
        f"learner{n}@example.org;WE-{n};{name};Completed\n" for n, name in enumerate(["Einführung", "Plain"])
    )
    taken = hub_desk.take("csv", "wrong.csv", content.encode("latin-1"), encoding="utf-8")
    assert taken.outcome == Outcome(2, changed=1, rejected=1)
    assert taken.rules == [("line 2", "course_name", "encoding")]
    half = content.encode("utf-16")[:-1]
    assert hub_desk.take("csv", "half.csv", half).rules == [("line 3", "enrollment_status", "encoding")]


def test_stray_quotes_and_wrong_widths_cost_one_line(hub_desk: Desk) -> None:
    """An unclosed quote does not swallow the rows behind it."""
    taken = hub_desk.take("csv", "quotes.csv", csv(
        row(1, "Q-1"),
        '"learner2@example.org,Q-2,In Progress,1,\n',
        row(3, "Q-3"),
        'learner4@example.org,"Q-4"x,In Progress,1,\n',
        "learner5@example.org,Q-5\n",
        "a,b,c,d,e,f,g\n",
        row(6, "Q-6"),
        '"learner7@example.org,Q-7,In Progress,1,',
    ))  # fmt: skip
    assert taken.outcome == Outcome(8, changed=3, rejected=5)
    quoting, width = ("row", "quoting"), ("row", "number of columns")
    assert [(field, rule) for _, field, rule in taken.rules] == [quoting, quoting, width, width, quoting]


def test_a_file_with_headers_alone_has_no_records(hub_desk: Desk) -> None:
    """It is a run of nothing, not an error."""
    assert hub_desk.take("csv", "headers.csv", csv()).outcome == Outcome(0)
    assert hub_desk.take("lrs", "nothing.jsonl", b"").outcome == Outcome(0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("blank.csv", b"\n \n\n"),
        ("binary.csv", bytes(range(256)) * 100),
        ("image.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x80\0\x17" * 2000),
        ("corrupt.xlsx", b"PK\x03\x04" + b"\0" * 3000),
        ("packed.csv.gz", gzip.compress(csv(row(1, "G-1")))),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_refused_as_a_whole(hub_desk: Desk, name: str, content: bytes) -> None:
    """Its run has failed, nothing but that is told, and the refusal says what was expected."""
    path = hub_desk.folder / name
    path.write_bytes(content)
    before = ends(hub_desk.hub)
    with pytest.raises(Refused) as refusal:
        hub_desk.take("csv", name, path)
    assert refusal.value.field
    assert refusal.value.rule
    assert refusal.value.expected
    assert ends(hub_desk.hub) == before | {"lms.integration": before["lms.integration"] + 2}


def test_the_same_row_twice_counts_twice_and_is_told_once(hub_desk: Desk) -> None:
    """Doubled rows are unchanged; doubled wrong rows are one dead letter, each of them counted."""
    wrong = "learner2,D-1,In Progress,1,\n"
    taken = hub_desk.take("csv", "double.csv", csv(row(1, "D-1"), row(1, "D-1"), wrong, wrong))
    assert taken.outcome == Outcome(4, changed=1, unchanged=1, rejected=2)
    assert taken.rules == [("line 4", "email", "e-mail address")]


def test_nul_in_a_table_costs_its_row(hub_desk: Desk) -> None:
    """In a name, an address, or an id."""
    taken = hub_desk.take("csv", "nul.csv", csv(
        "learner1@example.org,Ada\0 Lovelace,N-1,Completed\n",
        "learner1@exam\0ple.org,Ada Lovelace,N-2,Completed\n",
        "learner1@example.org,Ada Lovelace,N\0-3,Completed\n",
        "learner1@example.org,Ada Lovelace,N-4,Completed\n",
        header="email,display_name,course_id,enrollment_status\n",
    ))  # fmt: skip
    assert taken.outcome == Outcome(4, changed=1, rejected=3)
    assert taken.rules == [
        ("line 2", "display_name", "no NUL"), ("line 3", "email", "no NUL"), ("line 4", "course_id", "no NUL"),
    ]  # fmt: skip


def test_long_names_and_long_course_ids(hub_desk: Desk) -> None:
    """A name beyond its column is refused; a course id beyond 100 characters gets an alias of its own."""
    key = "k" * 140
    taken = hub_desk.take("csv", "long.csv", csv(
        f"learner1@example.org,LN-1,{'n' * 201},Completed\n",
        f"learner2@example.org,{key}1,Long,Completed\n",
        f"learner2@example.org,{key}2,Long,Completed\n",
        f"learner3@example.org,{'k' * 1001},Long,Completed\n",
        f"{'a' * 400}@example.org,LN-2,Long,Completed\n",
        header="email,course_id,course_name,enrollment_status\n",
    ))  # fmt: skip
    assert taken.outcome == Outcome(5, changed=2, unmatched=1, rejected=2)
    assert taken.rules == [
        ("line 2", "course_name", "length"), ("line 5", "course_id", "length"), ("line 6", "email", "length"),
    ]  # fmt: skip
    aliases = hub_desk.rows("SELECT course_id FROM hub.lms_course_enrollment WHERE course_name = 'Long'")
    aliases = [alias for alias in aliases if alias.course_id != "LN-2"]
    assert len({alias.course_id for alias in aliases}) == 2
    assert max(len(alias.course_id) for alias in aliases) <= 100


def test_blanks_around_ids_do_not_make_other_ids(hub_desk: Desk) -> None:
    """Ids are trimmed; blanks within them stay; blanks alone are no id."""
    taken = hub_desk.take("csv", "blanks.csv", csv(
        " u 1 ,learner1@example.org,  My Course ,In Progress\n",
        "u 1,learner1@example.org,My Course,In Progress\n",
        "   ,   ,My Course,In Progress\n",
        header="lms_user_id,email,course_id,enrollment_status\n",
    ))  # fmt: skip
    assert taken.outcome == Outcome(3, changed=1, unchanged=1, rejected=1)
    assert taken.rules == [("line 4", "learner", "required")]
    assert len(enrollment(hub_desk, "My Course")) == 1


def test_one_address_of_two_people_is_nobody(hub_desk: Desk) -> None:
    """Whose address two employees share is linked to neither; two accounts with one address are both the employee's."""
    taken = hub_desk.take("csv", "twins.csv", csv(
        f"1,{TWIN},T-1,Completed\n",
        "2,learner7@example.org,T-2,Completed\n",
        "3,learner7@example.org,T-2,In Progress\n",
        header="lms_user_id,email,course_id,enrollment_status\n",
    ))  # fmt: skip
    assert taken.outcome == Outcome(3, changed=2, unmatched=1)
    assert [one.employee_id for one in enrollment(hub_desk, "T-1")] == [None]
    assert len({one.employee_id for one in enrollment(hub_desk, "T-2")}) == 1
    problems = hub_desk.rows("SELECT match_problem FROM hub.lms_account WHERE email = %s", TWIN)
    assert [bool(account.match_problem) for account in problems] == [True]


def test_unknown_values_and_unknown_courses(hub_desk: Desk) -> None:
    """An unknown enumerated value is refused with those that are known; an unknown course becomes known."""
    taken = hub_desk.take("csv", "values.csv", csv(
        "learner1@example.org,V-1,Hologram,Completed\n",
        "learner1@example.org,V-2,,Finished maybe\n",
        "learner1@example.org,V-3,,Completed\n",
        header="email,course_id,course_type,enrollment_status\n",
    ))  # fmt: skip
    assert taken.outcome == Outcome(3, changed=1, rejected=2)
    assert taken.rules == [
        ("line 2", "course_type", "enumerated value"),
        ("line 3", "enrollment_status", "enumerated value"),
    ]
    assert "eLearning" in taken.dead[0].expected
    assert len(enrollment(hub_desk, "V-3")) == 1


def test_numbers_and_times_beyond_their_columns(hub_desk: Desk) -> None:
    """What no column holds is refused by name; the largest and the oldest that fit are rows."""
    taken = hub_desk.take("csv", "large.csv", csv(
        f"learner1@example.org,H-1,{'9' * 30},1,1,2026-01-01T00:00:00Z\n",
        "learner2@example.org,H-2,9999999999,2147483647,999999,2026-01-01T00:00:00Z\n",
        "learner3@example.org,H-3,1,1,1000000,2026-01-01T00:00:00Z\n",
        "learner4@example.org,H-4,1,1,1,9999-12-31T23:59:59Z\n",
        "learner5@example.org,H-5,1,1,1,2999-12-31T23:59:59Z\n",
        header="email,course_id,score_achieved,total_access_count,credits_earned,changed_at\n",
    ))  # fmt: skip
    assert taken.outcome == Outcome(5, changed=2, rejected=3)
    assert taken.rules == [
        ("line 2", "score_achieved", "range"), ("line 4", "credits_earned", "range"), ("line 5", "changed_at", "date"),
    ]  # fmt: skip


def test_a_line_beyond_4_mib_is_described(hub_desk: Desk) -> None:
    """Its dead letter has its true size and hash; the rows around it are taken in."""
    content = csv(row(1, "LL-1")) + b"x" * (5 * 1024 * 1024) + b"\n" + row(2, "LL-2").encode()
    taken = hub_desk.take("csv", "line.csv", content)
    assert taken.outcome == Outcome(3, changed=2, rejected=1)
    assert taken.rules == [("line 3", "row", "size")]
    assert taken.dead[0].record_size == 5 * 1024 * 1024 + 1


def test_a_file_name_that_is_no_text(hub_desk: Desk) -> None:
    """A name in bytes of another encoding is escaped, and its file is taken in."""
    path = hub_desk.folder / os.fsdecode(b"pr\xfcfung.csv")
    path.write_bytes(csv(row(1, "F-1"), "learner2,F-1,In Progress,1,2026-01-06T08:00:00Z\n"))
    taken = hub_desk.take("csv", "", path)
    assert taken.outcome == Outcome(2, changed=1, rejected=1)
    assert taken.rules == [("line 3", "email", "e-mail address")]


@pytest.mark.parametrize("encoding", ["idna", "base64", "no-such"])
def test_an_encoding_that_is_none_is_refused(hub_desk: Desk, encoding: str) -> None:
    """Also one that Python knows but that is no encoding of files."""
    with pytest.raises(Refused) as refusal:
        hub_desk.take("csv", "encoding.csv", csv(row(1, "EN-1")), encoding=encoding)
    assert refusal.value.field == "encoding"


def test_a_run_that_ends_by_an_unforeseen_fault_is_told_as_failed(hub_desk: Desk) -> None:
    """It does not stay under way for ever, and of the fault only its kind is told, since its text may hold a value."""

    def items() -> Iterator[Item]:
        yield Item("line 1")
        raise ZeroDivisionError("Ada Lovelace")

    config, name = hub_desk.intake.config(COMPANY, "csv"), "fault.csv"
    run = hub_desk.intake.runner(config, str(uuid4()), name, lambda _: None)
    with pytest.raises(ZeroDivisionError):
        run.execute(Source("import", items(), name))
    trail = hub_desk.rows("SELECT to_jsonb(t)::text AS told FROM hub.lms_audit_trail t")
    assert len([one for one in trail if "ZeroDivisionError" in one.told]) == 1
    assert not [one for one in trail if "Lovelace" in one.told]


# -- workbooks ---------------------------------------------------------------------------------------------


def workbook(cut: bool) -> bytes:
    book, whole = Workbook(), io.BytesIO()
    book.active.append(["email", "course_id", "enrollment_status"])
    for number in range(60):
        book.active.append([f"learner{number % 30}@example.org", f"X-{number}", "Completed"])
    book.save(whole)
    if not cut:
        return whole.getvalue()
    damaged = io.BytesIO()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(damaged, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    return damaged.getvalue()


def test_a_workbook_cut_within_its_sheet_gives_what_can_be_read(hub_desk: Desk) -> None:
    """Its rows up to the damage, then one dead letter; the whole workbook adds the rest; half a file is refused."""
    taken = hub_desk.take("csv", "damaged.xlsx", workbook(cut=True))
    assert taken.outcome.rejected == 1
    assert taken.outcome.changed == taken.outcome.read - 1 > 20
    assert [(field, rule) for _, field, rule in taken.rules] == [("file", "whole workbook")]
    whole = hub_desk.take("csv", "whole.xlsx", workbook(cut=False))
    assert whole.outcome == Outcome(60, changed=60 - taken.outcome.changed, unchanged=taken.outcome.changed)
    with pytest.raises(Refused):
        hub_desk.take("csv", "half.xlsx", workbook(cut=False)[:-200])


# -- JSON --------------------------------------------------------------------------------------------------


def test_records_in_json_lines(hub_desk: Desk) -> None:
    """Each broken line is one dead letter; types and huge integers are refused by field."""
    good = {"email": "learner1@example.org", "course_id": "J-1", "enrollment_status": "Completed"}
    taken = hub_desk.take("csv", "records.jsonl", lines(
        good, b'{"email":"learner2@example.org","course_id":', good | {"course_id": "J\0"}, good | {"email": {"a": 1}},
        b'{"email":"a@example.org","email":"b@example.org"}', b'{"a":NaN}', b"[" * 1000, b"7",
        b'{"email":"learner5@example.org","course_id":"J","score_achieved":' + b"9" * 5000 + b"}",
        good | {"na\0me": "x"}, good | {"course_id": True}, good | {"progress_percentage": True},
    ))  # fmt: skip
    assert taken.outcome == Outcome(12, changed=1, unchanged=1, rejected=10)
    assert sorted((field, rule) for _, field, rule in taken.rules) == [
        ("course_id", "no NUL"), ("course_id", "type"), ("email", "type"), ("email", "unique keys"),
        ("progress_percentage", "type"), *[("record", "strict JSON")] * 4, ("record", "type"),
    ]  # fmt: skip


def test_json_within_a_cell(hub_desk: Desk) -> None:
    """NUL escapes, numbers that overflow, brackets without end and half characters are refused by field."""
    cells = ['{""a"":""\\u0000""}', '{""a"":1e999}', "[" * 5000, '{""a"":""\\ud800""}', '{""a"":' + "9" * 5000 + "}"]
    rows = [f'learner1@example.org,JC-1,L-{n},In Progress,"{cell}"\n' for n, cell in enumerate([*cells, '{""a"":1}'])]
    taken = hub_desk.take(
        "csv", "cells.csv", csv(*rows, header="email,course_id,lesson_id,progress_status,bookmark_data\n")
    )
    assert taken.outcome == Outcome(6, changed=1, rejected=5)
    assert {field for _, field, _ in taken.rules} == {"bookmark_data"}


# -- statements --------------------------------------------------------------------------------------------


def test_truncated_and_malformed_statements(hub_desk: Desk) -> None:
    """Each costs its line, and what stands around it is taken in."""
    nested = b'{"a":' * 500 + b"1" + b"}" * 500
    content = lines(
        statement(1), b'{"id":"a","id":"b"}', b'{"a":NaN}', nested, b"[1]", b"\xff\xfe\xfa", statement(2), statement(3)
    )
    taken = hub_desk.take("lrs", "malformed.jsonl", content[:-60])
    assert taken.outcome == Outcome(8, changed=2, rejected=6)
    assert sorted((field, rule) for _, field, rule in taken.rules) == [
        ("id", "unique keys"), *[("record", "strict JSON")] * 4, ("record", "type"),
    ]  # fmt: skip


def test_files_that_were_cut_off(hub_desk: Desk) -> None:
    """gzip, an array and UTF-16, cut in the middle: what is whole is taken in, then the cut is named."""
    told = [statement(number) for number in range(10, 30)]
    packed = hub_desk.take("lrs", "cut.jsonl.gz", gzip.compress(lines(*told))[:-40])
    assert packed.outcome.changed == packed.outcome.read - 1 >= 15
    assert [(field, rule) for _, field, rule in packed.rules] == [("record", "whole file")]
    for name in ("one", "two"):
        ended = hub_desk.take("lrs", f"{name}.json", json.dumps(told[:2]).encode()[:-1])
        assert ended.rules == [("end of file", "record", "whole file")]
    array = hub_desk.take("lrs", "cut.json", json.dumps(told).encode()[:-300])
    assert array.outcome.rejected == 1
    assert array.outcome.changed + array.outcome.unchanged == array.outcome.read - 1 == 19
    assert array.rules == [("item 20", "record", "whole file")]
    wide = hub_desk.take("lrs", "cut16.jsonl", lines(statement(30), statement(31)).decode().encode("utf-16")[:-61])
    assert wide.outcome == Outcome(2, changed=1, rejected=1)
    assert wide.rules == [("line 2", "record", "encoding")]


def test_nul_escapes_in_statements_do_not_stop_the_run(hub_desk: Desk) -> None:
    """In shown texts they are left out; in what identifies, and in keys, they are refused."""
    home = "https://lms.example.org"
    named = {"id": f"{home}/nul", "definition": {"type": COURSE_TYPE, "name": {"en": "Na\0me"}}}
    taken = hub_desk.take("lrs", "nul.jsonl", lines(
        statement(40, actor={"mbox": "mailto:learner1@example.org", "name": "Ada\0 Lovelace"}),
        statement(41, object=named),
        statement(42, result={"completion": True, "response": "\0", "extensions": {"https://a.b/c": "\0"}}),
        statement(43, actor={"account": {"homePage": home, "name": "ada\0"}}),
        statement(44, actor={"mbox": "mailto:ada%00b@example.org"}),
        statement(45, object={"id": f"{home}/b\0ad", "definition": {"type": COURSE_TYPE}}),
        statement(46, **{"un\0known": 1}),
        statement(47, verb={"id": ADL + "completed", "display": {"e\0n": "x"}}),
        statement(48, result={"completion": True, "extensions": {"https://a.b/\0": 1}}),
        statement(49),
    ))  # fmt: skip
    assert taken.outcome == Outcome(10, changed=4, rejected=6)
    assert sorted((field, rule) for _, field, rule in taken.rules) == [
        ("actor.account.name", "no NUL"), ("actor.mbox", "no NUL"), ("object.id", "format"),
        ("result.extensions['https://a.b/\\x00']", "extension key"), ("un\\x00known", "no unknown keys"),
        ("verb.display.e\\x00n", "language map key"),
    ]  # fmt: skip
    assert [one.course_name for one in enrollment(hub_desk, f"{home}/nul")] == ["Name"]


def test_huge_numbers_in_statements(hub_desk: Desk) -> None:
    """A number that no column can hold is refused or, where nothing is read of it, kept with the statement."""
    huge = json.dumps(statement(53)).replace(
        '"completion": true', f'"completion": true, "score": {{"raw": {"9" * 5000}}}'
    )
    taken = hub_desk.take("lrs", "numbers.jsonl", lines(
        statement(50, verb={"id": ADL + "scored"}, result={"score": {"raw": 10**12, "max": 10**13}}),
        statement(51, result={"completion": True, "score": {"raw": 10**400}}),
        statement(52, result={"completion": True, "extensions": {"https://a.b/c": 10**200}}),
        huge.encode(),
        statement(54, result={"completion": True, "duration": "PT" + "9" * 400 + "S"}),
        statement(55),
    ))  # fmt: skip
    assert taken.outcome == Outcome(6, changed=3, rejected=3)
    assert taken.rules == [
        ("line 1", "result.score.raw", "range"),
        ("line 2", "record", "strict JSON"),
        ("line 4", "record", "strict JSON"),
    ]


def test_times_that_cannot_be(hub_desk: Desk) -> None:
    """A time to come counts as now, epoch 0 and year 1 as none; what is no time is refused."""
    times: list[Any] = [
        "2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "0", 0,
    ]  # fmt: skip
    told = [statement(60 + n, timestamp=time) for n, time in enumerate(times)]
    taken = hub_desk.take("lrs", "times.jsonl", lines(*told))
    assert taken.outcome == Outcome(7, changed=3, rejected=4)
    assert {(field, rule) for _, field, rule in taken.rules} == {("timestamp", "format"), ("timestamp", "type")}
    for number in (60, 61, 62):
        (found,) = enrollment(hub_desk, f"https://lms.example.org/bad/{number}")
        assert found.completion_date.year >= 2026
        assert (found.completion_date - found.created_at.date()).days <= 1


def test_statements_of_groups_and_without_a_course(hub_desk: Desk) -> None:
    """They are kept without effect; a group without members or identifier is refused."""
    member = {"mbox": "mailto:learner1@example.org"}
    taken = hub_desk.take("lrs", "groups.jsonl", lines(
        statement(70, actor={"objectType": "Group", "mbox": "mailto:team@example.org", "name": "Lovelace team"}),
        statement(71, actor={"objectType": "Group", "member": [member]}),
        statement(72, actor={"objectType": "Group"}),
        statement(73, object={"id": "https://lms.example.org/page"}),
        statement(74, verb={"id": "https://example.org/verbs/danced"}),
    ))  # fmt: skip
    assert taken.outcome == Outcome(5, stored=4, rejected=1)
    assert taken.rules == [("line 3", "actor.member", "required")]


def test_one_id_with_other_content(hub_desk: Desk) -> None:
    """The content that came first stands, within a file and across files."""
    other = statement(80, result={"completion": False})
    taken = hub_desk.take("lrs", "ids.jsonl", lines(statement(80), other, statement(80)))
    assert taken.outcome == Outcome(3, changed=1, unchanged=1, rejected=1)
    assert taken.rules == [("line 2", "id", "one id, one statement")]
    again = statement(80, result={"completion": True, "response": "other"})
    assert hub_desk.take("lrs", "later.jsonl", lines(again)).rules == [("line 1", "id", "one id, one statement")]


def test_long_texts_in_statements(hub_desk: Desk) -> None:
    """Names are cut, ids of courses get an alias, identifiers that no account holds are refused by name."""
    home = "https://lms.example.org/"
    course = {"id": home + "b" * 3000, "definition": {"type": COURSE_TYPE, "name": {"en": "n" * 500}}}
    taken = hub_desk.take("lrs", "long.jsonl", lines(
        statement(90, actor={"mbox": "mailto:learner3@example.org", "name": "Lovelace" * 100}, object=course),
        statement(91, actor={"mbox": f"mailto:{'a' * 500}@example.org"}),
        statement(92, actor={"account": {"homePage": home + "h" * 5000, "name": "n" * 5000}}),
        statement(93, actor={"openid": home + "o" * 5000}),
    ))  # fmt: skip
    assert taken.outcome == Outcome(4, changed=1, unmatched=3)
    assert taken.rules == [("line 2", "email", "length"), ("line 3", "login_name", "length")]


def test_a_statement_of_100_mb(hub_desk: Desk) -> None:
    """Its dead letter keeps file, position, size, SHA-256 and the first 64 KiB; memory does not grow with it."""
    path, size, digest = hub_desk.folder / "huge.jsonl", 0, hashlib.sha256()
    text = json.dumps(statement(100, result={"completion": True, "response": "@@"}))
    head, tail = (part.encode() for part in text.split("@@"))
    with path.open("wb") as file:
        for piece in (head, *[b"x" * (1 << 20)] * 100, tail):
            size += file.write(piece)
            digest.update(piece)
        file.write(b"\n" + lines(statement(101)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = hub_desk.take("lrs", path.name, path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken.outcome == Outcome(2, changed=1, rejected=1)
    assert taken.rules == [("line 1", "record", "size")]
    (letter,) = taken.dead
    assert (letter.source_name, letter.record_size, letter.record_sha256) == (path.name, size, digest.digest())
    kept = hub_desk.hub.open_texts([letter.record.decode()])[0] or ""
    assert len(kept) == KEPT
    assert kept.startswith(text[:100])
    assert grown < 64 * 1024, f"{grown} KiB"


def test_binary_in_place_of_statements(hub_desk: Desk) -> None:
    """Every line of it is a dead letter, and the statement behind it is taken in."""
    noise = bytes(range(128, 256)) * 20
    taken = hub_desk.take("lrs", "binary.jsonl", noise + b"\n\0\0\0\n" + lines(statement(110)))
    assert taken.outcome == Outcome(3, changed=1, rejected=2)
    assert {(field, rule) for _, field, rule in taken.rules} == {("record", "strict JSON")}
