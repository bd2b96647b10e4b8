"""Reading a Canvas; ``python -m tests.bench.bench_canvas URL HOME DATABASE`` is the process that reads. Reading JSON is
counted as the connector's own work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from connectors.canvas.connector import CanvasConnector
from connectors.http import Answer, HttpClient
from tests.bench import harness
from tests.bench.source import Subject


class Kept(HttpClient):
    """Keeps what is answered; what was asked before is not asked again."""

    answers: dict[str, Answer]

    def read(self, target: str, understand: Callable[[Answer], Any], *given: Any, **named: Any) -> Any:
        if target not in self.answers:
            self.answers[target] = super().read(target, lambda answer: answer, *given, **named)
        return understand(self.answers[target])


def keep(reader: Any) -> None:
    """Let a connector keep its answers."""
    reader._client.http.__class__ = Kept
    reader._client.http.answers = {}


CANVAS = Subject("Canvas", CanvasConnector, "/api/v1", 3.3, keep)


def figures(bed: harness.Bed, records: int) -> Iterator[harness.Figure]:
    """The figures; a record for each course, enrollment and submission."""
    return CANVAS.figures(bed, "tests.bench.bench_canvas", records)


if __name__ == "__main__":
    CANVAS.work(*sys.argv[1:])
