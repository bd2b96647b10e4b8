"""The form in which Moodle's REST protocol asks and answers: PHP arrays in, JSON or XML out, errors with status 200."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

import orjson

from connectors.testing.server import Reply

_PART = re.compile(r"[^\[\]]+")
_INT = re.compile(r"-?\d+")
_MESSAGES = {
    "invalidtoken": "Invalid token - token not found",
    "accessexception": "Access control exception",
    "invalidparameter": "Invalid parameter value detected",
    "invalidrecord": "Can't find data record in database table external_functions.",
    "missingparam": "A required parameter (wsfunction) was missing",
    "errorcoursecontextnotvalid": "You cannot execute functions in the course context (course id:42).",
    "usernotenroled": "The user is not enrolled in this course",
    "nocriteriaset": "No completion criteria set for this course",
    "cannotviewreport": "You cannot view this report",
    "nopermissions": "Sorry, but you do not currently have permissions to do that ({detail}).",
    "invaliduser": "Invalid user",
    "wsnoinstance": "Manual enrolment plugin instance doesn't exist or is disabled for the course (id = {detail})",
}
_CLASSES = {
    "accessexception": "webservice_access_exception",
    "invalidparameter": "invalid_parameter_exception",
    "invalidrecord": "dml_missing_record_exception",
    "nopermissions": "required_capability_exception",
}


class MoodleError(Exception):
    """An error as Moodle tells it."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail

    def body(self, *, debug: bool = False) -> dict[str, str]:
        """What it looks like in an answer; only a site in debug mode tells more, and it may hold SQL."""
        text = _MESSAGES.get(self.code, self.code).format(detail=self.detail)
        found = {"exception": _CLASSES.get(self.code, "moodle_exception"), "errorcode": self.code, "message": text}
        return found | ({"debuginfo": f"{self.detail} SELECT * FROM mdl_user WHERE id = ?"} if debug else {})


def php_arrays(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nested values of names such as ``criteria[0][key]``; lists are dictionaries by position."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = _PART.findall(name) or [name]
        place = found
        for part in path:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise MoodleError("invalidparameter", name)
            place = inner
        place[last] = value
    return found


def checked(given: Mapping[str, Any], declared: Mapping[str, str]) -> dict[str, Any]:
    """Parameters as declared: ``int``, ``str``, ``list`` or ``dict``, with a ``!`` where needed. Raises MoodleError otherwise."""
    if unknown := set(given) - set(declared):
        raise MoodleError(
            "invalidparameter", f"Unexpected keys ({', '.join(sorted(unknown))}) detected in parameter array."
        )
    found: dict[str, Any] = {}
    for name, form in declared.items():
        if name not in given:
            if form.endswith("!"):
                raise MoodleError("invalidparameter", f"Missing required key in single structure: {name}")
            found[name] = {"int": 0, "str": "", "list": [], "dict": {}}[form]
        elif form.startswith("int"):
            found[name] = integer(given[name])
        elif form.startswith(("list", "dict")):
            inner = given[name] if isinstance(given[name], dict) else None
            found[name] = list(inner.values()) if inner and form.startswith("list") else inner
        else:
            found[name] = given[name] if isinstance(given[name], str) else None
        if found[name] is None:
            raise MoodleError("invalidparameter", f"Invalid external api parameter: {name}")
    return found


def integer(text: Any) -> int:
    """A whole number. Raises MoodleError for anything else."""
    if not isinstance(text, str) or not _INT.fullmatch(text):
        raise MoodleError("invalidparameter", "Invalid external api parameter: the value is no int")
    return int(text)


def json_answer(value: Any) -> Reply:
    """An answer in JSON, always with status 200."""
    return Reply(200, orjson.dumps(value), {"Content-Type": "application/json; charset=utf-8"})


def xml_answer(value: Any) -> Reply:
    """An answer in XML."""
    error = isinstance(value, dict) and "exception" in value
    inner = _exception(value) if error else "<RESPONSE>\n" + _element(value) + "</RESPONSE>\n"
    text = '<?xml version="1.0" encoding="UTF-8" ?>\n' + inner
    return Reply(200, text.encode(), {"Content-Type": "application/xml; charset=utf-8"})


def _exception(error: Mapping[str, str]) -> str:
    inner = "".join(
        f"<{name.upper()}>{escape(error[name])}</{name.upper()}>\n" for name in error if name != "exception"
    )
    return f'<EXCEPTION class="{error["exception"]}">\n{inner}</EXCEPTION>\n'


def _element(value: Any) -> str:
    if isinstance(value, dict):
        keys = "".join(f'<KEY name="{name}">{_element(inner)}</KEY>\n' for name, inner in value.items())
        return f"<SINGLE>\n{keys}</SINGLE>\n"
    if isinstance(value, list):
        return "<MULTIPLE>\n" + "".join(map(_element, value)) + "</MULTIPLE>\n"
    if value is None:
        return '<VALUE null="null"/>'
    return f"<VALUE>{escape(str(int(value) if isinstance(value, bool) else value))}</VALUE>"
