"""The rules for a statement: one table of what is taken, one of what is refused with its field and rule."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.xapi.formats import load_json
from connectors.xapi.validate import VOIDED, validate_statement
from hub.errors import Unusable

SHARED = Path(__file__).parents[3] / "shared"

UUID = "8f87ccde-bb56-4c2e-ab83-44982ef22df0"
ADA = {"mbox": "mailto:ada@example.org"}
BEN = {"account": {"homePage": "https://lms.example.org", "name": "17"}}
ACTIVITY = {"id": "https://lms.example.org/course/1"}
GROUP = {"objectType": "Group", "member": [ADA, BEN]}
TEAM = {"objectType": "Group", **ADA}
REF = {"objectType": "StatementRef", "id": UUID}
SUB = {"objectType": "SubStatement", "actor": ADA, "verb": {"id": "http://x/v"}, "object": ACTIVITY}
ATTACHMENT = {
    "usageType": "http://id.tincanapi.com/attachment/certificate-of-completion",
    "display": {"en": "Certificate"},
    "contentType": "application/pdf",
    "length": 12,
    "sha2": "a" * 64,
}
CONTEXT_AGENT = {"objectType": "contextAgent", "agent": ADA}
CONTEXT_GROUP = {"objectType": "contextGroup", "group": GROUP}


def statement(**parts: Any) -> dict[str, Any]:
    """The smallest statement, with these parts."""
    base = {"actor": ADA, "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"}, "object": ACTIVITY}
    return copy.deepcopy(base | parts)


def defined(**definition: Any) -> dict[str, Any]:
    """A statement about an activity with this definition."""
    return statement(object=ACTIVITY | {"definition": definition})


def interaction(kind: str, **parts: Any) -> dict[str, Any]:
    """A statement about a question of this kind."""
    return defined(interactionType=kind, **parts)


def without(thing: dict[str, Any], key: str) -> dict[str, Any]:
    """The object without one key."""
    return {k: v for k, v in thing.items() if k != key}


def check(thing: Any, version: Any = "1.0.3", pulled: bool = False) -> None:
    """Validate, and see that nothing was changed."""
    before = copy.deepcopy(thing)
    validate_statement(thing, version, pulled=pulled)
    assert thing == before


TAKEN = [
    statement(),
    statement(id=UUID, stored="2025-03-01T10:16:22Z", timestamp="2090-01-01T00:00:00+01:00", version="1.0.0"),
    statement(version="1.0.9"),
    statement(authority=ADA),
    statement(authority=GROUP),
    *(statement(actor=actor) for actor in (BEN, GROUP, TEAM, TEAM | {"member": []}, {"openid": "http://ada.example"})),
    statement(actor={"objectType": "Agent", "name": "", "mbox_sha1sum": "e" * 40}),
    statement(verb={"id": "act:any", "display": {"en-US": "did", "zh-Hant": ""}}),
    *(statement(object=target) for target in (ADA | {"objectType": "Agent"}, GROUP, TEAM, REF, SUB)),
    statement(object=SUB | {"timestamp": "2090-01-01T00:00:00Z", "result": {}, "context": {}, "attachments": []}),
    statement(object=SUB | {"object": REF}),
    statement(verb={"id": VOIDED}, object=REF),
    defined(name={"en": "x"}, description={}, type="http://x/t", moreInfo="http://x/m", extensions={"http://x": None}),
    defined(extensions={"http://x/1": "", "http://x/2": {}, "http://x/3": [None, {"a": None}]}),
    interaction("true-false", correctResponsesPattern=["true"]),
    interaction("choice", choices=[{"id": "a"}, {"id": "b", "description": {"en": "B"}}], correctResponsesPattern=[]),
    interaction("sequencing", choices=[]),
    interaction("likert", scale=[{"id": "1"}]),
    interaction("matching", source=[{"id": "1"}], target=[{"id": "1"}]),
    interaction("performance", steps=[{"id": "1"}]),
    *(interaction(kind) for kind in ("fill-in", "long-fill-in", "numeric", "other")),
    statement(result={"score": {"scaled": -1, "raw": 0, "min": 0, "max": 100}, "success": False, "completion": True}),
    statement(result={"score": {"scaled": 0.0, "raw": 50, "min": 0, "max": 100}}),
    statement(result={"score": {"raw": -1e300}, "response": "", "duration": "PT1.123456S", "extensions": {}}),
    statement(context={"registration": UUID.upper(), "instructor": GROUP, "team": TEAM, "language": "de-AT"}),
    statement(context={"revision": "", "platform": "Moodle", "statement": REF, "extensions": {"http://x": None}}),
    statement(context={"contextActivities": {"parent": ACTIVITY, "grouping": [], "category": [ACTIVITY, ACTIVITY]}}),
    statement(context={"contextActivities": {"other": [ACTIVITY | {"objectType": "Activity"}]}}),
    statement(attachments=[ATTACHMENT, ATTACHMENT | {"fileUrl": "https://x/f", "description": {"en": "x"}}]),
    statement(attachments=[]),
]


@pytest.mark.parametrize("thing", TAKEN)
@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_taken(thing, version):
    """All that the rules allow passes, in both versions, unchanged."""
    check(thing, version)
    check(thing, version, pulled=True)


REFUSED = [
    # the statement
    ([], "", "type"),
    (without(statement(), "actor"), "actor", "required"),
    (without(statement(), "verb"), "verb", "required"),
    (without(statement(), "object"), "object", "required"),
    (statement(extra=1), "extra", "no unknown keys"),
    (statement(Actor=ADA), "Actor", "no unknown keys"),
    (statement(result=None), "result", "null is allowed only inside extensions"),
    (statement(id=""), "id", "format"),
    (statement(id="{" + UUID + "}"), "id", "format"),
    (statement(id=5), "id", "type"),
    (statement(timestamp="2015-11-18"), "timestamp", "format"),
    (statement(stored="2015-11-18T12:17:00-00:00"), "stored", "format"),
    *((statement(version=v), "version", "supported version") for v in ("0.9.9", "1.1.0", "1.0", "", "2.0.0", "1.0.")),
    (statement(version=1.0), "version", "type"),
    (statement(authority=TEAM), "authority", "authority"),
    (statement(authority=GROUP | {"member": [ADA]}), "authority", "authority"),
    (statement(authority=GROUP | {"member": [ADA, BEN, ADA]}), "authority", "authority"),
    (statement(authority=GROUP | {"openid": "http://x"}), "authority", "authority"),
    # actors
    (statement(actor={}), "actor", "one identifier"),
    (statement(actor={"name": "Ada"}), "actor", "one identifier"),
    (statement(actor=ADA | BEN), "actor.account", "one identifier"),
    (statement(actor=ADA | {"objectType": "agent"}), "actor.objectType", "enumerated value"),
    (statement(actor=ADA | {"objectType": "Activity"}), "actor.objectType", "enumerated value"),
    (statement(actor=ADA | {"email": "x"}), "actor.email", "no unknown keys"),
    (statement(actor=ADA | {"name": 5}), "actor.name", "type"),
    (statement(actor={"mbox": "ada@example.org"}), "actor.mbox", "format"),
    (statement(actor={"mbox": None}), "actor.mbox", "null is allowed only inside extensions"),
    (statement(actor={"mbox_sha1sum": "e" * 39}), "actor.mbox_sha1sum", "format"),
    (statement(actor={"openid": "ada.example"}), "actor.openid", "format"),
    (statement(actor={"account": {"name": "1"}}), "actor.account.homePage", "required"),
    (statement(actor={"account": {"homePage": "http://x"}}), "actor.account.name", "required"),
    (statement(actor={"account": {"homePage": "lms", "name": "1"}}), "actor.account.homePage", "format"),
    (statement(actor={"account": {"homePage": "http://x", "name": 1}}), "actor.account.name", "type"),
    (statement(actor={"account": {"homepage": "http://x"}}), "actor.account.homepage", "no unknown keys"),
    (statement(actor={"member": [ADA]}), "actor.objectType", "required"),
    (statement(actor={"objectType": "Group"}), "actor.member", "required"),
    (statement(actor=GROUP | {"member": ADA}), "actor.member", "type"),
    (statement(actor=GROUP | {"member": [ADA, GROUP]}), "actor.member[1].objectType", "enumerated value"),
    (statement(actor=TEAM | {"member": [{}]}), "actor.member[0]", "one identifier"),
    (statement(actor=TEAM | BEN), "actor.account", "one identifier"),
    # verb
    (statement(verb={}), "verb.id", "required"),
    (statement(verb={"id": "completed"}), "verb.id", "format"),
    (statement(verb={"id": "http://x", "display": "did"}), "verb.display", "type"),
    (statement(verb={"id": "http://x", "display": {"a12345678": "x"}}), "verb.display.a12345678", "language map key"),
    (statement(verb={"id": "http://x", "display": {"en": None}}), "verb.display.en", "null is allowed only inside ext"),
    (statement(verb={"id": VOIDED}), "object.objectType", "voiding"),
    (statement(verb={"id": VOIDED}, object=SUB), "object.objectType", "voiding"),
    # objects
    (statement(object={}), "object.id", "required"),
    (statement(object={"id": "course/1"}), "object.id", "format"),
    (statement(object=ACTIVITY | {"objectType": "activity"}), "object.objectType", "enumerated value"),
    (statement(object=ACTIVITY | {"objectType": "GroupActivity"}), "object.objectType", "enumerated value"),
    (statement(object=ADA), "object.mbox", "no unknown keys"),
    (statement(object={"objectType": "Agent"}), "object", "one identifier"),
    (statement(object={"objectType": "StatementRef"}), "object.id", "required"),
    (statement(object=REF | {"id": "x"}), "object.id", "format"),
    (statement(object=REF | {"definition": {}}), "object.definition", "no unknown keys"),
    *(
        (statement(object=SUB | {k: "x"}), f"object.{k}", "no unknown")
        for k in ("id", "stored", "version", "authority")
    ),
    (statement(object=without(SUB, "verb")), "object.verb", "required"),
    (statement(object=SUB | {"object": SUB}), "object.object.objectType", "no SubStatement inside"),
    (statement(object=SUB | {"timestamp": "x"}), "object.timestamp", "format"),
    (statement(object=SUB | {"actor": {}}), "object.actor", "one identifier"),
    (statement(object=SUB | {"object": REF, "context": {"platform": "x"}}), "object.context.platform", "only about an"),
    (statement(object=SUB | {"result": {"duration": "PT"}}), "object.result.duration", "format"),
    # definitions
    (defined(name="x"), "object.definition.name", "type"),
    (defined(type=""), "object.definition.type", "format"),
    (defined(moreInfo="more"), "object.definition.moreInfo", "format"),
    (defined(extensions={"x": 1}), "object.definition.extensions['x']", "extension key"),
    (defined(extensions=[]), "object.definition.extensions", "type"),
    (defined(foo=1), "object.definition.foo", "no unknown keys"),
    (defined(correctResponsesPattern=[]), "object.definition.interactionType", "required"),
    (defined(choices=[]), "object.definition.interactionType", "required"),
    (interaction("Choice"), "object.definition.interactionType", "enumerated value"),
    (interaction("choice", scale=[]), "object.definition.scale", "no unknown keys"),
    (interaction("numeric", choices=[]), "object.definition.choices", "no unknown keys"),
    (interaction("choice", choices={}), "object.definition.choices", "type"),
    (interaction("choice", choices=[{}]), "object.definition.choices[0].id", "required"),
    (interaction("choice", choices=[{"id": 1}]), "object.definition.choices[0].id", "type"),
    (
        interaction("choice", choices=[{"id": "a"}, {"id": "a"}]),
        "object.definition.choices[1].id",
        "unique in its list",
    ),
    (interaction("choice", choices=[{"id": "a", "x": 1}]), "object.definition.choices[0].x", "no unknown keys"),
    (interaction("choice", correctResponsesPattern="a"), "object.definition.correctResponsesPattern", "type"),
    (interaction("choice", correctResponsesPattern=[1]), "object.definition.correctResponsesPattern[0]", "type"),
    # result
    (statement(result=[]), "result", "type"),
    (statement(result={"Score": {}}), "result.Score", "no unknown keys"),
    *((statement(result={"score": {"scaled": x}}), "result.score.scaled", "range") for x in (1.01, -1.00001, 2)),
    *((statement(result={"score": {"raw": x}}), "result.score.raw", "type") for x in ("1", True, [])),
    *((statement(result={"score": {"raw": x}}), "result.score.raw", "finite") for x in (float("nan"), 10**400)),
    (statement(result={"score": {"raw": 101, "max": 100}}), "result.score.raw", "range"),
    (statement(result={"score": {"raw": -1, "min": 0}}), "result.score.raw", "range"),
    (statement(result={"score": {"min": 1, "max": 1}}), "result.score.min", "range"),
    (statement(result={"score": {"percent": 1}}), "result.score.percent", "no unknown keys"),
    *((statement(result={"success": x}), "result.success", "type") for x in ("true", 1, 0)),
    (statement(result={"completion": None}), "result.completion", "null is allowed only inside extensions"),
    (statement(result={"response": 5}), "result.response", "type"),
    (statement(result={"duration": "P4W1D"}), "result.duration", "format"),
    (statement(result={"duration": ""}), "result.duration", "format"),
    # context
    (statement(context={"registration": "1"}), "context.registration", "format"),
    (statement(context={"instructor": {}}), "context.instructor", "one identifier"),
    (statement(context={"team": ADA}), "context.team.objectType", "required"),
    (statement(context={"team": ADA | {"objectType": "Agent"}}), "context.team.objectType", "enumerated value"),
    (statement(context={"contextActivities": {"Parent": []}}), "context.contextActivities.Parent", "no unknown keys"),
    (statement(context={"contextActivities": []}), "context.contextActivities", "type"),
    (
        statement(context={"contextActivities": {"parent": [ACTIVITY, {"id": ""}]}}),
        "context.contextActivities.parent[1].id",
        "format",
    ),
    (statement(context={"contextActivities": {"other": REF}}), "context.contextActivities.other.objectType", "enum"),
    (statement(context={"revision": 1}), "context.revision", "type"),
    (statement(object=REF, context={"revision": "1"}), "context.revision", "only about an activity"),
    (statement(object=GROUP, context={"platform": "x"}), "context.platform", "only about an activity"),
    (statement(context={"language": "en_US"}), "context.language", "format"),
    (statement(context={"statement": {"id": UUID}}), "context.statement.objectType", "required"),
    (statement(context={"statement": SUB}), "context.statement.actor", "no unknown keys"),
    (statement(context={"contextAgents": []}), "context.contextAgents", "no unknown keys"),
    (statement(context={"contextGroups": []}), "context.contextGroups", "no unknown keys"),
    # attachments
    (statement(attachments=ATTACHMENT), "attachments", "type"),
    *((statement(attachments=[without(ATTACHMENT, key)]), f"attachments[0].{key}", "required") for key in ATTACHMENT),
    (statement(attachments=[ATTACHMENT | {"length": 1.5}]), "attachments[0].length", "type"),
    (statement(attachments=[ATTACHMENT | {"length": "12"}]), "attachments[0].length", "type"),
    (statement(attachments=[ATTACHMENT | {"length": -1}]), "attachments[0].length", "range"),
    (statement(attachments=[ATTACHMENT | {"sha2": "a" * 63}]), "attachments[0].sha2", "format"),
    (statement(attachments=[ATTACHMENT | {"contentType": "pdf"}]), "attachments[0].contentType", "format"),
    (statement(attachments=[ATTACHMENT | {"usageType": "x"}]), "attachments[0].usageType", "format"),
    (statement(attachments=[ATTACHMENT | {"fileUrl": "x"}]), "attachments[0].fileUrl", "format"),
    (statement(attachments=[ATTACHMENT | {"fileURL": "http://x"}]), "attachments[0].fileURL", "no unknown keys"),
]


@pytest.mark.parametrize(("thing", "field", "rule"), REFUSED)
def test_refused(thing, field, rule):
    """What breaks a rule is refused with the path of the field, the rule and what was expected."""
    with pytest.raises(Unusable) as caught:
        check(thing)
    assert caught.value.field == field
    assert caught.value.rule.startswith(rule)
    assert caught.value.expected
    assert field in str(caught.value)


def test_messages_keep_personal_data_out():
    """A message names the field and never its value."""
    with pytest.raises(Unusable) as caught:
        check(statement(actor={"mbox": "ada.hale at example.org"}))
    assert "hale" not in str(caught.value)


CONTEXT_2_0 = [
    {"contextAgents": [CONTEXT_AGENT | {"relevantTypes": ["http://x/t"]}], "contextGroups": [CONTEXT_GROUP]},
    {"contextAgents": []},
]


@pytest.mark.parametrize("context", CONTEXT_2_0)
def test_context_of_2_0(context):
    """2.0 knows further agents and groups in the context, of SubStatements too."""
    check(statement(context=context), "2.0.0")
    check(statement(object=SUB | {"context": context}), "2.0.0")


@pytest.mark.parametrize(
    ("context", "field", "rule"),
    [
        ({"contextAgents": CONTEXT_AGENT}, "contextAgents", "type"),
        ({"contextAgents": [ADA]}, "contextAgents[0].mbox", "no unknown keys"),
        ({"contextAgents": [{"agent": ADA}]}, "contextAgents[0].objectType", "required"),
        ({"contextAgents": [{"objectType": "contextAgent"}]}, "contextAgents[0].agent", "required"),
        ({"contextAgents": [CONTEXT_GROUP]}, "contextAgents[0].group", "no unknown keys"),
        (
            {"contextAgents": [CONTEXT_AGENT | {"agent": GROUP}]},
            "contextAgents[0].agent.objectType",
            "enumerated value",
        ),
        ({"contextAgents": [CONTEXT_AGENT | {"relevantTypes": []}]}, "contextAgents[0].relevantTypes", "not empty"),
        ({"contextAgents": [CONTEXT_AGENT | {"relevantTypes": ["x"]}]}, "contextAgents[0].relevantTypes[0]", "format"),
        ({"contextGroups": [CONTEXT_GROUP | {"group": ADA}]}, "contextGroups[0].group.objectType", "required"),
    ],
)
def test_context_of_2_0_refused(context, field, rule):
    """They are held as strictly as everything else."""
    with pytest.raises(Unusable) as caught:
        check(statement(context=context), "2.0.0")
    assert (caught.value.field, caught.value.rule) == (f"context.{field}", rule)


@pytest.mark.parametrize("own", ["1.0", "1.0.0", "1.0.9", "2.0", "2.0.0", "2.0.1"])
def test_versions_that_2_0_takes(own):
    """Under 2.0 a statement may still say 1.0 of itself."""
    check(statement(version=own), "2.0.0")


@pytest.mark.parametrize("own", ["0.9.9", "1.1.0", "2.1.0", "3.0", "2"])
def test_versions_that_2_0_refuses(own):
    """Other versions are refused by name."""
    with pytest.raises(Unusable) as caught:
        check(statement(version=own), "2.0.0")
    assert caught.value.field == "version"


def test_a_pulled_statement_is_judged_by_its_own_version():
    """An LRS may answer a reader of 1.0.3 with statements of 2.0; one that is sent must fit its request."""
    later = statement(version="2.0.0", context={"contextAgents": [CONTEXT_AGENT]})
    check(later, "1.0.3", pulled=True)
    with pytest.raises(Unusable):
        check(later, "1.0.3")
    with pytest.raises(Unusable):
        check(statement(context={"contextAgents": []}), "1.0.3", pulled=True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(thing: Any) -> list[list[Any]]:
    """The paths of all values inside, extensions excepted."""
    members = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    return [[key, *rest] for key, value in members if key != "extensions" for rest in ([], *_places(value))]


@given(st.sampled_from(TAKEN), st.data(), _JSON)
def test_any_value_in_any_place_is_judged(thing, data, value):
    """Whatever stands in whatever place, a statement passes or is Unusable; null never passes."""
    changed = copy.deepcopy(thing)
    *path, last = data.draw(st.sampled_from(_places(changed)))
    holder = changed
    for key in path:
        holder = holder[key]
    holder[last] = value
    if value is None:
        with pytest.raises(Unusable):
            check(changed)
    else:
        with contextlib.suppress(Unusable):
            check(changed)


@given(_JSON)
def test_extensions_take_anything(value):
    """The value of an extension never makes a statement invalid."""
    check(statement(context={"extensions": {"http://x": value}}, result={"extensions": {"http://x": value}}))


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder with samples and the specification is absent")

# Open edX sends these, and each breaks a rule that both versions of xAPI share.
KNOWN_FAULTS = {
    "edx.special_exam.timed.attempt.created.json": "context.contextActivities.grouping[0].id",  # no scheme
    "edx.special_exam.timed.attempt.submitted.json": "context.contextActivities.grouping[0].id",
    "problem_check(server).max_grade_0.json": "result.score.min",  # min and max both 0
    "problem_check(server,multiple_questions,correct).json": "objectType",  # GroupActivity
    "problem_check(server,multiple_questions,incorrect).json": "objectType",
    "problem_check(server,multiple_questions,partial_correct).json": "objectType",
}


@needs_shared
@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_real_statements(version):
    """What Moodle and Open edX send is valid, but for the faults that are known."""
    seen = 0
    for path in sorted((SHARED / "data" / "xapi").glob("*/*.json")):
        value = load_json(path.read_bytes())
        for one in value if isinstance(value, list) else [value]:
            seen += 1
            if path.name in KNOWN_FAULTS:
                with pytest.raises(Unusable) as caught:
                    check(one, version, pulled=True)
                assert caught.value.field.endswith(KNOWN_FAULTS[path.name])
            else:
                check(one, version, pulled=True)
    assert seen == 137


@needs_shared
def test_examples_of_the_specification():
    """Every whole statement and SubStatement printed in the specification passes."""
    text = (SHARED / "reference" / "xapi-spec" / "xAPI-Data.md").read_text()
    statements = []
    for block in re.findall(r"```\s*\n(\{.*?\n\})\s*```", text, re.DOTALL):
        value = json.loads(block, strict=False)
        if "actor" in value:
            statements.append(statement(object=value) if "objectType" in value else value)
    for one in statements:
        check(one)
    assert len(statements) >= 6
