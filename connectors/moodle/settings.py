"""The settings of the Moodle connector, declared once, and the token that it presents to Moodle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Setting
from connectors.http_auth import credential
from hub.domain.integration_config import IntegrationConfig
from hub.domain.values import AuthenticationType
from hub.errors import Refused

COURSE_FIELDS: Final = (
    "course_type_field",
    "skills_field",
    "validity_days_field",
    "mandatory_field",
    "compliance_field",
)
"""Settings that name a custom field of courses."""

SETTINGS: Final = (
    Setting(
        "courses",
        "Courses that are read",
        help="Ids or short names, separated by commas; without it all that the token's user sees.",
    ),
    Setting("lessons", "Read activities", bool, default=True, help="False saves one request per learner and course."),
    Setting(
        "page_size",
        "Users per page",
        int,
        default=500,
        help="What is asked of Moodle; a site that gives fewer is read to its end too.",
    ),
    Setting(
        "passing_score",
        "Pass mark of the course's total in percent",
        int,
        help="Web services do not tell the pass mark of a course. With one, whoever ends below it has Failed.",
    ),
    Setting(
        "learner_roles",
        "Roles that learn",
        default="student",
        help="Short names, separated by commas. Who has only other roles in a course is no learner of it; "
        "an empty text takes in everybody.",
    ),
    Setting(
        "instructor_roles",
        "Roles that teach",
        default="editingteacher,teacher",
        help="Short names, separated by commas. Of several teachers the one with the lowest id is the instructor.",
    ),
    Setting(
        "employee_field",
        "Custom profile field with the employee's identifier",
        help="Its short name; it is tried after the ID number of the account.",
    ),
    Setting("course_type_field", "Custom course field with the course's type", help="Its short name."),
    Setting(
        "skills_field",
        "Custom course field with the skills taught",
        help="Its short name; skills are separated by commas.",
    ),
    Setting(
        "validity_days_field",
        "Custom course field with the days for which a completion is valid",
        help="Its short name.",
    ),
    Setting("mandatory_field", "Custom course field that marks mandatory courses", help="Its short name."),
    Setting("compliance_field", "Custom course field that marks compliance training", help="Its short name."),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one integration."""

    courses: frozenset[str]
    lessons: bool
    page_size: int
    passing_score: int | None
    learner_roles: frozenset[str]
    instructor_roles: frozenset[str]
    employee_field: str | None
    course_type_field: str | None
    skills_field: str | None
    validity_days_field: str | None
    mandatory_field: str | None
    compliance_field: str | None


def options_of(config: IntegrationConfig) -> Options:
    """The settings of an integration, defaults filled in.

    Raises:
        Refused: A value is of the wrong kind, or ``api_version`` names a dialect other than Moodle's only one.
    """
    if (config.api_version or "v1").strip().lower() not in ("", "v1", "1"):
        raise Refused(
            "api_version of a Moodle must be v1: its web services have no other dialect.",
            field="api_version",
            rule="supported version",
            expected="v1",
        )
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        value = config.settings.get(setting.name)
        if value is None:
            value = setting.default
        elif type(value) is not setting.type:
            raise _wrong(setting.name, {int: "a whole number", bool: "true or false"}.get(setting.type, "a text"))
        values[setting.name] = value
    for name in ("courses", "learner_roles", "instructor_roles"):
        values[name] = frozenset(part.strip() for part in (values[name] or "").split(",") if part.strip())
    options = Options(**values)
    if not 2 <= options.page_size <= 10_000:
        raise _wrong("page_size", "a number from 2 to 10000")
    if options.passing_score is not None and not 0 <= options.passing_score <= 100:
        raise _wrong("passing_score", "a percentage from 0 to 100")
    return options


def token_of(config: IntegrationConfig) -> str:
    """The web service token. Raises Refused where there is none, or the kind of authentication has none."""
    if config.authentication_type != AuthenticationType.API_KEY:
        raise Refused(
            f"authentication_type {config.authentication_type} cannot be used to read Moodle.",
            field="authentication_type",
            rule="supported by Moodle",
            expected="API Key, with the web service token as api_key",
        )
    return credential(config, "api_key")


def _wrong(name: str, expected: str) -> Refused:
    return Refused(
        f"The setting {name} must be {expected}.", field=f"settings.{name}", rule="kind of value", expected=expected
    )
