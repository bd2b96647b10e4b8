"""JMESPath expressions of a configuration, compiled and checked before the first record.

Functions beside JMESPath's own: ``trim(text)``, ``lower(text)``, ``replace(text, old, new)``; each gives null for null.

A text that is a key of the data as it stands means that key, so a header with blanks needs no quoting. A header with
other signs than letters, digits, blanks and ``_ - / # % :`` is written as a quoted identifier: ``"Score (%)"`` with its
double quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from hub.errors import Refused, Unusable

_PLAIN_HEADER = re.compile(r"\w[\w \-/#%:]*\.?")


class _Functions(functions.Functions):
    """The functions of JMESPath and the hub's own."""

    @functions.signature({"types": ["string", "null"]})
    def _func_trim(self, text: str | None) -> str | None:
        return None if text is None else text.strip()

    @functions.signature({"types": ["string", "null"]})
    def _func_lower(self, text: str | None) -> str | None:
        return None if text is None else text.lower()

    @functions.signature({"types": ["string", "null"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, text: str | None, old: str, new: str) -> str | None:
        return None if text is None else text.replace(old, new)


_OPTIONS = jmespath.Options(custom_functions=_Functions())


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression, or a plain header (``compiled`` is None). ``rule``: column and key it stands under."""

    rule: str
    text: str
    compiled: ParsedResult | None

    def value(self, data: Mapping[str, Any]) -> Any:
        """The value in these data; None where there is none.

        Raises:
            Unusable: a function cannot take a value of this record.
        """
        if self.compiled is None or self.text in data:
            return data.get(self.text)
        try:
            return self.compiled.search(data, options=_OPTIONS)
        except (JMESPathError, ArithmeticError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise Unusable(
                f"The expression under {self.rule} fails on this record: a function cannot take the value it is given.",
                field=self.rule.partition(".")[2],
                rule=self.rule,
                expected="values of the kinds that the expression's functions take",
            ) from error

    @property
    def key(self) -> str | None:
        """The one key of the source that is read; None for an expression that is more than a key."""
        if self.compiled is None:
            return self.text
        tree = self.compiled.parsed
        return str(tree["value"]) if tree["type"] == "field" else None


def compile_expression(text: object, rule: str) -> Expression:
    """Compile an expression or a plain header.

    Raises:
        Refused: it is no JMESPath, or calls a function that does not exist or with a wrong number of arguments.
    """
    if not isinstance(text, str) or not text.strip():
        raise refused(rule, "JMESPath", "a header or a JMESPath expression")
    try:
        compiled = jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        if _PLAIN_HEADER.fullmatch(text):
            return Expression(rule, text, None)
        hint = 'a header or a JMESPath expression (a header with special signs in double quotes, such as "Score (%)")'
        raise refused(rule, "JMESPath", hint) from error
    for name, given in _calls(compiled.parsed):
        _check_call(name, given, rule)
    return Expression(rule, text, compiled)


def as_expression(header: str) -> str:
    """A header as it is written in a configuration: plain where that is clear, else as a quoted identifier."""
    try:
        plain = compile_expression(header, "field_mappings").key == header
    except Refused:
        plain = False
    return header if plain else json.dumps(header, ensure_ascii=False)


def refused(key: str, rule: str, expected: str) -> Refused:
    """The error for a configuration whose ``column.key`` breaks a rule."""
    return Refused(
        f"{key} of the integration breaks the rule '{rule}': expected {expected}.",
        field=key,
        rule=rule,
        expected=expected,
    )


def _calls(tree: Any) -> Iterator[tuple[str, int]]:
    """The functions that an expression calls, with the number of their arguments."""
    if isinstance(tree, dict):
        if tree.get("type") == "function_expression":
            yield tree["value"], len(tree["children"])
        for child in tree.get("children", ()):
            yield from _calls(child)


def _check_call(name: str, given: int, rule: str) -> None:
    known = _Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise refused(rule, "known function", "one of " + ", ".join(sorted(_Functions.FUNCTION_TABLE)))
    wanted = known["signature"]
    variadic = bool(wanted) and wanted[-1].get("variadic", False)
    if given < len(wanted) or (given > len(wanted) and not variadic):
        raise refused(rule, "number of arguments", f"{len(wanted)} for the function {name}")
