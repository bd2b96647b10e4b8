"""What a server runs beside folding and deciding, each in threads of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from hub.audit.part import Sealing
from hub.bootstrap import Hub, clock, target_of
from hub.deadletters.part import DeadLetterPart
from hub.enrollments.clock import Clock, ClockReactor
from hub.figures.part import Figures
from hub.identity.part import Identity
from hub.log.manage import open_log
from hub.log.postgres import PostgresLog
from hub.scheduling.scheduler import Scheduler
from projections.due import DueRows


class Part(Protocol):
    """What runs beside folding and deciding, in threads of its own."""

    def start(self) -> None:
        """Begin; returns at once."""

    def close(self) -> None:
        """End; returns when it has."""

    def failures(self) -> list[str]:
        """Why it does not get on, each beginning with its name and a colon; empty where all is well."""


def scheduler(hub: Hub) -> Part:
    """Pulls, probes and rests each integration when its time has come."""
    return Scheduler(hub, hub.settings.syncs_at_once)


def timekeeper(hub: Hub) -> Part:
    """Tells what time alone changes, and once a day removes observations that are past their retention."""
    event_log = open_log(target_of(hub.settings, hub.url), hub.settings.partitions)

    def daily() -> None:
        if isinstance(event_log, PostgresLog):  # Kafka does it by itself
            event_log.expire(datetime.now(UTC))

    return Clock(ClockReactor(hub.commands, DueRows(hub.connection), clock), event_log, daily)


def sealing(hub: Hub) -> Part:
    """Signs how far the chain of each partition has grown."""
    return Sealing(hub, hub.settings.seal_seconds)


PARTS: tuple[Callable[[Hub], Part], ...] = (Identity, scheduler, timekeeper, Figures, DeadLetterPart)
"""What a server runs, each made with the hub."""
