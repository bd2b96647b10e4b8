"""The bench of questions as of two days, run small: it measures what it says, and every question has an answer."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from projections import migrations
from tests.bench.bench_asof import QUESTIONS, asked, fill, plan, whole_reads


def test_every_question_of_the_bench_is_answered_by_index(make_database: Callable[[str | None], str]) -> None:
    """Rows come back, and the versions of the enrollments that are meant are found by their primary key."""
    url = make_database(None)
    migrations.upgrade(url)
    fill(url, 40_000)
    with psycopg.connect(url, autocommit=True) as connection:
        before = whole_reads(connection)
        counts = {name: asked(connection, question)[0] for name, question in QUESTIONS.items()}
        assert counts["as of, one person and course"] == 1
        assert all(counts.values()), counts
        assert "lms_course_enrollment_history_pkey" in plan(connection, "E7", None)
        assert whole_reads(connection) == before
