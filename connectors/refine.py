"""An integration's ``field_mappings``, ``transformation_rules`` and ``validation_rules``, applied to what a connector read.

The source is the LMS's record as JSON (a statement, a row); beside its own keys the fields of the record are there by their
names. The record is what the connector read of it, as hub fields: ``course_id``, ``lesson_id``, the learner's keys, names,
``progress_percentage``, ``score_achieved`` and the flags (``completed``, ``passed``, …). What the rules change in it
is parsed as a file's value would be and replaces what the connector read; null leaves that as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from connectors import record_fields
from connectors.expressions import Expression
from connectors.mapping import RecordMapping, compile_mapping
from connectors.observe import Learner
from connectors.parse import ISO, Parser, Reading, plain
from connectors.parse_dates import moment
from connectors.xapi.checks import Json, broken
from hub.domain.integration_config import IntegrationConfig
from hub.domain.observations import LessonFacts
from hub.domain.units import unscaled

Facts = dict[str, Any]

_PLAIN: Final = ("course_name", "course_code", "lesson_name", "lesson_type")
_FLAGS: Final = (
    "registered",
    "completed",
    "passed",
    "removed",
    "suspended",
    "expired",
    "waived",
    "worked",
    "certified",
)
_NUMBERS: Final = {
    "score": ("score_achieved", 4),
    "score_min": ("score_min", 4),
    "score_max": ("max_score", 4),
    "passing_score": ("passing_score", 4),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the connector read of one source record, before and after the rules."""

    learner: Learner
    course_key: str | None
    lesson_key: str | None
    facts: Facts
    course: Facts
    """What is told of the course beside its name and code."""
    occurred: int | None


class Rules:
    """The compiled rules of an integration. Raises Refused where one is wrong."""

    def __init__(self, config: IntegrationConfig) -> None:
        self._mapping = compile_mapping(config)
        self.any = bool(self._mapping.fields or self._mapping.transformations or self._mapping.schema)
        self._reading = Reading(zone=config.zone)

    def refine(self, found: Found, source: Json) -> Found:
        """What was read, as the rules want it.

        Raises:
            Unusable: The record breaks a rule, or a rule's value cannot be read.
        """
        if not self.any:
            return found
        record = _record(found)
        mapped = {name: rule.value(source | record) for name, rule in self._mapping.fields.items()}
        base = record | {name: value for name, value in mapped.items() if value is not None}
        own = {name: Expression(name, name, None) for name in base}
        rules = RecordMapping(own, self._mapping.transformations, self._mapping.schema, flat=False)
        result = rules.apply(source | base)
        changed = {name: value for name, value in result.items() if value is not None and value != record.get(name)}
        return self._changed(found, changed) if changed else found

    def _changed(self, found: Found, changed: Mapping[str, Any]) -> Found:
        keys = {name: plain(changed[name], name) for name in ("course_id", "lesson_id") if name in changed}
        lesson_key = keys.get("lesson_id") or found.lesson_key
        table = record_fields.LESSON if lesson_key is not None else record_fields.ENROLLMENT
        facts, course = dict(found.facts), dict(found.course)
        if lesson_key is not None and found.lesson_key is None:
            # A rule has moved it from the course to a lesson, which has other facts.
            facts = {name: value for name, value in facts.items() if name in LessonFacts.model_fields}
        for name, value in changed.items():
            self._put(facts, table, name, value)
            self._put(course, record_fields.COURSE, name, value)
        for name, meanings in (
            ("enrollment_status", record_fields.ENROLLMENT_STATUS),
            ("progress_status", record_fields.LESSON_STATUS),
        ):
            if name in changed and (name == "progress_status") == (lesson_key is not None):
                facts |= meanings[record_fields.STATUS[name](changed[name], name, ISO)]
        moments = (moment(changed[name], name, self._reading) for name in record_fields.CHANGED if name in changed)
        occurred = next((value for value in moments if value is not None), found.occurred)
        return Found(
            _learner(found.learner, changed),
            keys.get("course_id") or found.course_key,
            lesson_key,
            facts,
            course,
            occurred,
        )

    def _put(self, facts: Facts, table: Mapping[str, tuple[str, Parser]], name: str, value: Any) -> None:
        if name in table:
            fact, parse = table[name]
            parsed = parse(value, name, self._reading)
            if parsed is not None:
                facts[fact] = parsed


def _learner(learner: Learner, changed: Mapping[str, Any]) -> Learner:
    """The learner with further keys. Who it is (the account) stays the source's matter."""
    if "lms_user_id" in changed:
        raise broken("lms_user_id", "set by the source", "no rule for it: the source names the account")
    keys = [(meaning, changed[name], name) for name, meaning in record_fields.LEARNER.items() if name in changed]
    told: dict[str, str] = {meaning: text for meaning, value, name in keys if (text := plain(value, name))}
    return replace(learner, **told)


def _record(found: Found) -> dict[str, Any]:
    """What was read, as hub fields."""
    facts, learner = found.facts, found.learner
    record: dict[str, Any] = {
        "course_id": found.course_key,
        "lesson_id": found.lesson_key,
        "email": learner.email,
        "login_name": learner.login_name,
        "hr_number": learner.hr_number,
        "custom_identifier": learner.custom_identifier,
        "display_name": learner.display_name,
    }
    record |= {name: facts.get(name) for name in (*_PLAIN, *_FLAGS)}
    progress = "completion_percentage" if found.lesson_key is not None else "progress_percentage"
    for fact, (name, digits) in {**_NUMBERS, "progress": (progress, 2)}.items():
        value = facts.get(fact)
        record[name] = None if value is None else float(unscaled(value, digits))
    return {name: value for name, value in record.items() if value is not None}
