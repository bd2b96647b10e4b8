"""The options of ``hub integrations add`` and ``change``, declared once: a settable column of the configuration each.

Credentials and the connector's own settings are given as ``name=value``. A credential named without a value is asked for,
or read from stdin where that is no terminal, so that it need not stand on a command line.
"""

from __future__ import annotations

import getpass
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from hub.cli.options import Authentications, DataFormats, Directions, Frequencies, LmsTypes, Methods
from hub.errors import Refused


class CourseType(StrEnum):
    """What may stand in ``supported_course_types``."""

    ELEARNING = "eLearning"
    INSTRUCTOR_LED = "Instructor-led"
    BLENDED = "Blended"
    VIRTUAL = "Virtual"
    MICROLEARNING = "Microlearning"


JSON_COLUMNS = ("field_mappings", "validation_rules", "transformation_rules", "compliance_settings")
JSON_HELP = "a JSON object, or the name of a file that holds one."


def _option(kind: Any, name: str, text: str, **more: Any) -> Any:
    return Annotated[kind | None, typer.Option(name, help=text, **({"metavar": "TEXT"} | more))]


def _choice(kind: Any, name: str, text: str) -> Any:
    """One of several words, in any case; the help shows how they are spelled."""
    return _option(kind, name, text, case_sensitive=False, metavar="|".join(get_args(kind)))


COLUMNS: dict[str, Any] = {
    "lms_name": _option(str, "--name", "Name of the LMS as people know it."),
    "lms_type": _choice(LmsTypes, "--type", "Product."),
    "integration_method": _choice(Methods, "--method", "Way in which data comes."),
    "api_endpoint_url": _option(str, "--url", "Address of its API (https, except on loopback).", metavar="URL"),
    "api_version": _option(str, "--api-version", "Dialect spoken, such as 1.0.3 or 2.0 of xAPI."),
    "authentication_type": _choice(Authentications, "--auth", "How the hub proves itself to the LMS."),
    "data_format": _choice(DataFormats, "--data-format", "Format of the data."),
    "encoding_format": _option(str, "--encoding", "Character encoding of its files, such as cp1252."),
    "sync_frequency": _choice(Frequencies, "--sync-frequency", "How often the hub pulls."),
    "sync_direction": _choice(Directions, "--sync-direction", "In, out, or both ways."),
    "is_primary_lms": Annotated[
        bool | None,
        typer.Option("--primary/--not-primary", help="The company's primary LMS; another one ceases to be it."),
    ],
    "max_retry_attempts": _option(
        int, "--max-retry-attempts", "Failed runs in a row that make an Error.", min=0, metavar="N"
    ),
    "timeout_seconds": _option(int, "--timeout-seconds", "Longest wait for one answer.", min=1, metavar="N"),
    "rate_limit_per_hour": _option(int, "--rate-limit-per-hour", "Most requests in one hour.", min=1, metavar="N"),
    "supported_course_types": Annotated[
        list[CourseType] | None,
        typer.Option(
            "--course-type",
            case_sensitive=False,
            metavar="|".join(CourseType),
            help="Take in only courses of this type. May be repeated.",
        ),
    ],
    "field_mappings": _option(str, "--field-mappings", f"Which source field is which column (JMESPath): {JSON_HELP}"),
    "validation_rules": _option(str, "--validation-rules", f"What a record must fulfil (JSON Schema): {JSON_HELP}"),
    "transformation_rules": _option(str, "--transformation-rules", f"How values are changed (JMESPath): {JSON_HELP}"),
    "compliance_settings": _option(str, "--compliance-settings", f"Compliance settings: {JSON_HELP}"),
}
"""Column → its option."""
SPECIAL: dict[str, Any] = {
    "credential": Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=VALUE]",
            help="A credential, such as token; without a value it is asked for. May be repeated.",
        ),
    ],
    "credential_file": Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Credentials: a file with a JSON object.", exists=True, dir_okay=False),
    ],
    "setting": Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A setting of the connector. May be repeated.")
    ],
}


def with_columns(function: Callable[..., None]) -> Callable[..., None]:
    """The command with all these options; they reach it as one mapping, in its last parameter ``given``."""
    own = [one for one in inspect.signature(function, eval_str=True).parameters.values() if one.name != "given"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in (COLUMNS | SPECIAL).items()
    ]

    def command(**told: Any) -> None:
        mine = {one.name: told.pop(one.name) for one in own}
        function(**mine, given=told)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__annotations__ = {}
    kept = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    command.__signature__ = inspect.Signature([*kept, *added])  # type: ignore[attr-defined]
    return command


def columns_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns given, as an event carries them: JSON is text."""
    found = {name: given[name] for name in COLUMNS if given[name] not in (None, [])}
    for name in JSON_COLUMNS:
        if name in found:
            found[name] = json.dumps(_json_object(name, found[name]))
    if "supported_course_types" in found:
        found["supported_course_types"] = json.dumps(found["supported_course_types"])
    return found


def credentials_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The credentials given by file, by value and on request. Raises Refused where they cannot be read."""
    found: dict[str, str] = {}
    if given["credential_file"] is not None:
        told = _json_object("credential file", str(given["credential_file"]))
        if not all(isinstance(value, str) for value in told.values()):
            raise Refused("credential file: holds something else than texts; expected a JSON object of texts",
                          field="credential file", rule="texts", expected="a JSON object of texts")  # fmt: skip
        found |= told
    for pair in given["credential"] or ():
        name, has_value, value = pair.partition("=")
        found[name.strip()] = value if has_value else _asked(name.strip())
    return found


def settings_of(pairs: Sequence[str], lms_type: str, method: str, data_format: str | None) -> dict[str, Any]:
    """The connector's settings given, in the type that each is declared with.

    Raises Refused where a setting is unknown to the connector of this type and method, or has no such value.
    """
    from hub.integrations.settings import own

    known = {setting.name: setting for setting in _declared(lms_type, method, data_format)}
    found: dict[str, Any] = {}
    for pair in pairs:
        name, has_value, value = pair.partition("=")
        if name not in known:
            expected = ", ".join(known) or "none: there is no connector for this type and method"
            raise Refused(f"setting {name}: is not known; expected one of {expected}",
                          field=name, rule="known setting", expected=expected)  # fmt: skip
        if not has_value:
            raise Refused(f"setting {name}: has no value; expected {name}=VALUE",
                          field=name, rule="name=value", expected=f"{name}=VALUE")  # fmt: skip
        found[name] = _typed(name, value, known[name].type)
    own(found)  # the hub's own are judged here; the connector judges its own when it is made
    return found


def _declared(lms_type: str, method: str, data_format: str | None) -> Sequence[Any]:
    from connectors import registry
    from connectors.files.options import SETTINGS as OF_FILES
    from connectors.xapi.settings import SETTINGS as OF_STATEMENTS
    from hub.domain.integration_config import IntegrationConfig
    from hub.integrations.settings import SETTINGS as OF_HUB

    shape = IntegrationConfig("", "", "", "", lms_type, method, data_format=data_format)
    if registry.holds_statements(shape):
        return (*OF_STATEMENTS, *OF_HUB)
    try:
        return (*registry.connector_class(lms_type, method).settings, *OF_HUB)
    except Refused:
        return (*OF_FILES, *OF_HUB)


def _typed(name: str, value: str, kind: type) -> Any:
    if kind is bool:
        if value.lower() in ("true", "yes", "1", "false", "no", "0"):
            return value.lower() in ("true", "yes", "1")
        raise Refused(f"setting {name}: {value!r} is neither; expected true or false",
                      field=name, rule="true or false", expected="true or false")  # fmt: skip
    if kind is list:
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(f"setting {name}: is no JSON; expected a JSON list",
                          field=name, rule="JSON", expected="a JSON list") from None  # fmt: skip
    if kind is int:
        try:
            return int(value)
        except ValueError:
            raise Refused(f"setting {name}: {value!r} is no number; expected a whole number",
                          field=name, rule="whole number", expected="a whole number") from None  # fmt: skip
    return value


def _json_object(name: str, text: str) -> dict[str, Any]:
    """A JSON object given in the option itself, or in a file."""
    given = text.strip()
    try:
        value = json.loads(given if given.startswith(("{", "[")) else Path(text).read_text(encoding="utf-8"))
    except OSError as problem:
        raise Refused(f"{name}: {text} cannot be read ({problem.strerror}); expected {JSON_HELP}",
                      field=name, rule="readable file", expected=JSON_HELP) from None  # fmt: skip
    except ValueError as problem:
        # What does not parse may hold a secret, so only the place is told.
        where = (
            f"line {problem.lineno}, column {problem.colno}"
            if isinstance(problem, json.JSONDecodeError)
            else "not UTF-8"
        )
        raise Refused(f"{name}: is no JSON ({where}); expected {JSON_HELP}",
                      field=name, rule="JSON", expected=JSON_HELP) from None  # fmt: skip
    if not isinstance(value, dict):
        raise Refused(
            f"{name}: is no JSON object; expected {JSON_HELP}", field=name, rule="JSON object", expected=JSON_HELP
        )
    return value


def _asked(name: str) -> str:
    value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not value:
        raise Refused(f"credential {name}: nothing was given; expected a value on the terminal or on stdin",
                      field=name, rule="required", expected="a value")  # fmt: skip
    return value
