"""The clock: what time alone changes becomes an event, at the company's midnight.

Access that ran out, certificates that lapse or will in 90, 60 or 30 days, deadlines that passed. The clock asks the tables
for rows that are not what they should be by now and gives commands, whose ids follow from what was seen: told twice, or
by two servers at once, it is one event. Each says when it happened, the midnight in the company's zone, however late the
clock comes to it; so after a pause the tables are what they would have been. Only a warning that was overtaken by a
nearer one is left out: "lapses in 90 days" would be wrong by then. A replay of the log needs no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

from hub.deciding.commands import Command, Commands
from hub.deciding.envelope import Actor
from hub.domain import ids
from hub.domain.units import SECOND, day, day_in, micros
from hub.enrollments import commands as acts
from hub.log.port import EventLog
from hub.logging import logger
from hub.looking import Looking

CLOCK = Actor("system", "clock")
LEARNING = "lms.learning"
BATCH = 500
LOOK_SECONDS, AGAIN_SECONDS, HOUR = 60.0, 5.0, 3600.0
OVERLAP = 600 * SECOND
"""How far back a look begins, since what was recorded earlier may be folded later."""


class Due(Protocol):
    """One row that time has changed; see :mod:`projections.due`."""

    @property
    def row_id(self) -> str: ...
    @property
    def company_id(self) -> str: ...
    @property
    def integration_id(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def course_key(self) -> str: ...
    @property
    def act(self) -> str: ...
    @property
    def day(self) -> int: ...
    @property
    def days_left(self) -> int: ...
    @property
    def seen(self) -> str: ...


class Rows(Protocol):
    """What the clock asks the tables."""

    def zones(self) -> Mapping[str, str]: ...
    def touched(self, since: int) -> Sequence[str]: ...
    def due(
        self, today: Mapping[str, int], rows: Sequence[str] | None, without: Sequence[str], limit: int
    ) -> Sequence[Due]: ...


def midnight(day_number: int, zone: str) -> int:
    """The moment (microseconds) at which a day begins in a zone; where its clocks skip midnight, the first one after."""
    return micros(datetime.combine(day(day_number), time(0), ZoneInfo(zone)).astimezone(UTC))


def command_of(due: Due, zone: str) -> Command:
    """The command by which a row becomes what time made of it."""
    stream = ids.enrollment_stream(due.integration_id, due.account_id, due.course_key)
    who = {
        "actor": CLOCK,
        "occurred_at": midnight(due.day, zone),
        "command_id": ids.derived(due.row_id, "clock", due.act, str(due.day), str(due.days_left), due.seen),
        "row_id": due.row_id,
    }
    if due.act == "warn":
        return acts.warn_of_expiry(due.company_id, stream, due.days_left, **who)
    act = {"lapse": acts.lapse, "end access": acts.end_access, "overdue": acts.become_overdue}[due.act]
    return act(due.company_id, stream, **who)


class ClockReactor:
    """Makes the tables true to the time. Keeps nothing but what it has looked at, so it may be begun anew at any time."""

    def __init__(self, commands: Commands, rows: Rows, now: Callable[[], int]) -> None:
        self._commands = commands
        self._rows = rows
        self._now = now
        self._days: dict[str, int] = {}
        self._looked: int | None = None

    def react(self) -> int:
        """Tell what is due and was not told; returns how many events that gave.

        A company whose day has changed is looked at whole, the others where something was recorded since the last look.
        """
        now = self._now()
        zones = self._rows.zones()
        today = {company: day_in(now, zone) for company, zone in zones.items()}
        turned = {company: number for company, number in today.items() if self._days.get(company) != number}
        made = self._tell(turned, None, zones) if turned else 0
        rest = {company: number for company, number in today.items() if company not in turned}
        if rest and self._looked is not None:
            touched = self._rows.touched(self._looked - OVERLAP)
            made += self._tell(rest, touched, zones) if touched else 0
        self._days, self._looked = today, now
        return made

    def _tell(self, today: Mapping[str, int], rows: Sequence[str] | None, zones: Mapping[str, str]) -> int:
        made = 0
        given: set[str] = set()
        without: list[str] = []
        while found := self._rows.due(today, rows, without, BATCH):
            asked = [command_of(one, zones[one.company_id]) for one in found]
            answers = self._commands.execute_all(asked)
            for one, command, answer in zip(found, asked, answers, strict=True):
                if isinstance(answer, Exception) or not answer.changed or command.id in given:
                    without.append(one.row_id)  # not now; the next look asks again
                else:
                    made += 1
                given.add(command.id)
        return made

    def seconds_to_midnight(self) -> float:
        """How long until the next day begins in some company's zone, at most a day."""
        now = self._now()
        nexts = [midnight(day_in(now, zone) + 1, zone) for zone in set(self._rows.zones().values()) or {"UTC"}]
        return max(0.0, (min(nexts) - now) / SECOND)


class Clock(Looking):
    """The reactor in a thread: at each midnight, and at most once a minute where something was recorded."""

    def __init__(self, reactor: ClockReactor, event_log: EventLog, daily: Callable[[], None]) -> None:
        """``event_log`` is the clock's own, and closed with it; ``daily`` is called at the beginning and when the day
        changes in UTC."""
        super().__init__("clock", logger(__name__), AGAIN_SECONDS)
        self._reactor = reactor
        self._log = event_log
        self._daily = daily
        self._date: date | None = None
        self._at: dict[tuple[str, int], int] = {}

    def look(self) -> float:
        """Tell what time alone has changed."""
        today = datetime.now(UTC).date()
        if today != self._date:
            self._daily()
            self._date = today
        self._at = {(LEARNING, part): end for part, end in self._log.ends(LEARNING).items()}
        self._reactor.react()
        return min(self._reactor.seconds_to_midnight(), HOUR)

    def pause(self, seconds: float) -> None:
        """Wait for midnight; a minute is enough where something was recorded."""
        if self._log.wait(self._at, seconds):
            super().pause(min(LOOK_SECONDS, seconds))

    def hurry(self) -> None:
        """Nothing more is waited for."""
        self._log.close()
