"""Rejected input: replayed under today's mapping as a run of its own, rehearsed, discarded; each act is an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli import accounts
from hub.deadletters.letters import Letter, chosen
from hub.deadletters.service import DeadLetters
from hub.domain import ids
from hub.intake.service import Intake
from hub.integrations import commands as integrations
from tests.support.cli import Cli
from tests.support.letters import Letters, letters
from tests.support.site import COMPANY

LMS_ACCOUNT = "11111111-0000-5000-8000-000000000001"
ROW = "u1,C1,lots,2026-01-01T10:00:00Z"
MEANING = {"progress_percentage": {"values": {"lots": "90"}}}
RUNS = """
SELECT kind, trigger, status, records_read, changed, unmatched, rejected FROM hub.sync_run ORDER BY started_at DESC LIMIT 1
"""
BACKFILL = "SELECT additional_context->'backfill' FROM hub.lms_audit_trail WHERE enrollment_id IS NOT NULL OR additional_context ? 'enrollment_id'"
TABLES = ("lms_course_enrollment", "lms_account", "course", "dead_letter", "lms_audit_trail", "stream_head", "sync_run")


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Letters]:
    with letters(database_url, tmp_path) as made:
        yield made


def service(site: Letters) -> DeadLetters:
    return DeadLetters(site.hub, COMPANY)


def found(site: Letters) -> list[Letter]:
    return list(chosen(site.hub.connection))


def test_a_replay_takes_the_record_in_under_todays_mapping(site: Letters) -> None:
    """A run with trigger replay and its own accounting; facts are old news; the letter is resolved by an event."""
    assert site.take_in(ROW).rejected == 1
    site.change(transformation_rules=json.dumps(MEANING))
    done = service(site).replay(found(site), reason="now we know what lots is")
    assert [outcome for _, outcome in done.resolved] == ["unmatched"]
    assert site.progress() == [("C1", 90.0)]
    assert site.ask(RUNS) == [("import", "replay", "completed", 1, 0, 1, 0)]
    assert site.ask(BACKFILL) == [(True,)]
    assert site.acts() == ["replayed"]
    assert site.open() == {}
    assert site.ask("SELECT resolution FROM hub.dead_letter") == [("replayed",)]


def test_replaying_twice_does_nothing_twice(site: Letters) -> None:
    """The same letters once more: no fact, no second act."""
    site.take_in(ROW)
    site.change(transformation_rules=json.dumps(MEANING))
    old = found(site)
    service(site).replay(old)
    before = site.rows("lms_course_enrollment", "dead_letter", "lms_course_enrollment_history")
    service(site).replay(old)
    assert site.rows("lms_course_enrollment", "dead_letter", "lms_course_enrollment_history") == before
    assert site.acts() == ["replayed"]


def test_what_is_rejected_as_before_stays_open(site: Letters) -> None:
    """Without a new mapping nothing is resolved; its run says what it read."""
    site.take_in(ROW)
    done = service(site).replay(found(site))
    assert (done.resolved, len(done.left)) == ([], 1)
    assert site.open() == {"rejected": 1}
    assert site.ask(RUNS)[0][3:] == (1, 0, 0, 1)


def test_what_is_rejected_for_another_reason_is_another_letter(site: Letters) -> None:
    """The old one is replayed, the new one says what is wrong today."""
    site.take_in("u1,C1,lots,never")
    site.change(transformation_rules=json.dumps(MEANING))
    (old,) = found(site)
    service(site).replay([old])
    (new,) = found(site)
    assert old.field == "progress_percentage"
    assert (new.field, new.id != old.id) == ("changed_at", True)


def test_a_record_rejected_again_after_its_replay_is_open_again(site: Letters) -> None:
    """The mapping was taken back: the same record, the same reason, the same letter. What was discarded stays away."""
    site.take_in(ROW)
    site.change(transformation_rules=json.dumps(MEANING))
    service(site).replay(found(site))
    site.change(transformation_rules=json.dumps({}))
    site.take_in(ROW)
    assert site.open() == {"rejected": 1}
    service(site).discard(found(site), reason="enough")
    site.take_in(ROW)
    assert site.open() == {}
    assert sorted(site.acts()) == ["discarded", "replayed"]


def test_a_rehearsal_shows_before_and_after_and_changes_nothing(site: Letters) -> None:
    """Decided on the tables as they are, nothing appended, no key of a person made."""
    site.take_in("u1,C1,20,2025-12-01T10:00:00Z", ROW, "new,C2,lots,2026-01-01T10:00:00Z")
    site.change(transformation_rules=json.dumps(MEANING))
    keys = "SELECT count(*) FROM vault.data_key"
    before, made = site.rows(*TABLES), site.ask(keys)
    done = service(site).rehearse(found(site))
    values = {
        (change.before or {}).get("progress_percentage"): change.after["progress_percentage"]
        for _, change in done.changes
        if change.table == "lms_course_enrollment"
    }
    assert values == {2000: 9000, None: 9000}
    assert site.rows(*TABLES) == before
    assert site.ask(keys) == made


def test_an_observation_rejected_when_it_was_decided_is_decided_again(site: Letters) -> None:
    """It named an integration that was not there; now it is. Its own bytes are kept, and told again as old news."""
    late = ids.integration_id(COMPANY, "late")
    stream = ids.enrollment_stream(late, LMS_ACCOUNT, "C7")
    observation = {
        "type": "lms.observation.enrollment.v1", "company_id": COMPANY, "integration_id": late, "stream_kind": "enrollment",
        "stream_id": stream, "observed_at": 1_770_000_000_000_000, "source_time": None, "native_id": None,
        "payload_sha256": None, "content_id": None, "run_id": None, "source_name": "test", "source_position": "1",
        "counted": True, "backfill": False, "account_id": LMS_ACCOUNT, "course_key": "C7", "facts": {"progress": 3000},
    }  # fmt: skip
    around = site.hub.around
    ((_, part, offset),) = around.append("lms.observations", [(f"enrollment/{stream}", around.encode(observation))])
    assert site.hub.watch.wait({("lms.observations", part): offset + 1}, 30)
    assert "no integration" in service(site).replay(found(site)).left[0][1]
    wanted = {"lms_code": "late", "lms_name": "Late", "lms_type": "Moodle", "integration_method": "API"}
    site.hub.commands.execute(integrations.add(COMPANY, {**wanted, "api_endpoint_url": "https://lms.example.org"}))
    assert service(site).replay(found(site)).left == []
    assert site.progress() == [("C7", 30.0)]
    assert site.open() == {}


def test_a_record_kept_in_part_is_read_from_its_unchanged_file(site: Letters) -> None:
    """Over 64 KiB only its beginning is kept; another file of that name is not it."""
    header = "lms_user_id,course_id,progress_percentage,changed_at,remark"
    site.take_in(f"{ROW},{'long ' * 20_000}", header=header)
    site.change(transformation_rules=json.dumps(MEANING))
    file = site.folder / "rows1.csv"
    assert "--file" in service(site).replay(found(site)).left[0][1]
    kept = file.read_text(encoding="utf-8")
    file.write_text(kept + "\n", encoding="utf-8")
    assert "not the file" in service(site).replay(found(site), file=file).left[0][1]
    file.write_text(kept, encoding="utf-8")
    assert service(site).replay(found(site), file=file).left == []
    assert site.progress() == [("C1", 90.0)]


def test_statements_are_replayed_as_statements(site: Letters) -> None:
    """A statement whose activity has no name yet stays what it is: validated and mapped by the xAPI rules of today."""
    wanted = {"lms_code": "lrs", "lms_name": "LRS", "lms_type": "xAPI Compatible", "data_format": "xAPI"}
    site.hub.commands.execute(integrations.add(COMPANY, {**wanted, "integration_method": "File Upload"}))
    statement = {
        "actor": {"mbox": "mailto:ada@example.org"},
        "verb": {"id": "nonsense"},
        "object": {"id": "https://c/1"},
    }
    file = site.folder / "statements.json"
    file.write_text(json.dumps([statement]), encoding="utf-8")
    assert Intake(site.hub).import_file(COMPANY, "lrs", str(file), {}).rejected == 1
    done = service(site).replay(found(site))
    assert "verb" in done.left[0][1]


def test_a_list_in_the_place_of_a_statement_stays_rejected(site: Letters) -> None:
    """What is no statement is none when it is replayed, not even where it is empty or holds one."""
    wanted = {"lms_code": "lrs", "lms_name": "LRS", "lms_type": "xAPI Compatible", "data_format": "xAPI"}
    site.hub.commands.execute(integrations.add(COMPANY, {**wanted, "integration_method": "File Upload"}))
    statement = {
        "actor": {"mbox": "mailto:ada@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/initialized"},
        "object": {"id": "https://c/1"},
    }
    file = site.folder / "lists.jsonl"
    file.write_text(f"{json.dumps(statement)}\n[]\n[{json.dumps(statement)}]\n", encoding="utf-8")
    assert Intake(site.hub).import_file(COMPANY, "lrs", str(file), {}).rejected == 2
    before = site.progress()
    service(site).replay(found(site))
    assert site.open() == {"rejected": 2}
    assert site.progress() == before


def test_enrollments_that_a_server_was_quicker_with_are_counted(site: Letters) -> None:
    """What follows a changed link is told, whoever made it follow; nothing follows a link that was there."""
    site.take_in("u1,C1,90,2026-01-01T10:00:00Z", "u1,C2,90,2026-01-01T10:00:00Z")
    account = str(site.ask("SELECT id FROM hub.lms_account")[0][0])
    assert accounts._follow(site.hub, account, changed=True) == 2
    assert accounts._follow(site.hub, account, changed=False) == 0


def test_the_causes_say_which_courses_and_how_many_people(site: Letters) -> None:
    """Three rows of two people in two courses, one cause."""
    site.take_in(ROW, "u2,C1,lots,2026-01-01T10:00:00Z", "u2,C2,lots,2026-01-01T10:00:00Z")
    (cause,) = {letter.cause for letter in found(site)}
    about = service(site).about(cause)
    assert (about.courses, len(about.people)) == ({"C1", "C2"}, 2)


def test_the_commands_show_replay_and_discard(site: Letters, tmp_path: Path) -> None:
    """List by cause, show beside the mapping, dry run, replay a cause, discard with a reason, list what is resolved."""
    cli = Cli(tmp_path / "home", {"HUB_DATABASE_URL": site.hub.url, "HUB_PARTITIONS": "4",
                                  "HUB_MASTER_KEY": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="})  # fmt: skip
    site.take_in(ROW, ",C1,10,2026-01-01T10:00:00Z")
    causes = {one["field"]: one for one in cli.ok("deadletters", "list", "--json").json()}
    assert (causes["progress_percentage"]["courses"], causes["progress_percentage"]["people"]) == (["C1"], 1)
    site.change(transformation_rules=json.dumps(MEANING))
    shown = cli.ok("deadletters", "show", causes["progress_percentage"]["newest"], "--open", "--json").json()
    assert shown["transformation_rules"] == MEANING
    assert shown["mapped_today"][-1]["record"]["progress_percentage"] == "90"
    assert shown["today"].startswith("a replay would end as unmatched")
    tried = cli.ok(
        "deadletters", "replay", "--cause", causes["progress_percentage"]["cause"], "--dry-run", "--json"
    ).json()
    assert ("progress_percentage", 90) in {(one["column"], one["after"]) for one in tried["changes"]}
    assert "one choice" not in cli.refused("deadletters", "replay")
    assert cli.ok("deadletters", "replay", "--all", "--json").json()["left"]
    assert "replayed" in cli.ok("deadletters", "list", "--resolved").out
    newest = causes["learner"]["newest"]
    assert cli.run("deadletters", "discard", newest).status == 2
    cli.ok("deadletters", "discard", newest, "--reason", "nobody")
    (first, _) = cli.ok("deadletters", "list", "--resolved", "--json").json()
    assert (first["resolution"], first["reason"], first["source_position"]) == ("discarded", "nobody", "line 3")
    assert "No dead letter is open." in cli.ok("deadletters", "list").out
