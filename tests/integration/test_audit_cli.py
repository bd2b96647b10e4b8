"""``hub audit`` as a person uses it: seals, verification, an export verified without the hub, who did what, an evidence pack."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.deciding.envelope import Actor
from hub.enrollments import commands as acts
from tests.support import sealed
from tests.support.cli import Cli, Starter
from tests.support.sealed import Tamperer
from tests.support.site import COMPANY, site

COURSE = "https://lms.example.org/course/0"
HOLDER = """
SELECT p.employee_number, e.enrollment_number, e.id::text, e.completion_date::text
FROM hub.lms_course_enrollment e JOIN hub.employee p ON p.id = e.employee_id
WHERE e.course_code = %s AND e.completion_date IS NOT NULL ORDER BY 1 LIMIT 1
"""


@pytest.fixture(scope="module")
def template(make_database: Callable[[str | None], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    url = make_database(None)
    sealed.build(url, tmp_path_factory.mktemp("sealed"))
    return url


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    with Starter() as started:
        yield started


@pytest.fixture
def cli(make_database: Callable[[str | None], str], template: str, starter: Starter, tmp_path: Path) -> Cli:
    given = {
        "HUB_DATABASE_URL": make_database(template),
        "HUB_PARTITIONS": "4",
        "HUB_MASTER_KEY": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=",
    }
    return Cli(tmp_path / "home", given, starter=starter)


def url_of(cli: Cli) -> str:
    return cli.environment["HUB_DATABASE_URL"]


def holder(cli: Cli) -> tuple[str, str, str, str]:
    """Somebody who completed the course: employee number, enrollment number and id, and the day."""
    with psycopg.connect(url_of(cli)) as connection:
        row = connection.execute(HOLDER, (COURSE,)).fetchone()
    assert row is not None
    return row


def offline(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the verifier of a folder as somebody without the hub does."""
    command = [sys.executable, "-I", str(folder / "offline.py"), str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_verify_says_what_holds_and_ends_with_one_line_where_it_does_not(cli: Cli, tmp_path: Path) -> None:
    """Status 0 with counts; after a change status 1, one line on stderr that names the event."""
    assert "Sealed: 1 partitions." in cli.ok("audit", "seal").out
    assert "Nothing grew" in cli.ok("audit", "seal").out
    kept = tmp_path / "kept.jsonl"
    cli.ok("audit", "export-seals", kept)
    cli.ok("audit", "rotate-key", "--reason", "yearly")
    good = cli.ok("audit", "verify", "--seals", kept)
    assert "Verified:" in good.out
    assert ", 0 not sealed yet" in good.out
    tamperer = Tamperer(url_of(cli))
    tamperer.do(
        "UPDATE log.record SET value = value || '\\x00' WHERE topic_id = %(topic)s AND part = %(part)s AND \"offset\" = 5"
    )
    told = cli.run("audit", "verify", "--from-start", "--json")
    tamperer.connection.close()
    assert told.status == 1
    assert len(told.err.splitlines()) == 1
    assert tamperer.where in told.err
    assert cli_event(url_of(cli), tamperer.part) in told.err
    assert [one["kind"] for one in told.json()["findings"]] == ["changed"]


def cli_event(url: str, part: int) -> str:
    tamperer = Tamperer(url)
    try:
        assert tamperer.part == part
        return tamperer.event_at(5)
    finally:
        tamperer.connection.close()


def test_an_export_is_verified_without_the_hub(cli: Cli, tmp_path: Path) -> None:
    """The folder's own program says so; after a byte was changed in a file it names the record, and the hub says the same."""
    folder, kept = tmp_path / "export", tmp_path / "kept.jsonl"
    cli.ok("audit", "export-seals", kept)
    rows = cli.ok("audit", "export", folder, "--json").json()
    assert sum(row["records"] for row in rows) > 200
    good = offline(folder, "--seals", str(kept))
    assert (good.returncode, good.stderr) == (0, "")
    assert "Verified" in good.stdout
    assert cli.ok("audit", "verify", "--log", folder).out.startswith("Verified")
    file = max(folder.rglob("*.records"), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    bad = offline(folder)
    assert bad.returncode == 1
    assert "changed: lms." in bad.stdout
    assert "is not what was sealed" in cli.refused("audit", "verify", "--log", folder)
    file.write_bytes(data[:-200])
    assert "cut off: lms." in offline(folder).stdout


def test_a_forged_export_does_not_pass(cli: Cli, tmp_path: Path) -> None:
    """Seals made with another key verify by themselves, but not with the id or the file that was noted outside."""
    folder = tmp_path / "export"
    cli.ok("audit", "export", folder)
    first = json.loads((folder / "seals.jsonl").read_text().splitlines()[0])
    assert offline(folder, "--key", first["key"]).returncode == 0
    forged = offline(folder, "--key", "0123456789abcdef")
    assert forged.returncode == 1
    assert "the first key is" in forged.stdout


def test_show_tells_who_did_what(cli: Cli) -> None:
    """Events of an enrollment in order with fields before and after; those of a person hold the enrollment's too."""
    number, enrollment, row, _ = holder(cli)
    told = cli.ok("audit", "show", "--enrollment", enrollment, "--json").json()
    assert [one["recorded_at"] for one in told] == sorted(one["recorded_at"] for one in told)
    assert {one["event_type"] for one in told} >= {"lms.enrollment.registered.v1", "lms.enrollment.completed.v1"}
    done = next(one for one in told if one["event_type"] == "lms.enrollment.completed.v1")
    assert done["field_changes"]["enrollment_status"] == ["In Progress", "Completed"]
    person = cli.ok("audit", "show", "--person", number, "--json").json()
    assert {one["event_id"] for one in told} <= {one["event_id"] for one in person}
    assert cli.ok("audit", "show", "--row", row, "--json").json()
    runs = cli.ok("audit", "show", "--integration", "lrs", "--json").json()
    assert {"lms.sync.started.v1", "lms.sync.completed.v1"} <= {one["event_type"] for one in runs}
    course = cli.ok("audit", "show", "--course", COURSE, "--json").json()
    assert {one["event_id"] for one in told} <= {one["event_id"] for one in course}
    assert cli.ok("audit", "show", "--person", number, "--to", "2020-01-01").out.strip() == "No event is there."
    assert "employee number" in cli.refused("audit", "show", "--person", "nobody")
    assert cli.run("audit", "show").status == 2


def test_personal_values_are_shown_only_when_asked_for(cli: Cli) -> None:
    """A hired person's name is sealed; --open shows it, and of an erased person it says so."""
    number = holder(cli)[0]
    hired = cli.ok("audit", "show", "--person", number, "--json").json()[0]
    assert hired["field_changes"]["given_name"] == [None, "(sealed)"]
    opened = cli.ok("audit", "show", "--person", number, "--open", "--json").json()[0]
    assert opened["field_changes"]["given_name"][1].startswith("Given")
    with psycopg.connect(url_of(cli)) as connection:
        connection.execute(
            "UPDATE vault.data_key SET sealed_key = NULL, destroyed_at = now() WHERE subject_id = %s",
            (hired["entity_id"],),
        )
    erased = cli.ok("audit", "show", "--person", number, "--open", "--json").json()[0]
    assert erased["field_changes"]["given_name"] == [None, "(erased)"]
    assert "erased: person" in cli.ok("audit", "verify").out


def test_an_event_leads_back_to_its_source(cli: Cli) -> None:
    """From an event to its place, its seal, the observation with position and payload hash, and the run with its file."""
    events = cli.ok("audit", "show", "--enrollment", holder(cli)[1], "--json").json()
    done = next(one for one in events if one["event_type"] == "lms.enrollment.completed.v1")
    told = cli.ok("audit", "show", "--event", done["event_id"], "--json").json()
    assert told["position"] == done["position"]
    assert told["event"]["event_id"] == done["event_id"]
    assert told["sealed"]["records"] > int(done["position"].rpartition("/")[2])
    assert told["observation"]["position"] == done["causation_id"]
    assert told["observation"]["payload_sha256"] == done["payload_sha256"]
    assert told["observation"]["source_position"]
    assert (told["run"]["kind"], told["run"]["source_name"]) == ("import", "statements.jsonl")
    assert len(told["run"]["source_sha256"]) == 64
    assert "observation" in cli.ok("audit", "show", "--event", done["event_id"]).out
    assert "is not known" in cli.refused("audit", "show", "--event", "none")


def unpacked(pack: Path, folder: Path) -> dict[str, Any]:
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(folder)
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def test_an_evidence_pack_proves_its_answer(cli: Cli, tmp_path: Path) -> None:
    """Yes on the day of completion, with the events and the proof; the pack verifies alone, and not after a change."""
    number, _, _, day = holder(cli)
    pack, folder = tmp_path / "pack.zip", tmp_path / "pack"
    asked = ("audit", "evidence", "--employee", number, "--course", COURSE, "--on", day, "--out")
    assert "Yes: valid" in cli.ok(*asked, pack).out
    told = unpacked(pack, folder)
    assert told["answer"]["is_valid"] is True
    assert told["rows"][0]["completion_date"] == day
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    kinds = {event["event"]["type"] for event in events}
    assert {"lms.employee.hired.v1", "lms.enrollment.completed.v1"} <= kinds
    assert (folder / "evidence.pdf").read_bytes().startswith(b"%PDF-")
    good = offline(folder)
    assert (good.returncode, good.stdout.startswith("Verified")) == (0, True), good.stdout
    assert "is there already" in cli.refused(*asked, pack)
    lines = (folder / "events.jsonl").read_text().splitlines()
    (folder / "events.jsonl").write_text("\n".join([lines[1].replace(events[1]["raw"], "00"), *lines[1:]]))
    bad = offline(folder)
    assert bad.returncode == 1
    assert "the event of the pack is not the record that was sealed" in bad.stdout
    assert "changed: events.jsonl" in bad.stdout


def test_an_edit_by_a_person_stands_in_the_pack(cli: Cli, tmp_path: Path) -> None:
    """Who, what, with which reason and justification, and the seal over it; the person's act is theirs in `show` too."""
    number, enrollment, _, _ = holder(cli)
    (event, *_) = cli.ok("audit", "show", "--enrollment", enrollment, "--json").json()
    stream = cli.ok("audit", "show", "--event", event["event_id"], "--json").json()["event"]["stream_id"]
    person = Actor("user", "11111111-1111-4111-8111-111111111111")
    with site("postgresql", url_of(cli), tmp_path, None) as made, made.open() as hub:
        told = {"actor": person, "reason": "typo", "justification": "the LMS was wrong"}
        hub.commands.execute(acts.correct(COMPANY, stream, {"grade_achieved": "B"}, **told))
    pack = tmp_path / "pack.zip"
    cli.ok("audit", "evidence", "--employee", number, "--course", COURSE, "--out", pack)
    (edit,) = unpacked(pack, tmp_path / "pack")["edits"]
    assert edit["who"] == f"user/{person.id}"
    assert edit["what"].startswith("lms.enrollment.corrected.v1")
    assert edit["why"] == "typo / the LMS was wrong"
    assert edit["sealed"].startswith("seal ")
    assert offline(tmp_path / "pack").returncode == 0


def test_an_evidence_pack_proves_an_absence(cli: Cli, tmp_path: Path) -> None:
    """The day before the completion the answer is no, and says why."""
    number, _, _, day = holder(cli)
    before = day[:8] + "01" if not day.endswith("01") else "2026-01-01"
    told = cli.ok(
        "audit",
        "evidence",
        "--employee",
        number,
        "--course",
        COURSE,
        "--on",
        before,
        "--out",
        tmp_path / "no.zip",
        "--json",
    ).json()
    assert told["is_valid"] is False
    assert told["verdict"] != "valid"
    assert "is not known" in cli.refused(
        "audit", "evidence", "--employee", "E0", "--course", COURSE, "--out", tmp_path / "x.zip"
    )
