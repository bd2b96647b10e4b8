"""What makes two statements the same, and what does not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.xapi.digest import comparison_form, content_digest, same_content
from connectors.xapi.formats import load_json
from connectors.xapi.validate import validate_statement

ADA = {"mbox": "mailto:ada@example.org", "objectType": "Agent"}
BEN = {"mbox_sha1sum": "ab" * 20}
UUID = "8f87ccde-bb56-4c2e-ab83-44982ef22df0"
BASE: dict[str, Any] = {
    "id": "00000000-0000-4000-8000-000000000001",
    "actor": {"objectType": "Group", "member": [ADA, BEN]},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/scored", "display": {"en": "scored"}},
    "object": {"id": "https://x/1", "definition": {"name": {"en": "One"}}},
    "result": {"score": {"raw": 40, "max": 100}, "duration": "PT1M2.25S", "extensions": {"http://x": [1, None]}},
    "context": {
        "registration": UUID,
        "instructor": ADA,
        "language": "de-AT",
        "statement": {"objectType": "StatementRef", "id": UUID},
        "contextActivities": {"parent": [{"id": "https://x/2", "definition": {"type": "https://x/t"}}]},
        "contextAgents": [{"objectType": "contextAgent", "agent": ADA}],
        "contextGroups": [{"objectType": "contextGroup", "group": {"objectType": "Group", "member": [ADA, BEN]}}],
    },
    "timestamp": "2025-03-01T10:16:22.500Z",
    "attachments": [
        {"usageType": "http://x", "display": {}, "contentType": "a/b", "length": 1, "sha2": "ab" * 32},
    ],
}


def changed(path: str, value: Any, base: dict[str, Any] = BASE) -> dict[str, Any]:
    """A copy with one value set (or, for None, taken away) at a path of keys and indices."""
    thing = copy.deepcopy(base)
    *keys, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    holder: Any = thing
    for key in keys:
        holder = holder[key]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    return thing


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "00000000-0000-4000-8000-000000000002"),
        ("id", None),
        ("stored", "2026-01-01T00:00:00Z"),
        ("authority", ADA),
        ("version", "1.0.0"),
        ("verb/display", {"de": "bewertet"}),
        ("verb/display", None),
        ("object/definition", None),
        ("context/contextActivities/parent", {"id": "https://x/2"}),
        ("timestamp", "2025-03-01T11:16:22.5+01:00"),
        ("timestamp", "2025-03-01T10:16:22.500000999Z"),
        ("actor/member", [BEN, ADA]),
        ("actor/member/0/mbox", "mailto:ada@EXAMPLE.org"),
        ("actor/member/1/mbox_sha1sum", "AB" * 20),
        ("context/instructor/mbox", "mailto:ada@Example.Org"),
        ("context/contextAgents/0/agent/mbox", "mailto:ada@Example.Org"),
        ("context/contextGroups/0/group/member", [BEN, ADA]),
        ("context/registration", UUID.upper()),
        ("context/statement/id", UUID.upper()),
        ("context/language", "DE-at"),
        ("result/duration", "PT1M2.259S"),
        ("result/score/raw", 40.0),
        ("result/extensions", {"http://x": [1.0, None]}),
        ("attachments/0/sha2", "AB" * 32),
    ],
)
def test_makes_no_difference(path, value):
    """What an LRS or a new attempt at sending may change leaves the content the same."""
    other = changed(path, value)
    validate_statement(other, "2.0.0", pulled=True)
    assert content_digest(other) == content_digest(BASE)
    assert same_content(other, BASE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("verb/id", "http://adlnet.gov/expapi/verbs/completed"),
        ("object/id", "https://x/1/"),
        ("object/objectType", "Activity"),
        ("actor/member/0/mbox", "mailto:Ada@example.org"),
        ("actor/member/0/name", "Ada"),
        ("actor/member", [ADA]),
        ("timestamp", "2025-03-01T10:16:22.501Z"),
        ("result/duration", "PT62.25S"),
        ("result/duration", "PT1M2.26S"),
        ("result/score/raw", 41),
        ("result/score/raw", 40.5),
        ("result/success", True),
        ("result/extensions", {"http://x": [True, None]}),
        ("result/extensions", {"http://x": [None, 1]}),
        ("result", None),
        ("context/registration", "8f87ccde-bb56-4c2e-ab83-44982ef22df1"),
        ("context/contextActivities/parent/0/id", "https://x/3"),
        ("context/contextActivities/other", []),
        ("attachments", None),
    ],
)
def test_makes_a_difference(path, value):
    """All else counts: identifiers by character, durations as text, results and extensions by value."""
    other = changed(path, value)
    validate_statement(other, "2.0.0", pulled=True)
    assert content_digest(other) != content_digest(BASE)
    assert not same_content(other, BASE)


def test_a_timestamp_that_the_lrs_may_have_set():
    """Of two statements with one id, one may lack the time that the LRS gave the other; the digest tells them apart."""
    bare = changed("timestamp", None)
    assert same_content(bare, BASE)
    assert same_content(BASE, bare)
    assert content_digest(bare) != content_digest(BASE)


@pytest.mark.parametrize(
    ("target", "path", "value", "same"),
    [
        (ADA, "object/mbox", "mailto:ada@EXAMPLE.org", True),
        (ADA, "object/mbox", "mailto:eve@example.org", False),
        ({"objectType": "StatementRef", "id": UUID}, "object/id", UUID.upper(), True),
        ("sub", "object/verb/display", {"en": "x"}, True),
        ("sub", "object/timestamp", "2025-03-01T11:16:22.5+01:00", True),
        ("sub", "object/timestamp", None, False),
        ("sub", "object/object/definition", None, True),
        ("sub", "object/result/score/raw", 41, False),
    ],
)
def test_other_objects(target, path, value, same):
    """Agents, references and SubStatements as objects follow the same rules; a SubStatement's time is its own."""
    sub = {k: v for k, v in BASE.items() if k != "id"} | {"objectType": "SubStatement"}
    base = {key: BASE[key] for key in ("actor", "verb")} | {"object": sub if target == "sub" else target}
    other = changed(path, value, base)
    assert (content_digest(other) == content_digest(base)) is same
    assert same_content(other, base) is same


def test_nothing_is_changed():
    """The statement that is compared stays as it was, and the form shares nothing with it."""
    before = copy.deepcopy(BASE)
    form = comparison_form(BASE)
    form["result"]["extensions"]["http://x"].append(2)
    form["actor"]["member"][0]["mbox"] = ""
    assert before == BASE


def test_the_digest_never_changes():
    """The digest is an identity in a log that is kept for ever, so its value is fixed here."""
    small = {"actor": {"openid": "http://ü.example"}, "verb": {"id": "http://x"}, "object": {"id": "http://y"}}
    assert content_digest(small) == "d8ae405fc74f6ebafd09120231424172c3569dc8e8c9d4d73122843562333843"


_EXTENSION = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(_EXTENSION, st.booleans(), st.integers(0, 4))
def test_writing_makes_no_difference(value, ascii_only, indent):
    """However a sender writes the JSON (escapes, white space, order of keys), the digest is the same."""
    one = changed("result/extensions", {"http://x": value})
    backwards = dict(reversed(one.items()))
    text = json.dumps(backwards, ensure_ascii=ascii_only, indent=indent)
    assert content_digest(load_json(text)) == content_digest(one)
