"""All projections by topic, in the order in which their rows are written (for the foreign keys), and the one fold."""

from __future__ import annotations

from collections.abc import Callable

from hub.domain.events import all_types
from hub.domain.rows import Row
from projections.folds import directory, figures, integration, learning, raw
from projections.folds.base import PlainEvent, Projection

BY_TOPIC: dict[str, tuple[Projection, ...]] = {
    "lms.integration": integration.PROJECTIONS,
    "lms.directory": directory.PROJECTIONS,
    "lms.learning": learning.PROJECTIONS,
    "lms.operations": figures.PROJECTIONS,
    "lms.statements": raw.PROJECTIONS[:1],
    "lms.deadletter": raw.PROJECTIONS[1:],
}

WRITE_ORDER: tuple[str, ...] = tuple(
    dict.fromkeys(projection.name for group in (directory.PROJECTIONS[:1], *BY_TOPIC.values()) for projection in group)
)
"""Tables in the order in which a batch writes them: what is referred to before what refers to it."""

REFUSED = "lms.command.refused.v1"
_of_type: dict[str, tuple[Projection, ...]] = {
    name: () if name == REFUSED else BY_TOPIC.get(declared.topic, ()) for name, declared in all_types().items()
}


def targets(event: PlainEvent) -> list[tuple[Projection, str]]:
    """The rows that an event concerns: projection and id."""
    return [(projection, key) for projection in _of_type[event["type"]] for key in projection.keys(event)]


def fold(event: PlainEvent, known: Callable[[str, str], Row | None]) -> dict[tuple[str, str], Row]:
    """The rows that an event gives, by table and id; ``known`` answers with a row as it is, or None."""
    rows: dict[tuple[str, str], Row] = {}
    for projection, key in targets(event):
        row = projection.fold(known(projection.name, key), event, key)
        if row is not None:
            rows[projection.name, key] = row
    return rows


__all__ = ["BY_TOPIC", "WRITE_ORDER", "PlainEvent", "Projection", "fold", "targets"]
