"""What it costs to write and read one event, beside the bare library with everything prepared (the limit).

``python -m tests.bench.bench_codec`` prints one JSON object a line. Times are processor time, the best of several rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import orjson
from fastavro import parse_schema, schemaless_reader, schemaless_writer

from hub.log import codec
from hub.log.schema_registry import packaged
from tests.bench.harness import Figure
from tests.support.bare_schema import bare

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
MOMENT = 1_714_731_630_123_456

ENVELOPE: dict[str, Any] = {
    "event_id": ID,
    "company_id": ID,
    "stream_kind": "enrollment",
    "stream_id": ID,
    "version": 7,
    "follows": ID,
    "occurred_at": MOMENT,
    "recorded_at": MOMENT,
    "actor_kind": "integration",
    "actor_id": ID,
    "integration_id": ID,
    "native_id": "enrollment-1234",
    "payload_sha256": bytes(32),
    "causation_id": "lms.observations/3/12345",
    "correlation_id": ID,
    "account_id": ID,
    "course_key": "course-17",
    "cycle": 1,
    "enrollment_row_id": ID,
    "existing_enrollment_id": ID,
    "reported": '{"progress":"40","seconds_total":3600,"last_access_at":"2024-05-03T10:20:30Z"}',
}

EVENTS: dict[str, dict[str, Any]] = {
    "lms.enrollment.progressed.v1": {
        "transitions": ["enrollment.progressed"],
        "enrollment": {
            "enrollment_status": "In Progress",
            "progress_percentage": 4_000,
            "time_spent_seconds": 3_600,
            "score_achieved": 8_000,
            "max_score": 10_000,
            "last_access_date": MOMENT,
            "total_access_count": 7,
            "completed": False,
            "source_time": MOMENT,
        },
    },
    "lms.lesson.completed.v1": {
        "transitions": ["lesson.started", "lesson.completed"],
        "lesson_id": "lesson-3",
        "lesson_row_id": ID,
        "lesson": {
            "lesson_name": "Ladders",
            "lesson_type": "Quiz",
            "progress_status": "Completed",
            "completion_date": MOMENT,
            "time_spent_seconds": 600,
            "score_achieved": 9_000,
            "max_score": 10_000,
            "attempts_count": 2,
            "last_access_date": MOMENT,
            "completion_percentage": 10_000,
            "completed": True,
            "source_time": MOMENT,
        },
    },
}


def side_by_side(
    ours: Callable[[], object], bare: Callable[[], object], rounds: int = 15, times: int = 500
) -> tuple[float, float]:
    """Processor time of one call of each in µs, the best of interleaved rounds, since the machine's speed moves."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for which, work in enumerate((ours, bare)):
            start = time.process_time()
            for _ in range(times):
                work()
            best[which] = min(best[which], (time.process_time() - start) / times * 1e6)
    return best[0], best[1]


def figures() -> list[Figure]:
    """Encode and decode of each typical event, with the bare library beside it."""
    return [figure for name, body in EVENTS.items() for figure in _of({"type": name, **ENVELOPE, **body})]


def _of(event: dict[str, Any]) -> list[Figure]:
    name: str = event["type"]
    public = packaged().newest(name).schema
    schema = parse_schema(bare(public))
    prepared = schemaless_reader(BytesIO(codec.encode(event)[5:]), schema, None)
    value = codec.encode(event)
    body = value[5:]
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "encode": (lambda: codec.encode(event), lambda: schemaless_writer(BytesIO(), schema, prepared)),
        "decode": (lambda: codec.decode(value), lambda: schemaless_reader(BytesIO(body), schema, None)),
    }
    return [_figure(f"codec.{what}.{name}", len(value), *side_by_side(*pair)) for what, pair in pairs.items()]


def _figure(bench: str, size: int, cost: float, limit: float) -> Figure:
    return {
        "bench": bench,
        "value": round(cost, 1),
        "unit": f"µs per event of {size} bytes",
        "limit": round(limit, 1),
        "limit_name": "fastavro alone, values prepared",
        "ratio": round(limit / cost, 2),
    }


if __name__ == "__main__":
    for figure in figures():
        print(orjson.dumps(figure).decode())
