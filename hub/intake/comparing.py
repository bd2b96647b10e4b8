"""What a full pass did not show any more: the hub's own records against those that the pass read.

What was shown lies in temporary tables of the run's database session, so memory stays flat. Only what is not ended is
looked at; what is gone gets one observation each (removed, retired), decided like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from connectors.contract import Coverage, Item
from hub.domain import ids
from hub.domain.units import moment

IN_PLAY = ("Not Started", "In Progress", "On Hold")
BATCH = 5_000
NAMED = 10
"""Courses that a held run names."""
SAMPLE = 20
"""Streams that a held run names."""
ENROLLMENT = "lms.observation.enrollment.v1"
COURSE = "lms.observation.course.v1"
LEARNING = frozenset({ENROLLMENT, "lms.observation.lesson.v1"})

TABLES = {
    "shown_stream": "CREATE TEMP TABLE shown_stream (stream_id uuid)",
    "shown_course": "CREATE TEMP TABLE shown_course (course_key text)",
    "covered_course": "CREATE TEMP TABLE covered_course (course_key text)",
    "told_time": "CREATE TEMP TABLE told_time (stream_id uuid, at timestamptz)",
    "gone": "CREATE TEMP TABLE gone (stream_id uuid, account_id text, course_key text, employee_id uuid)",
    "gone_course": "CREATE TEMP TABLE gone_course (course_key text, stream_id uuid)",
}
"""Made in a run's own session when first needed: most runs read a few changes and need none."""
EXISTING = """
SELECT (SELECT count(*) FROM hub.lms_course_enrollment WHERE lms_integration_id = %(id)s AND enrollment_status = ANY(%(play)s)),
       (SELECT count(*) FROM hub.course WHERE lms_integration_id = %(id)s AND retired_at IS NULL)
"""
GONE = """
INSERT INTO gone
SELECT h.stream_id, e.fold_state->>'account_id', e.fold_state->>'course_key', e.employee_id
FROM hub.lms_course_enrollment e JOIN hub.stream_head h ON h.row_id = e.id AND h.kind = 'enrollment'
WHERE e.lms_integration_id = %(id)s AND e.enrollment_status = ANY(%(play)s)
  AND (e.fold_state->>'course_key' IN (SELECT course_key FROM covered_course)
       OR (%(catalogue)s AND e.fold_state->>'course_key' NOT IN (SELECT course_key FROM shown_course)))
  AND NOT EXISTS (SELECT FROM shown_stream s WHERE s.stream_id = h.stream_id)
"""
GONE_COURSES = """
INSERT INTO gone_course
SELECT c.course_key, c.id FROM hub.course c
WHERE %(catalogue)s AND c.lms_integration_id = %(id)s AND c.retired_at IS NULL
  AND c.course_key NOT IN (SELECT course_key FROM shown_course)
  AND c.course_key NOT IN (SELECT course_key FROM covered_course)
"""
COUNTS = "SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM gone_course), (SELECT count(DISTINCT employee_id) FROM gone)"
BY_COURSE = "SELECT course_key AS course, count(*) AS drops FROM gone GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"
SOME = "SELECT stream_id::text FROM gone ORDER BY 1 LIMIT %s"
LATENCY = """
SELECT ceil(greatest(extract(epoch FROM a.timestamp - t.at), 0) / 60)::int, count(*)
FROM hub.lms_audit_trail a
JOIN (SELECT DISTINCT stream_id, at FROM told_time) t
  ON a.additional_context->>'stream' = 'enrollment/' || t.stream_id
 AND date_trunc('milliseconds', (a.additional_context->>'occurred_at')::timestamptz) = date_trunc('milliseconds', t.at)
WHERE a.timestamp >= %s AND a.additional_context->>'correlation_id' = %s
GROUP BY 1 ORDER BY 1
"""
DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Loss:
    """What a full pass would drop, and of how much."""

    existing: int
    would_drop: int
    existing_courses: int
    would_retire: int
    people: int = 0
    courses: list[dict[str, Any]] = field(default_factory=list)
    """Those with most drops: ``course``, ``drops``."""
    sample: list[str] = field(default_factory=list)
    """Some of the streams."""

    def trips(self, share_percent: int, least: int) -> bool:
        """Whether so much would drop that somebody has to say yes."""
        pairs = ((self.would_drop, self.existing), (self.would_retire, self.existing_courses))
        return any(lost >= max(least, 1) and lost * 100 > existing * share_percent for lost, existing in pairs)

    def is_within(self, accepted: Loss | None) -> bool:
        """Whether no more would drop than what was accepted."""
        return (
            accepted is not None
            and self.would_drop <= accepted.would_drop
            and self.would_retire <= accepted.would_retire
        )


class Shown:
    """What one run showed, in the session of ``connection``, which nobody else uses meanwhile.

    ``can_show``: the source can show that something is gone; else only the times of what it tells are remembered.
    """

    def __init__(self, connection: psycopg.Connection[Any], integration_id: str, *, can_show: bool = True) -> None:
        self._can_show = can_show
        self._connection = connection
        self._integration_id = integration_id
        self._unsure: set[str] = set()
        self._is_sure = True
        self._made: set[str] = set()
        found = self._row(EXISTING, id=integration_id, play=list(IN_PLAY)) if can_show else (0, 0)
        self.existing, self.existing_courses = int(found[0]), int(found[1])

    @property
    def can_lose(self) -> bool:
        """Whether the hub has anything of this integration that a full pass could drop."""
        return self.existing > 0 or self.existing_courses > 0

    def take(self, items: Iterable[Item], *, timed: bool) -> None:
        """Remember what these items show. ``timed``: also when the source says that it changed."""
        streams, courses, times = [], [], []
        for item in items:
            if item.problem is not None:
                self._doubt(item)
            for told in item.observations:
                if told["type"] == COURSE and not told["retired"]:
                    courses.append((_stored(told["facts"]["course_key"]),))
                elif told["type"] == ENROLLMENT:
                    streams.append((told["stream_id"],))
                if timed and told["type"] in LEARNING and told["source_time"] is not None:
                    times.append((told["stream_id"], moment(told["source_time"])))
        if self.can_lose:
            self._copy("shown_stream", streams)
            self._copy("shown_course", courses)
        self._copy("told_time", times)

    def why_not_comparable(self, coverage: Coverage | None) -> str | None:
        """Why nothing can be said to be gone; None: it can."""
        if coverage is None:
            return "the source cannot show that something is gone, or was not read whole"
        if not self._is_sure:
            return "records were rejected of which the course is not known"
        return None

    def compare(self, coverage: Coverage) -> Loss:
        """What is gone. Courses in which a record was rejected are left out."""
        self._copy("covered_course", [(_stored(key),) for key in coverage.courses - self._unsure])
        # A course whose list could not be read, or where a record was rejected, is listed all the same.
        self._copy("shown_course", [(_stored(key),) for key in self._unsure | coverage.courses])
        self._make(*TABLES)
        self._connection.execute("ANALYZE shown_stream; ANALYZE shown_course; ANALYZE covered_course")
        given = {"id": self._integration_id, "play": list(IN_PLAY), "catalogue": coverage.catalogue}
        self._connection.execute(GONE, given)
        self._connection.execute(GONE_COURSES, given)
        drops, retired, people = self._row(COUNTS)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            courses = cursor.execute(BY_COURSE, (NAMED,)).fetchall()
        sample = [row[0] for row in self._connection.execute(SOME, (SAMPLE,))]
        return Loss(self.existing, drops, self.existing_courses, retired, people, courses, sample)

    def drops(self) -> Iterator[list[tuple[str, str, str]]]:
        """Stream, account and course of what is gone, in batches."""
        yield from self._batches("SELECT stream_id::text, account_id, course_key FROM gone")

    def retired(self) -> Iterator[list[tuple[str, str]]]:
        """Key and stream of the courses that are gone, in batches."""
        yield from self._batches("SELECT course_key, stream_id::text FROM gone_course")

    def latency(self, run_id: str, since: int) -> dict[str, Any] | None:
        """Minutes, rounded up, from a change in the source to the fact, of the facts of this run whose source tells when;
        None: there is none."""
        if "told_time" not in self._made:
            return None
        rows = self._connection.execute(LATENCY, (moment(since), run_id)).fetchall()
        histogram: dict[int, int] = {}
        for minutes, count in rows:
            shown = minutes if minutes <= DAY_MINUTES else -(-minutes // 60) * 60
            histogram[shown] = histogram.get(shown, 0) + count
        total = sum(histogram.values())
        if not total:
            return None
        return {
            "count": total,
            "median_minutes": _lower_median(histogram, total),
            "histogram": {str(minutes): count for minutes, count in histogram.items()},
        }

    def _doubt(self, item: Item) -> None:
        if item.course_key is None:
            self._is_sure = False
        else:
            self._unsure.add(item.course_key)

    def _row(self, query: str, **given: Any) -> tuple[Any, ...]:
        row = self._connection.execute(query, given).fetchone()
        return tuple(row or ())

    def _copy(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        self._make(table)
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def _make(self, *tables: str) -> None:
        for table in tables:
            if table not in self._made:
                self._connection.execute(TABLES[table])
                self._made.add(table)

    def _batches(self, query: str) -> Iterator[list[Any]]:
        with self._connection.transaction(), self._connection.cursor(name="batches") as cursor:
            cursor.execute(query)
            while rows := cursor.fetchmany(BATCH):
                yield rows


def removal(company_id: str, integration_id: str, run_id: str, at: int, gone: tuple[str, str, str]) -> dict[str, Any]:
    """The observation that an enrollment is gone: not a record of the source, so it is not counted."""
    stream, account, course_key = gone
    return _observation(company_id, integration_id, run_id, at, "enrollment", stream) | {
        "type": ENROLLMENT,
        "account_id": account,
        "course_key": course_key,
        "facts": {"removed": True},
    }


def retirement(company_id: str, integration_id: str, run_id: str, at: int, gone: tuple[str, str]) -> dict[str, Any]:
    """The observation that a course is gone from the catalogue."""
    course_key, stream = gone
    return _observation(company_id, integration_id, run_id, at, "course", stream) | {
        "type": COURSE,
        "retired": True,
        "facts": {"course_id": ids.short_key(course_key, 100), "course_key": course_key},
    }


def _observation(company_id: str, integration_id: str, run_id: str, at: int, kind: str, stream: str) -> dict[str, Any]:
    return {
        "company_id": company_id,
        "integration_id": integration_id,
        "stream_kind": kind,
        "stream_id": stream,
        "observed_at": at,
        "source_time": None,
        "native_id": None,
        "payload_sha256": None,
        "content_id": None,
        "run_id": run_id,
        "source_name": None,
        "source_position": "full pass",
        "counted": False,
        "backfill": False,
    }


def _stored(key: str) -> str:
    """A key as a table can hold it: with a NUL it is none that the hub has."""
    return key.replace("\0", "\ufffd")


def _lower_median(histogram: dict[int, int], total: int) -> int:
    passed = 0
    for minutes in sorted(histogram):
        passed += histogram[minutes]
        if passed * 2 >= total:
            return minutes
    return 0
