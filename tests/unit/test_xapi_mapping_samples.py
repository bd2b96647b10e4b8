"""The real statements of the Moodle and Open edX plugins: each is accounted for, and the table in the docs says how.

``python -m tests.unit.test_xapi_mapping_samples`` writes the table anew.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from connectors.observe import Observer
from connectors.testing.waiting import ClearSealer
from connectors.xapi.file import XapiFileReader
from hub.domain.integration_config import IntegrationConfig
from hub.domain.observations import EnrollmentObserved, LessonObserved

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "xapi"
TABLE = Path(__file__).parents[2] / "docs" / "xapi-samples.md"
CONFIG = IntegrationConfig(
    id="11111111-1111-5111-8111-111111111111",
    company_id="22222222-2222-5222-8222-222222222222",
    lms_code="samples",
    lms_name="Samples",
    lms_type="Moodle",
    integration_method="xAPI",
)
NOW = 1_800_000_000_000000
HEAD = """# What became of the sample statements

The {total} statements of the Moodle plugin (logstore_xapi) and of Open edX (event-routing-backends) that these projects
keep as the expected output of their own tests, read by the xAPI connector with its default settings: {observed} told
something of an enrollment or a lesson (*observed*), {stored} were kept without effect (*stored*), {rejected} break a
rule of xAPI (*rejected*).

The statements of the Moodle plugin's tests have no time and no id, so many columns that a real statement fills (first
and last access, completion dates) are not among their facts. Certificates of its tests name no course; see
[the connector](connectors/xapi.md) for what a certificate with a course does.

Made by `python -m tests.unit.test_xapi_mapping_samples`; a test holds it current.

| Files | Verb | Object | Count | Became | Facts, or why not |
| --- | --- | --- | ---: | --- | --- |
"""
_AROUND = {"lesson_id", "lesson_name", "lesson_type", "course_name", "course_code"}

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample statements are absent")


def results():
    """(family of files, statement, item) of every sample."""
    for path in sorted(SAMPLES.glob("*/*.json")):
        told = json.loads(path.read_bytes())
        observer = Observer(CONFIG, ClearSealer(), source_name=path.name)
        items = list(XapiFileReader(CONFIG, observer).items(str(path), {}, lambda: NOW))
        statements = told if isinstance(told, list) else [told]
        assert len(items) == len(statements)
        event = path.stem.split("__")[0].split("(")[0]
        family = f"{path.parent.name} {event if path.parent.name == 'moodle' else '.'.join(event.split('.')[:3])}"
        yield from ((family, statement, item) for statement, item in zip(statements, items, strict=True))


def outcome(item):
    """What became of a statement, and why or what it told."""
    if item.problem is not None:
        return "rejected", f"`{item.problem.field}`: {item.problem.rule}"
    fact = next((told for told in item.observations if told["counted"]), None)
    if fact is None:
        return "stored", item.note
    names = sorted(set(fact["facts"]) - _AROUND)
    return f"observed: {fact['type'].split('.')[2]}", ", ".join(names)


def table():
    lines, outcomes = Counter(), Counter()
    for family, statement, item in results():
        kind = statement["object"].get("definition", {}).get("type", "none")
        became, why = outcome(item)
        lines[family, _last(statement["verb"]["id"]), _last(kind), became, why] += 1
        outcomes[became.split(":")[0]] += 1
    head = HEAD.format(total=outcomes.total(), **{name: outcomes[name] for name in ("observed", "stored", "rejected")})
    rows = (
        f"| {family} | {verb} | {kind} | {number} | {became} | {why} |\n"
        for (family, verb, kind, became, why), number in sorted(lines.items())
    )
    return head + "".join(rows)


def _last(iri):
    return iri.rstrip("/").rsplit("/", 1)[-1]


@needs_samples
def test_every_sample_is_accounted_for():
    """All 137 end as one of the three; what is not rejected is kept raw; what is observed fits its declaration."""
    found = list(results())
    assert len(found) == 137
    for _, _, item in found:
        counted = [told for told in item.observations if told["counted"]]
        assert len(counted) <= 1
        assert [record["type"] for record in item.raw] == ([] if item.problem else ["lms.statement.received.v1"])
        assert item.problem is None or (item.problem.rule and item.problem.expected and item.kept)
        assert item.problem is not None or counted or item.note
        for told in counted:
            declared = LessonObserved if "lesson_key" in told else EnrollmentObserved
            assert set(told) == set(declared.model_fields) - {"overtaken"} | {"type"}  # marked by the run that tells it


@needs_samples
def test_samples_again_are_the_same():
    """Reading them again gives the same identities, though they have no id and no time."""
    first, second = ([item.native_id for _, _, item in results()] for _ in range(2))
    assert first == second
    facts = {
        told["content_id"]
        for told in chain.from_iterable(item.observations for *_, item in results())
        if told["counted"]
    }
    assert None not in facts


@needs_samples
def test_table_in_the_docs_is_current():
    """The table in the docs is what the connector does now."""
    assert TABLE.read_text() == table()


if __name__ == "__main__":
    sys.stdout.write(f"{TABLE.write_text(table())} characters in {TABLE.name}\n")
