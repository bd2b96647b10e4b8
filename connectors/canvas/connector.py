"""Canvas as a source: all courses of an account, and in each its enrollments, progress and submissions.

Canvas tells no changes but of submissions, so every run reads all enrollments, course by course; submissions are asked
for since the watermark. The watermark is of Canvas's own clock: no later than its first answer, no later than the newest
submission that was read. What cannot be read for want of a right costs its course alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from connectors.canvas import mapping
from connectors.canvas.checks import checks
from connectors.canvas.client import CanvasClient, NoRight
from connectors.canvas.course import CourseReader
from connectors.canvas.mapping import Course
from connectors.canvas.settings import SETTINGS, options_of
from connectors.canvas.values import written
from connectors.contract import KEPT_BYTES, Check, Coverage, Item, Pull, RequestLog, Setting
from connectors.http import Pace
from connectors.observe import Observer
from connectors.parse import Reading
from connectors.refine import Rules
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Unusable


@dataclass(slots=True)
class _Catalogue:
    """The courses of the account, each once, and the rows that are none."""

    courses: list[tuple[bytes, Course]]
    unusable: list[Item]


class CanvasConnector:
    """Reads one account of a Canvas; implements :class:`connectors.contract.Connector`."""

    name: ClassVar[str] = "Canvas"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS

    def __init__(self, config: IntegrationConfig, observer: Observer, *, pace: Pace | None = None) -> None:
        """Raises Refused where the configuration is wrong."""
        self.requests = RequestLog()
        self._options = options_of(config)
        self._observer = observer
        self._reading = Reading(zone=config.zone)
        self._rules = Rules(config)
        self._client = CanvasClient.open(config, self.requests, pace, self._options.page_size)
        self._watermark: int | None = None
        self._coverage: Coverage | None = None

    def close(self) -> None:
        """Let connections go."""
        self._client.http.close()

    def watermark(self) -> int | None:
        """After a whole pull: submissions that changed up to here have been read. None where it has not moved."""
        return self._watermark

    def coverage(self) -> Coverage | None:
        """After a whole pull of everything: the courses whose enrollments were read. ``catalogue`` only where all were."""
        return self._coverage

    def test(self) -> list[Check]:
        """Try each right that the token needs. Raises nothing: a failure is a finding."""
        return checks(self._client, self._options)

    def pull(self, ask: Pull) -> Iterator[Item]:
        """Yield one item per course, enrollment (all) and submission (changed since the watermark, or all).

        Raises:
            Retriable: Canvas cannot be read now; the watermark has not moved.
            Refused: Canvas does not know the token, or refuses the list of courses, or the enrollments of all of them.
        """
        self._watermark = self._coverage = self._client.first_date = None
        since = None if ask.full else ask.since
        reader = CourseReader(self._client, self._observer, self._options, self._reading, self._rules, ask.now, since)
        found = self._catalogue()
        yield from found.unusable
        if ask.courses is not None:
            found.courses = [one for one in found.courses if one[1].key in ask.courses]
        read: set[str] = set()
        refusal: NoRight | None = None
        while found.courses:
            raw, course = found.courses.pop()
            began = self.requests.milliseconds
            yield from reader.items(raw, course)
            self.requests.course_seconds[course.key] = (self.requests.milliseconds - began) / 1000
            if reader.refused is None:
                read.add(course.key)
            else:
                refusal = reader.refused
        if refusal is not None and not read:
            raise refusal
        if since is None and ask.courses is None:
            self._coverage = Coverage(read, catalogue=refusal is None and not found.unusable)
        self._watermark = self._read_through(reader) if ask.courses is None else None

    def _catalogue(self) -> _Catalogue:
        """The whole list, read before its courses: a list that is read for hours shifts. The last course comes first."""
        found = _Catalogue([], [])
        seen: set[str] = set()
        for row in self._client.rows(f"accounts/{self._options.account_id}/courses"):
            raw = written(row)
            try:
                course = mapping.course_of(row if isinstance(row, dict) else {})
            except Unusable as problem:
                digest = hashlib.sha256(raw).digest()
                found.unusable.append(
                    Item("course", problem=problem, kept=raw[:KEPT_BYTES], size=len(raw), sha256=digest)
                )
                continue
            if course.key not in seen:
                seen.add(course.key)
                found.courses.append((raw, course))
        found.courses.reverse()
        return found

    def _read_through(self, reader: CourseReader) -> int | None:
        newest, began = reader.newest, self._client.first_date
        return None if newest is None or began is None else min(newest, began)
