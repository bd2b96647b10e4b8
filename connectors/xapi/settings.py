"""The settings of the xAPI connector, declared once, and their values as the connector uses them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Setting
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Refused

ACCOUNT_NAME_IS: Final = {"login": "login_name", "hr_number": "hr_number", "custom": "custom_identifier"}
SCALED_IS: Final = ("0..1", "-1..1")
COURSE_CODE: Final = r"/course/view\.php\?(?:[^#]*&)?id=(\d+)|/courses?/(course-v1:[^/?#]+)"
"""The number of a Moodle course, the key of an Open edX course."""

SETTINGS: Final = (
    Setting("account_name_is", "What an account's name is", default="login", help="login, hr_number or custom."),
    Setting(
        "course_id_pattern",
        "Pattern of course ids",
        help="A regular expression; an activity whose id it is found in is a course, whatever its type says.",
    ),
    Setting(
        "course_code_pattern",
        "Pattern of the course code",
        default=COURSE_CODE,
        help="A regular expression; its first group that is found in a course's id is the course code.",
    ),
    Setting(
        "scaled_is",
        "Range of scaled scores",
        default="0..1",
        help="0..1, or -1..1 for the Moodle plugin; used only where a score has no raw value with a maximum.",
    ),
    Setting(
        "registration_is_enrollment",
        "A registration is an enrollment",
        bool,
        default=False,
        help="True where context.registration names a cycle of an enrollment; of cmi5 statements it always does.",
    ),
    Setting(
        "mastered_is_passed",
        "Mastered means passed",
        bool,
        default=False,
        help="True where the verb mastered is a pass.",
    ),
    Setting("page_size", "Statements per page", int, default=500, help="What is asked of the LRS; it may give fewer."),
    Setting(
        "attachments",
        "Ask for attachments",
        bool,
        default=True,
        help="As the standard wants it of one LRS that reads another. The bytes are not kept; False makes answers small.",
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one integration."""

    account_name_is: str
    course_id_pattern: re.Pattern[str] | None
    course_code_pattern: re.Pattern[str] | None
    scaled_is: str
    registration_is_enrollment: bool
    mastered_is_passed: bool
    page_size: int
    attachments: bool


def options_of(config: IntegrationConfig) -> Options:
    """The settings of an integration, defaults filled in. Raises Refused for a value of the wrong kind."""
    values = {setting.name: _value(setting, config.settings) for setting in SETTINGS}
    for name, allowed in (("account_name_is", tuple(ACCOUNT_NAME_IS)), ("scaled_is", SCALED_IS)):
        if values[name] not in allowed:
            raise _wrong(name, "one of " + ", ".join(allowed))
    if values["page_size"] < 1:
        raise _wrong("page_size", "a number from 1")
    for name in ("course_id_pattern", "course_code_pattern"):
        try:
            values[name] = re.compile(values[name]) if values[name] else None
        except re.error:
            raise _wrong(name, "a regular expression") from None
    code = values["course_code_pattern"]
    if code is not None and code.groups == 0:
        raise _wrong("course_code_pattern", "a regular expression with a group")
    return Options(**values)


def _value(setting: Setting, told: Mapping[str, Any]) -> Any:
    value = told.get(setting.name)
    if value is None:
        return setting.default
    if type(value) is not setting.type:
        raise _wrong(setting.name, {bool: "true or false", int: "a whole number"}.get(setting.type, "a text"))
    return value


def _wrong(name: str, expected: str) -> Refused:
    return Refused(
        f"The setting {name} must be {expected}.", field=f"settings.{name}", rule="kind of value", expected=expected
    )
