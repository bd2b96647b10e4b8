"""``field_mappings``, ``transformation_rules`` and ``validation_rules`` of an integration: source record → hub record.

Three steps, each shown by :meth:`RecordMapping.explain`:

1. ``field_mappings`` ``{hub field: expression over the source record}`` (see :mod:`connectors.expressions`). Of a flat
   source (a file), fields without a mapping are taken from the column that has their name, however it is spelled.
2. ``transformation_rules`` ``{hub field: expression over {"record": …, "source": …}}``, or a table of values
   ``{hub field: {"values": {"PASSED": "Completed"}, "default": "error" | value}}``, compared without case and
   surrounding blanks. Without ``default`` an unknown value stays as it is; for a status that is refused. Every rule
   sees the record as it was mapped, so their order does not matter.
3. ``validation_rules``: a JSON Schema (2020-12; formats are checked) on the hub record, before its values are parsed.

All is compiled once per configuration: what is wrong in it is :class:`~hub.errors.Refused`, naming column and key. A
record that breaks a rule is :class:`~hub.errors.Unusable`, naming field and rule, never the value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from connectors.expressions import Expression, compile_expression, refused
from connectors.parse import ISO
from connectors.record_fields import ACCOUNT_KEYS, FIELDS, LEARNER, OWN_NAMES, STATUS
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Unusable

Source = Mapping[str, Any]

ERROR: Final = "error"
_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of what the rules do to a record: ``source``, ``mapped``, ``transformed`` or ``validated``."""

    name: str
    record: Mapping[str, Any]
    problem: Unusable | None = None


@dataclass(frozen=True, slots=True)
class ValueTable:
    """Values of a source and what they mean in the hub."""

    field: str
    values: Mapping[str, Any]
    """By the folded text of the source's value."""
    has_default: bool
    default: Any

    def value(self, found: Any) -> Any:
        """The hub's value. Raises Unusable for an unknown one where the default is ``error``."""
        known = folded(found)
        if known in self.values:
            return self.values[known]
        if not known or not self.has_default:
            return found
        if self.default == ERROR:
            rule = f"transformation_rules.{self.field}.values"
            expected = "one of " + ", ".join(self.values)
            message = f"{self.field} breaks the rule '{rule}': expected {expected}."
            raise Unusable(message, field=self.field, rule=rule, expected=expected)
        return self.default


@dataclass(slots=True)
class RecordMapping:
    """The compiled rules of one integration."""

    fields: Mapping[str, Expression]
    transformations: Mapping[str, Expression | ValueTable]
    schema: Draft202012Validator | None
    flat: bool
    _own: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)

    def apply(self, source: Source) -> dict[str, Any]:
        """The hub record of a source record. Raises Unusable where a rule is broken."""
        record = self._transformed(self._mapped(source), source)
        self._validate(record)
        return record

    def explain(self, source: Source) -> list[Step]:
        """What each step makes of a record; ends with the step that has a problem. Raises nothing."""
        steps = [Step("source", dict(source))]
        try:
            steps.append(Step("mapped", self._mapped(source)))
            steps.append(Step("transformed", self._transformed(steps[-1].record, source)))
            self._validate(steps[-1].record)
            steps.append(Step("validated", steps[-1].record))
        except Unusable as problem:
            names = ("mapped", "transformed", "validated")
            steps.append(Step(names[len(steps) - 1], steps[-1].record, problem))
        return steps

    def missing_keys(self, keys: Collection[str]) -> list[str]:
        """Which of ``learner`` and ``course_id`` no column of a flat source with these keys can tell."""
        told = set(own_fields(keys)) | set(self.fields) | set(self.transformations)
        learner = any(name in told for name, meaning in LEARNER.items() if meaning in ACCOUNT_KEYS)
        return [name for name, is_told in (("learner", learner), ("course_id", "course_id" in told)) if not is_told]

    def absent_headers(self, keys: Collection[str]) -> dict[str, str]:
        """Fields that are mapped to a header which is none of these keys."""
        plain = {name: expression.key for name, expression in self.fields.items() if expression.text not in keys}
        return {name: key for name, key in plain.items() if key is not None and key not in keys}

    def _mapped(self, source: Source) -> dict[str, Any]:
        own = self._own_fields(tuple(source)) if self.flat else {}
        record = {name: source[key] for name, key in own.items() if name not in self.fields}
        for name, expression in self.fields.items():
            record[name] = expression.value(source)
        return record

    def _own_fields(self, keys: tuple[str, ...]) -> dict[str, str]:
        found = self._own.get(keys)
        if found is None:
            if len(self._own) > 1000:
                self._own.clear()
            found = self._own[keys] = own_fields(keys)
        return found

    def _transformed(self, record: Mapping[str, Any], source: Source) -> dict[str, Any]:
        data = {"record": record, "source": source}
        new = dict(record)
        for name, rule in self.transformations.items():
            new[name] = rule.value(record.get(name)) if isinstance(rule, ValueTable) else rule.value(data)
        return new

    def _validate(self, record: Mapping[str, Any]) -> None:
        if self.schema is None:
            return
        error = best_match(self.schema.iter_errors(record))
        if error is not None:
            raise _broken(error)


def compile_mapping(config: IntegrationConfig, *, flat: bool = False) -> RecordMapping:
    """Compile the rules of an integration. ``flat``: columns that have a field's own name need no mapping.

    Raises:
        Refused: a rule is wrong; the error names its column and key.
    """
    fields = {
        name: compile_expression(text, f"field_mappings.{name}")
        for name, text in _known_fields(config.field_mappings, "field_mappings")
    }
    transformations = {
        name: _table(rule, name) if isinstance(rule, dict) else compile_expression(rule, f"transformation_rules.{name}")
        for name, rule in _known_fields(config.transformation_rules, "transformation_rules")
    }
    return RecordMapping(fields, transformations, _schema(config.validation_rules), flat)


def own_fields(keys: Collection[str]) -> dict[str, str]:
    """The hub fields that keys tell by their names, in any spelling of case, blanks and signs: field → key.

    Raises:
        Unusable: two keys are spellings of one field.
    """
    found: dict[str, str] = {}
    for key in keys:
        name = _OWN.get(squeezed(key))
        if name is None:
            continue
        if name in found:
            raise Unusable(
                f"Two columns mean {name}: expected one.",
                field=name,
                rule="one column per field",
                expected="one column",
            )
        found[name] = key
    return found


def squeezed(name: str) -> str:
    """A name without case, blanks and signs."""
    return _SIGNS.sub("", name).casefold()


def folded(value: Any) -> str:
    """A value as text without case and surrounding blanks; true and false as JSON spells them."""
    if value is None:
        return ""
    return (str(value) if isinstance(value, str) else json.dumps(value, default=str)).strip().casefold()


_OWN: Final = {squeezed(name): name for name in OWN_NAMES}


def _known_fields(rules: object, column: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(rules, Mapping):
        raise refused(column, "JSON object", "an object of hub fields")
    for name, rule in rules.items():
        if name not in FIELDS:
            raise refused(f"{column}.{name}", "known field", "one of " + ", ".join(sorted(FIELDS)))
        yield name, rule


def _table(rule: dict[str, Any], name: str) -> ValueTable:
    """A table of values. A status needs an answer for unknown values, and only statuses the hub knows."""
    at = f"transformation_rules.{name}"
    if set(rule) - {"values", "default"} or not isinstance(rule.get("values"), dict):
        raise refused(at, "table of values", 'an object {"values": {…}, "default": "error" or a value}')
    table = {folded(key): value for key, value in rule["values"].items()}
    if len(table) < len(rule["values"]):
        raise refused(f"{at}.values", "one line per value", "keys that differ by more than case and blanks")
    parse = STATUS.get(name)
    if parse is not None:
        if "default" not in rule:
            raise refused(f"{at}.default", "status without a default", '"error", or a status for unknown values')
        for value in (*table.values(), *([rule["default"]] if rule["default"] != ERROR else [])):
            try:
                parse(value, name, ISO)
            except Unusable as error:
                raise refused(at, error.rule, error.expected) from error
    return ValueTable(name, table, "default" in rule, rule.get("default"))


def _schema(rules: object) -> Draft202012Validator | None:
    """The schema, checked; only references within it are followed, nothing is fetched."""
    if rules in (None, {}):
        return None
    if not isinstance(rules, Mapping):
        raise refused("validation_rules", "JSON Schema", "a JSON Schema of the hub record")
    schema = dict(rules)
    checker = Draft202012Validator.FORMAT_CHECKER
    try:
        Draft202012Validator.check_schema(schema, format_checker=checker)
        base = schema.get("$id", "")
        resolver = Registry().with_resource(base, DRAFT202012.create_resource(schema)).resolver(base)
        for reference in _references(schema):
            resolver.lookup(reference)
        compiled = Draft202012Validator(schema, registry=Registry(), format_checker=checker)
        compiled.is_valid({})
    except SchemaError as error:
        key = ".".join(["validation_rules", *map(str, error.absolute_path)])
        raise refused(key, "JSON Schema 2020-12", f"a schema that keeps '{error.validator}'") from error
    except (Unresolvable, RecursionError) as error:
        raise refused("validation_rules", "$ref", "references within the schema, not in a circle") from error
    return compiled


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def _broken(error: ValidationError) -> Unusable:
    """The error of a record that breaks the schema; says the rule, not the value."""
    name = ".".join(map(str, error.absolute_path))
    expected = f"{error.validator} {json.dumps(error.validator_value, ensure_ascii=False, default=str)[:200]}"
    if error.validator == "required":
        wanted: Any = error.validator_value
        instance: Any = error.instance
        name = next((key for key in wanted if key not in instance), name)
        expected = "a value"
    rule = f"validation_rules: {error.validator}"
    name = name or "record"
    return Unusable(f"{name} breaks the rule '{rule}': expected {expected}.", field=name, rule=rule, expected=expected)
