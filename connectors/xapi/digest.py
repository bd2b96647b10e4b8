"""Whether two statements say the same, and the digest of what a statement says.

The comparison form leaves out or unifies what an LRS or a sender may change without changing the statement:

- ``id``, ``stored``, ``authority``, ``version``, which the receiving LRS sets, and activity definitions and verb displays;
- how a timestamp is written, digits of a duration past 0.01 s, one activity or an array of it in contextActivities;
- the order of group members; upper and lower case in mail domains, UUIDs, hashes and language tags;
- how a number is written (``1`` and ``1.0``).

All else counts, the text of a duration included. Statements must have passed validation.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from connectors.xapi.actor import lower_domain
from connectors.xapi.checks import Json
from connectors.xapi.formats import parse_timestamp

_SET_BY_LRS: Final = ("id", "stored", "authority", "version")
_PAST_HUNDREDTHS = re.compile(r"(\.[0-9]{2})[0-9]+(?=S$)")


def content_digest(statement: Json) -> str:
    """SHA-256 (64 hex digits) of what a validated statement says.

    The same for a statement that is sent again under a new id, and for its copy read from another LRS. A statement
    without ``timestamp`` has a digest without a time, so two of the same content fall together; who needs them
    apart gives them their time of receipt as ``timestamp`` first.
    """
    return hashlib.sha256(_canonical(comparison_form(statement)).encode()).hexdigest()


def same_content(one: Json, other: Json) -> bool:
    """Whether two statements of the same id are equal under the comparison rules of xAPI.

    A timestamp that only one of them has may be the one that the LRS set, and does not make a difference.
    """
    first, second = comparison_form(one), comparison_form(other)
    if "timestamp" not in first or "timestamp" not in second:
        first.pop("timestamp", None)
        second.pop("timestamp", None)
    return _canonical(first) == _canonical(second)


def comparison_form(statement: Json) -> Json:
    """What of a validated statement counts in a comparison; a new object that shares none of the statement's own.

    ``timestamp`` is in microseconds since 1970 UTC.
    """
    form = {key: value for key, value in statement.items() if key not in _SET_BY_LRS}
    form["actor"] = _actor(form["actor"])
    form["verb"] = {"id": form["verb"]["id"]}
    form["object"] = _object(form["object"])
    if "timestamp" in form:
        form["timestamp"] = parse_timestamp(form["timestamp"])
    if "duration" in form.get("result", {}):
        duration = _PAST_HUNDREDTHS.sub(r"\1", form["result"]["duration"])
        form["result"] = form["result"] | {"duration": duration}
    if "context" in form:
        form["context"] = _context(form["context"])
    if "attachments" in form:
        form["attachments"] = [item | {"sha2": item["sha2"].lower()} for item in form["attachments"]]
    result: Json = _numbers(form)
    return result


def _actor(thing: Json) -> Json:
    form = dict(thing)
    if "mbox" in form:
        form["mbox"] = lower_domain(form["mbox"])
    if "mbox_sha1sum" in form:
        form["mbox_sha1sum"] = form["mbox_sha1sum"].lower()
    if "member" in form:
        form["member"] = sorted((_actor(member) for member in form["member"]), key=_canonical)
    return form


def _object(thing: Json) -> Json:
    kind = thing.get("objectType", "Activity")
    if kind in ("Agent", "Group"):
        return _actor(thing)
    if kind == "StatementRef":
        return thing | {"id": thing["id"].lower()}
    if kind == "SubStatement":
        return comparison_form(thing)
    return _activity(thing)


def _activity(thing: Json) -> Json:
    return {key: value for key, value in thing.items() if key != "definition"}


def _context(thing: Json) -> Json:
    form = dict(thing)
    for key in ("registration", "language"):
        if key in form:
            form[key] = form[key].lower()
    for key in ("instructor", "team"):
        if key in form:
            form[key] = _actor(form[key])
    for key, member in (("contextAgents", "agent"), ("contextGroups", "group")):
        if key in form:
            form[key] = [item | {member: _actor(item[member])} for item in form[key]]
    if "statement" in form:
        form["statement"] = _object(form["statement"])
    if "contextActivities" in form:
        form["contextActivities"] = {
            key: [_activity(item) for item in (value if isinstance(value, list) else [value])]
            for key, value in form["contextActivities"].items()
        }
    return form


def _numbers(value: Any) -> Any:
    """The value with every whole float as an integer, as JSON knows only one kind of number."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
