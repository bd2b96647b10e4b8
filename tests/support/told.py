"""One stream of an enrollment, told and folded as the hub does it, without log and database: given, when, then.

Every draft becomes an event, travels through the codec, is folded by the projections and held against the tables.
Times are given in hours since ``NOON`` (noon UTC of 1 March 2024), days as days since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from hub.deciding.learning import finished, reported
from hub.domain import enrollment, ids, lesson, retraction
from hub.domain.learning import Context, Draft, State, Told
from hub.domain.rows import Row, value_of
from hub.domain.units import days
from hub.log import codec
from projections.folds import fold
from projections.rowcheck import checker
from projections.tables import TABLES

HOUR = 3_600_000_000
NOON = (days(date(2024, 3, 1)) * 24 + 12) * HOUR
TODAY = days(date(2024, 3, 1))
ENROLLMENT, LESSON = "lms_course_enrollment", "lms_learning_progress"
COMPANY = ids.company_id("acme")
INTEGRATION = ids.integration_id(COMPANY, "moodle")
ACCOUNT = ids.derived(INTEGRATION, "account", "ada")
COURSE = "course-v1:acme+safety"
EMPLOYEE, OTHER = (ids.derived(COMPANY, "employee", name) for name in ("ada", "grace"))


class Stream:
    """A stream and the rows that its events give."""

    def __init__(
        self, *, course_key: str = COURSE, course: Row | None = None, zone: str = "UTC", **settings: Any
    ) -> None:
        self.id = ids.enrollment_stream(INTEGRATION, ACCOUNT, course_key)
        self.course_key = course_key
        self.context = Context(NOON, zone, course, None, settings)
        self.rows: dict[tuple[str, str], Row] = {}
        self.newest: str | None = None
        self.events: list[dict[str, Any]] = []
        self.history: list[dict[tuple[str, str], Row]] = []

    # -- when ------------------------------------------------------------------------------------------------

    def tell(
        self,
        at: float | None,
        *,
        seen: float | None = None,
        lesson_key: str | None = None,
        single: bool = False,
        **facts: Any,
    ) -> Draft | None:
        """An LMS tells facts: ``at`` its own time (None: none), ``seen`` when it was observed (else a little later)."""
        observed = NOON + int((seen if seen is not None else (at or 0) + 0.01) * HOUR)
        told = Told(
            self.id, INTEGRATION, ACCOUNT, self.course_key, None if at is None else NOON + int(at * HOUR), observed,
            lesson_key, facts.get("course_name"), single,
        )  # fmt: skip
        if lesson_key is None:
            draft = enrollment.decide(State(self.row), told, facts, self.context)
        else:
            draft = lesson.decide(State(self.row, self.lesson(lesson_key)), told, facts, self.context)
        if draft is not None:
            said = {"facts": facts, "source_time": told.source_time, "observed_at": observed, "lesson_key": lesson_key}
            self._append(draft, told, reported({**said, "course_name": told.course_name}))
        return draft

    def act(self, decide: Callable[..., Draft | None], *given: Any) -> Draft | None:
        """A person, a reactor or the clock acts on the newest cycle."""
        draft = decide(self.row, *given)
        if draft is not None:
            self._append(draft, Told(self.id, INTEGRATION, ACCOUNT, self.course_key, None, NOON), None)
        return draft

    def retract(self, number: int) -> Draft:
        """The fact of the event at ``number`` in the stream is taken out."""
        target = self.events[number]
        rows = State(
            self.rows.get((ENROLLMENT, target["enrollment_row_id"])), self.rows.get((LESSON, target["lesson_row_id"]))
        )
        draft = retraction.retract(self.events, target, rows, self.context, _fold_one)
        self._append(draft, retraction.told_of(target), None)
        return draft

    # -- then ------------------------------------------------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """The newest cycle."""
        return None if self.newest is None else self.rows[ENROLLMENT, self.newest]

    @property
    def status(self) -> str:
        return str(self["enrollment_status"])

    def __getitem__(self, name: str) -> Any:
        """A value of the newest cycle, of its columns or of its state."""
        return value_of(self.row, name)

    def cycle(self, number: int) -> Row:
        return self.rows[ENROLLMENT, ids.enrollment_row(self.id, number)]

    def lesson(self, key: str) -> Row | None:
        """A lesson of the newest cycle."""
        if self.newest is None:
            return None
        row_id = ids.lesson_row(self.newest, ids.short_key(key, 100))
        return self.rows.get((LESSON, row_id))

    def known(self) -> dict[tuple[str, str], dict[str, Any]]:
        """All rows, without what is made from the time of recording and what is not known."""
        return {key: flat(row) for key, row in self.rows.items()}

    # -- as the hub does it ----------------------------------------------------------------------------------

    def _append(self, draft: Draft, told: Told, said: str | None) -> None:
        now = NOON + len(self.events)
        event = _envelope(self.id, len(self.events) + 1, now)
        event |= finished(draft, told, self.row if draft.existed else None, self.context) | {"reported": said}
        event = codec.decode(codec.encode(event))
        rows = fold(event, lambda table, key: self.rows.get((table, key)))
        for (table, _), row in rows.items():
            checker(TABLES[table])(row, None)
        self.rows |= rows
        if not draft.existed:
            self.newest = draft.row_id
        self.events.append(event)
        self.history.append(dict(self.rows))


def flat(row: Row) -> dict[str, Any]:
    """A row's known values, its state beside its columns, without the times of recording."""
    values = {**row, **(row.get("fold_state") or {})}
    return {
        name: value
        for name, value in values.items()
        if value is not None and name not in ("fold_state", "created_at", "updated_at")
    }


def _fold_one(table: str, known: Row | None, event: Mapping[str, Any]) -> Row | None:
    key = event["enrollment_row_id"] if table == ENROLLMENT else event["lesson_row_id"]
    return fold(event, lambda name, row_id: known if (name, row_id) == (table, key) else None).get((table, key))


def _envelope(stream: str, version: int, now: int) -> dict[str, Any]:
    nothing = ("follows", "actor_id", "native_id", "payload_sha256", "causation_id", "correlation_id", "reason",
               "justification", "performed_by", "ip_address", "user_agent", "session_id", "impact", "compliance_impact")  # fmt: skip
    return dict.fromkeys(nothing) | {
        "event_id": ids.event_id(stream, "", str(version)), "company_id": COMPANY, "stream_kind": "enrollment", "stream_id": stream,
        "version": version, "occurred_at": now, "recorded_at": now, "actor_kind": "integration", "integration_id": INTEGRATION,
        "backfill": False, "affected_employees": 1, "regulation": "None",
    }  # fmt: skip
