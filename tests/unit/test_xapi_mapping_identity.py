"""Which statements are the same, which are void, which are kept; and what an integration's rules do to them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection

import pytest

from connectors.observe import Observer
from connectors.testing.waiting import ClearSealer
from connectors.xapi.digest import content_digest
from connectors.xapi.file import XapiFileReader
from connectors.xapi.ledger import Known, Ledger
from connectors.xapi.mapping import MOST_STORED
from hub.domain import ids
from hub.domain.events.raw import StatementReceived, StatementVoided
from hub.domain.observations import LessonFacts
from hub.errors import Refused
from tests.unit.test_xapi_mapping import CONFIG, COURSE, NOW, counted, item_of, lesson, mapper, source, statement

ONE, TWO, THREE = (f"0000000{n}-0000-4000-8000-00000000000{n}" for n in "abc")
STREAM = "44444444-4444-5444-8444-444444444444"


class Stored:
    """An index that holds what it is given, and remembers what it was asked."""

    def __init__(self, known: dict[str, Known] | None = None) -> None:
        self.known = known or {}
        self.asked: list[set[str]] = []

    def find(self, statement_ids: Collection[str]):
        self.asked.append(set(statement_ids))
        return {key: self.known[key] for key in statement_ids if key in self.known}


def index(**known):
    return Stored({{"one": ONE, "two": TWO}[name]: value for name, value in known.items()})


def run(*statements, stored=None, skip_repeated=False, **changes):
    sources = [source(told, f"item {number}") for number, told in enumerate(statements, 1)]
    return list(mapper(stored, **changes).items(sources, lambda: NOW, skip_repeated=skip_repeated))


def voiding(target, own=TWO):
    return statement("voided", {"objectType": "StatementRef", "id": target}) | {"id": own}


# -- what is kept -----------------------------------------------------------------------------------------


def test_raw_record_is_whole():
    """The record has all fields of its declaration, and names the stream and lesson of its observation."""
    told = lesson("completed") | {"id": ONE.upper()}
    item = item_of(told)
    (received,) = item.raw
    assert set(received) == set(StatementReceived.model_fields) | {"type"}
    fact = counted(item)
    assert received["event_id"] == ids.statement_row(CONFIG.id, ONE)
    assert (received["statement_id"], received["kind"]) == (ONE, "completed")
    assert (received["target_stream"], received["target_part"]) == (fact["stream_id"], fact["lesson_key"])
    assert received["account_id"] == fact["account_id"]
    assert received["digest"].hex() == fact["content_id"] == content_digest(told)
    assert fact["native_id"] == item.native_id == ONE


def test_statement_without_an_id():
    """Its id is made of its content, so that the same file gives the same id again."""
    first, second = item_of(statement("completed")), item_of(statement("completed"))
    assert first.native_id == second.native_id == first.raw[0]["statement_id"]
    assert item_of(statement("passed")).native_id != first.native_id


def test_retry_under_a_new_id_is_the_same_fact():
    """Senders retry with new ids: two statements are kept, and their facts have one identity."""
    first, second = run(statement("completed") | {"id": ONE}, statement("completed") | {"id": TWO})
    assert counted(first)["content_id"] == counted(second)["content_id"]
    assert first.raw[0]["event_id"] != second.raw[0]["event_id"]


def test_what_is_stored_is_not_stored_again():
    """A statement that the hub has is told again (the decision knows it) and not kept twice."""
    told = statement("completed") | {"id": ONE}
    (item,) = run(told, stored=index(one=Known(STREAM, content_digest(told))))
    assert item.raw == []
    assert counted(item)["native_id"] == ONE


def test_same_id_other_content():
    """An id belongs to its first content: another one is rejected, from the index as from the same run."""
    told, other = statement("completed") | {"id": ONE}, statement("failed") | {"id": ONE}
    stored = run(other, stored=index(one=Known(STREAM, content_digest(told))))
    for item in (stored[0], run(told, other)[1]):
        assert (item.problem.field, item.problem.rule) == ("id", "one id, one statement")
        assert (item.raw, item.observations) == ([], [])
        assert json.loads(item.kept) == other


def test_time_set_by_an_lrs_is_no_other_content():
    """A statement that came without a time, and comes again with the one that an LRS gave it, is the same."""
    told = statement("completed") | {"id": ONE}
    timeless = {key: value for key, value in told.items() if key != "timestamp"}
    (item,) = run(told, stored=index(one=Known(STREAM, content_digest(timeless))))
    assert item.problem is None


def test_repeated_in_one_run():
    """A file counts a repeated line; pages that overlap do not, unless the content is another."""
    told = statement("completed") | {"id": ONE}
    assert len(run(told, told)) == 2
    assert len(run(told, told, skip_repeated=True)) == 1
    first, second = run(told, statement("failed") | {"id": ONE}, skip_repeated=True)
    assert (first.problem is None, second.problem is None) == (True, False)


def test_index_is_asked_once_a_batch():
    """One question for many statements, with the targets of voiding ones."""
    stored = Stored()
    run(
        *(statement("completed") | {"id": one} for one in (ONE, TWO)),
        voiding("0000000d-0000-4000-8000-00000000000d", THREE),
        stored=stored,
    )
    assert stored.asked == [{ONE, TWO, THREE, "0000000d-0000-4000-8000-00000000000d"}]


def test_memory_of_a_run_is_bounded(monkeypatch):
    """What a run remembers does not grow with it; the oldest goes first."""
    monkeypatch.setattr("connectors.xapi.ledger.REMEMBERED", 2)
    ledger = Ledger(Stored())
    for key in (ONE, TWO, THREE):
        ledger.add(key, Known(digest="d"))
    assert [ledger.read_before(key) for key in (ONE, TWO, THREE)] == [False, True, True]


def test_statement_too_large_to_keep():
    """A statement that no record of the log can hold is rejected whole, with its size."""
    told = statement("completed", result={"response": "x" * MOST_STORED})
    item = item_of(told)
    assert (item.problem.rule, item.raw, len(item.kept)) == ("size", [], 64 * 1024)
    assert item.size > MOST_STORED


# -- voiding ----------------------------------------------------------------------------------------------


def test_void_of_a_stored_statement():
    """What the target told of its stream is void; both facts are kept raw."""
    (item,) = run(voiding(ONE.upper()), stored=index(one=Known(STREAM, "d")))
    assert [record["type"] for record in item.raw] == ["lms.statement.received.v1", "lms.statement.voided.v1"]
    voided = item.raw[1]
    assert set(voided) == set(StatementVoided.model_fields) | {"type"}
    assert (voided["statement_id"], voided["voided_by"]) == (ONE, TWO)
    told = counted(item)
    assert (told["stream_id"], told["voided_native_id"], told["native_id"]) == (STREAM, ONE, TWO)


def test_void_that_comes_first():
    """The target is kept without effect when it comes, in the same run or a later one."""
    void, target = run(voiding(ONE), statement("completed") | {"id": ONE})
    assert (void.observations, void.note) == ([], "its target has not come yet")
    later = run(statement("completed") | {"id": ONE}, stored=index(one=Known(voided_by=TWO)))
    for item in (target, later[0]):
        assert (item.observations, item.note) == ([], "it was voided")
        assert [record["target_stream"] for record in item.raw] == [None]


def test_void_of_what_had_no_effect():
    """Nothing has to be taken out; that it is void is kept."""
    _, item = run(statement("https://example.org/danced") | {"id": ONE}, voiding(ONE))
    assert item.stored
    assert item.note == "its target had no effect"
    assert len(item.raw) == 2


def test_void_twice():
    """A second voiding statement changes nothing; the first one, read again, is told again."""
    stored = index(one=Known(STREAM, "d", TWO), two=Known(None, content_digest(voiding(ONE))))
    again, second = run(voiding(ONE), voiding(ONE, THREE), stored=stored)
    assert counted(again)["type"] == "lms.observation.voided.v1"
    assert again.raw == []
    assert second.note == "its target is void already"
    assert [record["type"] for record in second.raw] == ["lms.statement.received.v1"]


def test_voiding_statement_cannot_be_voided():
    """Voiding the voiding statement brings nothing back."""
    _, first, second = run(statement("completed") | {"id": ONE}, voiding(ONE), voiding(TWO, THREE))
    assert counted(first)["type"] == "lms.observation.voided.v1"
    assert second.stored


# -- rules of the integration -----------------------------------------------------------------------------


def test_rules_reach_facts_learner_and_keys():
    """Mappings read the statement, transformations the record; what they change is parsed as a file's value is."""
    told = lesson(
        "completed",
        context={"extensions": {"https://x.example.org/hr": "E-17", "https://x.example.org/due": "2026-05-01"}},
    )
    told["context"]["contextActivities"] = {"parent": [statement("completed")["object"]]}
    item = item_of(
        told,
        field_mappings={"hr_number": 'context.extensions."https://x.example.org/hr"', "display_name": "actor.nothing"},
        transformation_rules={"lesson_name": "join(' ', ['Unit', record.lesson_name])", "passed": "record.completed"},
    )
    account = next(found for found in item.observations if found["type"] == "lms.observation.account.v1")
    assert "hr_number" in account["facts"]
    assert "display_name" in account["facts"]
    found = counted(item)["facts"]
    assert (found["lesson_name"], found["passed"], found["completed"]) == ("Unit Exam", True, True)


def test_rules_of_an_enrollment():
    """A status that a rule gives says what it means; a course key that it gives moves the fact to that course."""
    item = item_of(
        statement("experienced"),
        transformation_rules={"enrollment_status": "'On Hold'", "course_id": "'SAFE-1'", "due_date": "'2026-05-01'"},
    )
    found = counted(item)
    assert (found["course_key"], found["facts"]["suspended"]) == ("SAFE-1", True)
    assert found["facts"]["due_on"] == 20574
    assert item.raw[0]["target_stream"] == found["stream_id"]


def test_rule_that_moves_a_fact_to_a_lesson():
    """What a rule makes a lesson of tells only what a lesson may be told."""
    told = statement("completed", context={"revision": "2"})
    found = counted(item_of(told, transformation_rules={"lesson_id": "'unit-1'", "lesson_name": "'Unit'"}))
    assert found["lesson_key"] == "unit-1"
    assert (found["facts"]["completed"], found["facts"]["lesson_name"]) == (True, "Unit")
    assert set(found["facts"]) <= set(LessonFacts.model_fields)


def test_validation_sees_the_record():
    """A record that breaks the schema is rejected with field and rule; one that keeps it passes."""
    rules = {"properties": {"course_id": {"pattern": "^https://other"}}, "required": ["course_id"]}
    item = item_of(statement("completed"), validation_rules=rules)
    assert (item.problem.field, item.problem.rule) == ("course_id", "validation_rules: pattern")
    assert item.raw == []
    rules["properties"]["course_id"]["pattern"] = "^https://lms"
    assert counted(item_of(statement("completed"), validation_rules=rules))["course_key"] == COURSE


def test_rules_that_are_wrong():
    """A wrong rule is refused before anything is read; the account of a statement cannot be mapped."""
    with pytest.raises(Refused):
        mapper(field_mappings={"score": "raw"})
    item = item_of(statement("completed"), field_mappings={"lms_user_id": "actor.name"})
    assert item.problem.field == "lms_user_id"


# -- files ------------------------------------------------------------------------------------------------


def test_file_of_statements(tmp_path):
    """A packed file of lines: each line one item, a broken one costs itself alone, and it knows where it stands."""
    lines = [json.dumps(statement("completed")), '{"actor": ', json.dumps(lesson("passed"))]
    path = tmp_path / "statements.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    reader = XapiFileReader(CONFIG, Observer(CONFIG, ClearSealer(), source_name="statements.jsonl.gz"))
    first, broken, last = reader.items(str(path), {}, lambda: NOW)
    assert counted(first)["source_position"] == "line 1"
    assert (broken.position, broken.kept) == ("line 2", b'{"actor":')
    assert counted(last)["lesson_key"]


def test_file_that_is_not_there(tmp_path):
    """A file that cannot be opened is refused at once."""
    reader = XapiFileReader(CONFIG, Observer(CONFIG, ClearSealer()))
    with pytest.raises(Refused, match="cannot be read"):
        reader.items(str(tmp_path / "none.json"), {}, lambda: NOW)
