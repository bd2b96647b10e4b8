"""What a subscriber to the tables may rely on: the news comes after the rows, and only of what is written."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from projections.engine.folder import OwnershipLost
from tests.support.pg_scene import LEARNING, Scene


def news(connection: psycopg.Connection[Any]) -> dict[tuple[str, int], int]:
    """What was told on the channel since it was last asked: (topic, partition) → next offset."""
    told: dict[tuple[str, int], int] = {}
    for notification in connection.notifies(timeout=0):
        for part in notification.payload.split(","):
            topic, number, offset = part.split("/")
            told[topic, int(number)] = int(offset)
    return told


def test_the_news_comes_with_the_rows(scene: Scene) -> None:
    """Whoever is told topic, partition and next offset finds the rows, the trail and the freshness of all before it."""
    with psycopg.connect(scene.url, autocommit=True) as reader:
        reader.execute("LISTEN hub_folded")
        scene.tell("C1", 1000)
        scene.decide()
        told = {where: offset for where, offset in news(reader).items() if where[0] == LEARNING}
        ((where, offset),) = told.items()
        assert offset == 1
        complete = "SELECT complete_up_to FROM analytics.freshness WHERE topic = %s AND partition = %s"
        assert reader.execute(complete, where).fetchone() == (offset - 1,)
        assert reader.execute("SELECT progress_percentage::int FROM hub.lms_course_enrollment").fetchall() == [(10,)]


def test_what_is_not_written_is_no_news(scene: Scene) -> None:
    """A folder that lost its partition wrote nothing, and nobody is told."""
    late = scene.folder()
    scene.tell("C1", 1000)
    scene.decide()
    with psycopg.connect(scene.url, autocommit=True) as reader:
        reader.execute("LISTEN hub_folded")
        with pytest.raises(OwnershipLost):
            late.fold(scene.records())
        assert news(reader) == {}


def test_a_reader_meets_no_half_of_a_batch(scene: Scene) -> None:
    """A transaction that looks twice sees the same rows, trail and freshness, whatever is folded in between."""
    scene.tell("C1", 1000)
    scene.decide()
    state = """
    SELECT (SELECT array_agg(progress_percentage::int) FROM hub.lms_course_enrollment),
           (SELECT count(*) FROM hub.lms_audit_trail), (SELECT sum(next_offset) FROM analytics.freshness)
    """
    with psycopg.connect(scene.url) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        before = reader.execute(state).fetchone()
        scene.tell("C1", 2000)
        scene.decide()
        assert reader.execute(state).fetchone() == before
        reader.rollback()
        assert reader.execute(state).fetchone() != before
