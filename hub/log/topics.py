"""The topics of the log, declared once for every adapter.

A topic's name and what its key is are public and never change. Records with the same key keep their order, since they lie
in the same partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from hub.errors import Refused

MAX_PARTITIONS = 256
"""More would not fit one wake-up message of PostgreSQL, and no hub needs them."""


class Topic(NamedTuple):
    """One topic: its name, how long its records are kept (None: for ever) and what its key names."""

    name: str
    retention: timedelta | None
    key: str


OBSERVATIONS = Topic("lms.observations", timedelta(days=30), "the stream that the observation concerns")
LEARNING = Topic("lms.learning", None, "enrollment")
INTEGRATION = Topic("lms.integration", None, "company")
DIRECTORY = Topic("lms.directory", None, "company, department, team, user, employee, LMS account or course")
GOVERNANCE = Topic("lms.governance", None, "company")
OPERATIONS = Topic("lms.operations", None, "the thing: a figure, workflow run, notification, report or archive")
OUTCOMES = Topic("lms.outcomes", None, "employee or department")
STATEMENTS = Topic("lms.statements", None, "xAPI statement")
DEADLETTER = Topic("lms.deadletter", None, "the stream that the rejected input was for")

TOPICS: tuple[Topic, ...] = (
    OBSERVATIONS,
    LEARNING,
    INTEGRATION,
    DIRECTORY,
    GOVERNANCE,
    OPERATIONS,
    OUTCOMES,
    STATEMENTS,
    DEADLETTER,
)
TOPIC_NAMES: tuple[str, ...] = tuple(topic.name for topic in TOPICS)


def demand_topics(names: Iterable[str]) -> None:
    """Refuse a topic that is not declared here.

    Raises:
        Refused: naming the topic and the declared ones.
    """
    for name in names:
        if name not in TOPIC_NAMES:
            raise Refused(
                f"Topic {name!r} is not a topic of the log; expected one of {', '.join(TOPIC_NAMES)}.",
                field="topic",
                rule="a topic is declared",
                expected=", ".join(TOPIC_NAMES),
            )


def demand_all_there(names: Iterable[str]) -> None:
    """Refuse a log that lacks a declared topic.

    Raises:
        Refused: naming what is missing and the command that makes it.
    """
    there = set(names)
    missing = [name for name in TOPIC_NAMES if name not in there]
    if missing:
        raise Refused(
            f"The log has no topic {', '.join(missing)}; 'hub log init' makes it.",
            field="topic",
            rule="every declared topic exists",
            expected=", ".join(TOPIC_NAMES),
        )


def demand_partitions(partitions: int) -> None:
    """Refuse a partition count that no adapter can hold.

    Raises:
        Refused: the count is below 1 or above ``MAX_PARTITIONS``.
    """
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise Refused(
            f"HUB_PARTITIONS is {partitions}; expected a number from 1 to {MAX_PARTITIONS}.",
            field="HUB_PARTITIONS",
            rule="partition count in range",
            expected=f"1 to {MAX_PARTITIONS}",
        )


def demand_same_partitions(found: int, wanted: int) -> None:
    """Refuse to work with a log that was made with another partition count.

    Raises:
        Refused: naming both counts.
    """
    if found != wanted:
        raise Refused(
            f"HUB_PARTITIONS is {wanted}, but the log was made with {found} partitions; expected {found}. "
            "The partition count of a log never changes.",
            field="HUB_PARTITIONS",
            rule="partition count of the log",
            expected=str(found),
        )
