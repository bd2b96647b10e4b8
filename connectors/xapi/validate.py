"""The rules of xAPI 1.0.3 and 2.0 for one statement.

A statement that passes has every field in its type and format, nothing unknown, and ``null`` nowhere but inside
extensions; so later parts read it without asking again. Attachments are checked by their fields: their bytes are
the transport's matter.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from connectors.xapi import checks, things
from connectors.xapi.checks import Json, broken, inside
from connectors.xapi.verbs import VERBS

Version = Literal["1.0.3", "2.0.0"]

VOIDED: Final = VERBS["voided"].emit
"""The one verb that xAPI itself gives a meaning: the statement referred to no longer counts."""

_TAKEN_VERSIONS: Final = {
    "1.0.3": (re.compile(r"1\.0\.[0-9][0-9A-Za-z.-]*"), "a version that starts with 1.0."),
    "2.0.0": (re.compile(r"[12]\.0(?:\.[0-9][0-9A-Za-z.-]*)?"), "a version that starts with 1.0 or 2.0"),
}
_SUB_STATEMENT: Final = ("actor", "verb", "object", "result", "context", "timestamp", "attachments")
_STATEMENT: Final = (*_SUB_STATEMENT, "id", "stored", "authority", "version")
_RESULT: Final = ("score", "success", "completion", "response", "duration", "extensions")
_CONTEXT: Final = (
    *("registration", "instructor", "team", "contextActivities", "revision", "platform", "language", "statement"),
    "extensions",
)
_CONTEXT_ACTIVITIES: Final = ("parent", "grouping", "category", "other")
_ATTACHMENT_REQUIRED: Final = ("usageType", "display", "contentType", "length", "sha2")


def validate_statement(statement: Json, version: Version, *, pulled: bool) -> None:
    """Hold a statement against the rules of a version.

    ``id``, ``stored``, ``authority`` and ``version`` may be there or not: an LRS sets them on what it receives, and
    moodle-logstore sends no ``id``. ``pulled`` says that the statement was read from another LRS or a file. Such a
    source may answer with statements of a later version than it was asked for, so there a statement that says 2.0 of
    itself is held against the rules of 2.0; one that is sent to the hub must fit the version of its request.

    Raises:
        Unusable: With ``field`` (a path such as ``actor.account.homePage``), ``rule`` and ``expected``; the first
            fault found.
    """
    thing = checks.an_object(statement, "")
    own = thing.get("version")
    if pulled and isinstance(own, str) and own.startswith("2.0"):
        version = "2.0.0"
    checks.known_keys(thing, _STATEMENT, "")
    if "version" in thing:
        pattern, expected = _TAKEN_VERSIONS[version]
        if not pattern.fullmatch(checks.text(own, "version")):
            raise broken("version", "supported version", expected)
    checks.each(thing, {"id": checks.uuid, "stored": checks.timestamp, "authority": things.authority}, "")
    _body(thing, "", version)
    target = thing["object"]
    if target.get("objectType") == "SubStatement":
        _sub_statement(target, version)


def _body(thing: Json, field: str, version: Version) -> None:
    """What a statement and a SubStatement have in common."""
    checks.required(thing, ("actor", "verb", "object"), field)
    things.agent_or_group(thing["actor"], inside(field, "actor"))
    _verb(thing["verb"], inside(field, "verb"))
    kind = _object(thing["object"], inside(field, "object"))
    if thing["verb"]["id"] == VOIDED and kind != "StatementRef":
        raise broken(inside(field, "object.objectType"), "voiding", "StatementRef, since the verb is voided")
    checks.each(thing, {"timestamp": checks.timestamp, "result": _result, "attachments": _attachments}, field)
    if "context" in thing:
        _context(thing["context"], inside(field, "context"), version, about_activity=kind == "Activity")


def _verb(value: object, field: str) -> None:
    thing = checks.an_object(value, field)
    checks.known_keys(thing, ("id", "display"), field)
    checks.required(thing, ("id",), field)
    checks.each(thing, {"id": checks.iri, "display": checks.language_map}, field)


def _object(value: object, field: str) -> str:
    """Check the object, all but the inside of a SubStatement; return its type."""
    thing = checks.an_object(value, field)
    kinds = {
        "Activity": things.activity,
        "Agent": things.agent,
        "Group": things.group,
        "StatementRef": _statement_ref,
        "SubStatement": checks.an_object,
    }
    kind = checks.one_of(thing.get("objectType", "Activity"), kinds, inside(field, "objectType"))
    kinds[kind](thing, field)
    return kind


def _sub_statement(thing: Json, version: Version) -> None:
    checks.known_keys(thing, ("objectType", *_SUB_STATEMENT), "object")
    _body(thing, "object", version)
    if thing["object"].get("objectType") == "SubStatement":
        raise broken("object.object.objectType", "no SubStatement inside a SubStatement", "another type of object")


def _statement_ref(value: object, field: str) -> None:
    thing = checks.an_object(value, field)
    checks.known_keys(thing, ("objectType", "id"), field)
    checks.required(thing, ("objectType", "id"), field)
    checks.one_of(thing["objectType"], ("StatementRef",), inside(field, "objectType"))
    checks.uuid(thing["id"], inside(field, "id"))


# -- result -----------------------------------------------------------------------------------------------


def _result(value: object, field: str) -> None:
    thing = checks.an_object(value, field)
    checks.known_keys(thing, _RESULT, field)
    rules = {
        "score": _score,
        "success": checks.boolean,
        "completion": checks.boolean,
        "response": checks.text,
        "duration": checks.duration,
        "extensions": checks.extensions,
    }
    checks.each(thing, rules, field)


def _score(value: object, field: str) -> None:
    """Nothing requires ``scaled`` to agree with the other three, and senders differ there."""
    thing = checks.an_object(value, field)
    checks.known_keys(thing, ("scaled", "raw", "min", "max"), field)
    found = {key: checks.number(thing[key], inside(field, key)) for key in thing}
    if not -1 <= found.get("scaled", 0) <= 1:
        raise broken(inside(field, "scaled"), "range", "-1 to 1")
    low, high = found.get("min", float("-inf")), found.get("max", float("inf"))
    if not low < high:
        raise broken(inside(field, "min"), "range", "less than max")
    if "raw" in found and not low <= found["raw"] <= high:
        raise broken(inside(field, "raw"), "range", "from min to max")


# -- context ----------------------------------------------------------------------------------------------


def _context(value: object, field: str, version: Version, *, about_activity: bool) -> None:
    thing = checks.an_object(value, field)
    later = ("contextAgents", "contextGroups") if version == "2.0.0" else ()
    checks.known_keys(thing, (*_CONTEXT, *later), field)
    rules = {
        "registration": checks.uuid,
        "instructor": things.agent_or_group,
        "team": things.group,
        "contextActivities": _context_activities,
        "revision": checks.text,
        "platform": checks.text,
        "language": checks.language_tag,
        "statement": _statement_ref,
        "extensions": checks.extensions,
        "contextAgents": _context_agents,
        "contextGroups": _context_groups,
    }
    checks.each(thing, rules, field)
    for key in ("revision", "platform"):
        if key in thing and not about_activity:
            raise broken(inside(field, key), "only about an activity", "no such key, since the object is no activity")


def _context_activities(value: object, field: str) -> None:
    thing = checks.an_object(value, field)
    checks.known_keys(thing, _CONTEXT_ACTIVITIES, field)
    checks.each(thing, dict.fromkeys(_CONTEXT_ACTIVITIES, things.activities), field)


def _context_agents(value: object, field: str) -> None:
    for index, item in enumerate(checks.an_array(value, field)):
        at = f"{field}[{index}]"
        checks.each(_relevant(item, at, "contextAgent", "agent"), {"agent": things.agent}, at)


def _context_groups(value: object, field: str) -> None:
    for index, item in enumerate(checks.an_array(value, field)):
        at = f"{field}[{index}]"
        checks.each(_relevant(item, at, "contextGroup", "group"), {"group": things.group}, at)


def _relevant(value: object, field: str, kind: str, member: str) -> Json:
    thing = checks.an_object(value, field)
    checks.known_keys(thing, ("objectType", member, "relevantTypes"), field)
    checks.required(thing, ("objectType", member), field)
    checks.one_of(thing["objectType"], (kind,), inside(field, "objectType"))
    if "relevantTypes" in thing:
        types = inside(field, "relevantTypes")
        found = checks.an_array(thing["relevantTypes"], types)
        if not found:
            raise broken(types, "not empty", "at least one IRI")
        for index, item in enumerate(found):
            checks.iri(item, f"{types}[{index}]")
    return thing


# -- attachments ------------------------------------------------------------------------------------------


def _attachments(value: object, field: str) -> None:
    rules = {
        "usageType": checks.iri,
        "display": checks.language_map,
        "description": checks.language_map,
        "contentType": checks.media_type,
        "length": _length,
        "sha2": checks.sha2,
        "fileUrl": checks.iri,
    }
    for index, item in enumerate(checks.an_array(value, field)):
        at = f"{field}[{index}]"
        thing = checks.an_object(item, at)
        checks.known_keys(thing, rules, at)
        checks.required(thing, _ATTACHMENT_REQUIRED, at)
        checks.each(thing, rules, at)


def _length(value: object, field: str) -> None:
    if not isinstance(checks.number(value, field), int):
        raise broken(field, "type", "an integer")
    if checks.number(value, field) < 0:
        raise broken(field, "range", "0 or more bytes")
