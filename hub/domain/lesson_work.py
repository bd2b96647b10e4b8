"""What adds up in a lesson: time, attempts and answers."""

from __future__ import annotations

import json
from typing import Any

from hub.domain.learning import Facts
from hub.domain.rows import Changes, dumped, loaded
from hub.errors import Unusable

NEWEST_ANSWERS = 500


def add_up(changes: Changes, facts: Facts, *, late: bool = False) -> None:
    """Add what is told in addition. ``late``: what is known stays where the same attempt or answer is told.

    Raises:
        Unusable: an attempt or an answer is not of the declared shape.
    """
    changes.add("time_spent_seconds", facts.get("seconds_more"))
    changes.add("attempts_count", facts.get("attempts_more"))
    if facts.get("attempt") is not None:
        _attempt(changes, facts["attempt"], late=late)
    if facts.get("interactions") is not None:
        _answers(changes, facts["interactions"], late=late)


def _attempt(changes: Changes, text: str, *, late: bool) -> None:
    """Keep the attempt that is told beside those known, by its number (else as the next one)."""
    attempt = _objects("attempt", text)
    attempts = list(loaded(changes.known("assessment_results")) or [])
    numbers = [known["number"] for known in attempts]
    number = attempt.get("number")
    if number is None:
        if any({**known, "number": None} == {**attempt, "number": None} for known in attempts):
            return
        attempt["number"] = max(numbers, default=0) + 1
    elif isinstance(number, bool) or not isinstance(number, int):
        raise _misshapen("attempt", "with a whole number")
    elif late and number in numbers:
        return
    attempts = [known for known in attempts if known["number"] != attempt["number"]] + [attempt]
    changes.put("assessment_results", dumped(sorted(attempts, key=lambda one: int(one["number"]))))
    changes.most("attempts_count", len(attempts))


def _answers(changes: Changes, text: str, *, late: bool) -> None:
    """Keep the answers that are told beside those known, by their ids; the newest 500. Late ones go before the others."""
    told = _objects("interactions", text, many=True)
    known = loaded(changes.known("interaction_data")) or []
    older, newer = (told, known) if late else (known, told)
    again = {dumped(answer.get("id")) for answer in newer}
    kept = [answer for answer in older if dumped(answer.get("id")) not in again]
    changes.put("interaction_data", dumped((kept + newer)[-NEWEST_ANSWERS:]))


def _objects(name: str, text: str, *, many: bool = False) -> Any:
    expected = "a JSON list of objects" if many else "a JSON object"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise _misshapen(name, f"as {expected}") from None
    items = value if many else [value]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _misshapen(name, f"as {expected}")
    return value


def _misshapen(name: str, expected: str) -> Unusable:
    return Unusable(f"{name}: is not of its shape; expected it {expected}", field=name, rule="shape", expected=expected)
