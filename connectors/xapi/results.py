"""What a statement's result says, in the hub's plain numbers: score, time, progress, answers.

Scores are ten-thousandths, percentages hundredths, times microseconds, as everywhere in the hub.
"""

from __future__ import annotations

import json
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from connectors.xapi.checks import Json, broken
from connectors.xapi.formats import duration_length
from hub.domain.units import scaled, text_of

CMI5_CATEGORY: Final = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
SCORM_CATEGORY: Final = "https://w3id.org/xapi/scorm"
_MASTERY: Final = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore"
_PROGRESS: Final = (
    ("https://w3id.org/xapi/cmi5/result/extensions/progress", 1),
    ("https://w3id.org/xapi/video/extensions/progress", 100),
)
_GRADE: Final = "http://www.tincanapi.co.uk/activitytypes/grade_classification"
_LARGEST_SCORE: Final = 10**10
_SCORE_FIELDS: Final = {
    "score": "result.score.raw",
    "score_min": "result.score.min",
    "score_max": "result.score.max",
    "passing_score": f"context.extensions.{_MASTERY}",
}


def has_category(statement: Json, category: str) -> bool:
    """Whether the statement says that it follows a profile."""
    found = statement.get("context", {}).get("contextActivities", {}).get("category", [])
    return any(item["id"] == category for item in (found if isinstance(found, list) else [found]))


def score_facts(statement: Json, scaled_is: str) -> dict[str, int]:
    """``score``, ``score_min``, ``score_max`` and ``passing_score`` in the sender's numbers, where it has raw and max.

    Else percent made of the scaled value, by the range that the sender gives it; else the raw value alone.

    Raises:
        Unusable: A number is larger than a score can be.
    """
    told = statement.get("result", {}).get("score", {})
    found: dict[str, float | Decimal | None]
    raw, low, high, share = (told.get(key) for key in ("raw", "min", "max", "scaled"))
    mastery = _number(statement.get("context", {}).get("extensions", {}).get(_MASTERY))
    if raw is not None and high is not None:
        found = {"score": raw, "score_min": low, "score_max": high, "passing_score": _share(mastery, low or 0, high)}
    elif share is not None:
        percent = Decimal(str(share)) * 100 if scaled_is == "0..1" else (Decimal(str(share)) + 1) * 50
        found = {"score": percent, "score_min": 0, "score_max": 100, "passing_score": _share(mastery, 0, 100)}
    elif raw is not None:
        found = {"score": raw, "score_min": low}
    else:
        return {}
    return {name: _ten_thousandths(value, name) for name, value in found.items() if value is not None}


def _share(mastery: float | None, low: float, high: float) -> Decimal | None:
    if mastery is None or not 0 <= mastery <= 1:
        return None
    bottom, top = Decimal(str(low)), Decimal(str(high))
    return bottom + Decimal(str(mastery)) * (top - bottom)


def _ten_thousandths(value: float | Decimal, name: str) -> int:
    exact = Decimal(str(value))
    if abs(exact) >= _LARGEST_SCORE:
        raise broken(_SCORE_FIELDS[name], "range", f"less than {_LARGEST_SCORE}")
    return scaled(exact, 4)


def seconds(statement: Json) -> int | None:
    """Whole seconds of the result's duration; None where there is none, or one of no fixed length."""
    text = statement.get("result", {}).get("duration")
    length = duration_length(text).seconds if text is not None else None
    return int(length) if length else None


def progress(statement: Json) -> int | None:
    """Hundredths of percent, by the progress extensions of cmi5 (0..100) and video (0..1), held to 0..100."""
    extensions = statement.get("result", {}).get("extensions", {})
    for key, factor in _PROGRESS:
        value = _number(extensions.get(key))
        if value is not None:
            return max(0, min(10_000, scaled(Decimal(str(value)) * factor, 2)))
    return None


def grade(statement: Json) -> str | None:
    """The grade that Open edX tells beside a score."""
    value = statement.get("result", {}).get("extensions", {}).get(_GRADE)
    return value if isinstance(value, str) and 0 < len(value.strip()) <= 10 else None


def answer(statement: Json) -> str:
    """The answer to a question, as a JSON list of one: ``{id, type, response, result, latency}``."""
    thing, result = statement["object"], statement.get("result", {})
    success = result.get("success")
    told = {
        "id": thing["id"],
        "type": thing.get("definition", {}).get("interactionType"),
        "response": _clean(result.get("response")),
        "result": None if success is None else "correct" if success else "incorrect",
        "latency": result.get("duration"),
    }
    return json.dumps([{key: value for key, value in told.items() if value is not None}], ensure_ascii=False)


def attempt(score: int | None, passed: bool | None, occurred: int | None) -> str:
    """One attempt that ended, as JSON ``{time, score, passed}``; its number follows from those known."""
    told = {
        "time": None if occurred is None else text_of(occurred),
        "score": None if score is None else score / 10_000,
        "passed": passed,
    }
    return json.dumps({key: value for key, value in told.items() if value is not None})


def _clean(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "")


def _number(value: Any) -> float | None:
    """The value of an extension as a number that a float holds; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None
