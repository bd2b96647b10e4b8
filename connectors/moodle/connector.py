"""Moodle as a source: all courses of a site, and in each its learners, their progress, grades and activities.

Moodle has no filter for what has changed, and tells of an enrollment neither when it began nor when it changed. So every
run reads all courses and all their learners, and what is unchanged is recognised by the decision. Only what takes a
request for each learner and course (activities, dates of completion) is left out where neither an access to the course
nor a grade is younger than the watermark; a full run reads that too. The watermark is the second in which the run began,
by Moodle's own clock where that is behind ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from connectors.contract import Check, Coverage, Item, Pull, RequestLog, Setting
from connectors.http import Pace
from connectors.moodle.checks import checks
from connectors.moodle.client import MoodleClient
from connectors.moodle.reading import Reader
from connectors.moodle.settings import SETTINGS, options_of
from connectors.observe import Observer
from connectors.refine import Rules
from hub.domain.integration_config import IntegrationConfig


class MoodleConnector:
    """Reads one Moodle; implements :class:`connectors.contract.Connector`."""

    name: ClassVar[str] = "Moodle"
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS

    def __init__(self, config: IntegrationConfig, observer: Observer, *, pace: Pace | None = None) -> None:
        """Raises Refused where the configuration is wrong."""
        self.requests = RequestLog()
        self._options = options_of(config)
        self._observer = observer
        self._rules = Rules(config)
        self._client = MoodleClient(config, self.requests, pace)
        self._watermark: int | None = None
        self._coverage: Coverage | None = None

    def close(self) -> None:
        """Let connections go."""
        self._client.close()

    def watermark(self) -> int | None:
        """After a whole pull: the second in which it began, by Moodle's clock. None where it was not whole."""
        return self._watermark

    def coverage(self) -> Coverage | None:
        """After a whole pull of everything: the courses whose enrollments were read whole, each of them twice where
        the lists of the active and of all did not agree."""
        return self._coverage

    def test(self) -> list[Check]:
        """Try each right that the token needs. Raises nothing: a failure is a finding."""
        return checks(self._client, self._options)

    def pull(self, ask: Pull) -> Iterator[Item]:
        """Yield one item per course, enrollment, lesson and certificate; those of a course follow it.

        Raises:
            Retriable: Moodle cannot be read now; the watermark has not moved.
            Refused: Moodle refuses the token, a function that nothing goes without, or every course.
        """
        self._watermark = self._coverage = self._client.first_date = None
        reader = Reader(self._client, self.requests, self._observer, self._options, self._rules, ask)
        yield from reader.items()
        self._watermark = reader.began if ask.courses is None else None
        self._coverage = reader.coverage
