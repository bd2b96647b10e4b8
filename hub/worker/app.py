"""``hub worker``: one process that folds and decides its share of the partitions, until it is told to end."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import faust

from hub.bootstrap import Hub, open_hub
from hub.errors import Refused
from hub.logging import logger
from hub.settings import Settings
from hub.worker import quiet
from hub.worker.agents import WorkerApp, add_agent, application
from hub.worker.lane import Lane
from hub.worker.watchdog import Watchdog, exit_after
from hub.worker.work import Deciding, Folding, Work

GRACE = 20.0
"""Seconds from SIGTERM to the certain end of the process."""
DRAIN = 5.0
"""Of these, seconds in which the batches in hand may still end."""
LOOK = 0.02

log = logger(__name__)


class WorkerProcess(faust.Worker):
    """The process: on a signal it ends the batches in hand, leaves the group, and is gone after the grace at the latest."""

    def __init__(self, app: WorkerApp, *services: Any, grace: float, **options: Any) -> None:
        super().__init__(app, *services, **options)
        self._worker_app = app
        self.spinner = None  # control codes on stdout
        self._grace = grace

    def _on_sigterm(self) -> None:
        self._end(super()._on_sigterm)

    def _on_sigint(self) -> None:
        self._end(super()._on_sigterm)

    def _end(self, go_on: Any) -> None:
        if self._worker_app.closing:
            return
        log.info("worker ends", grace=self._grace)
        exit_after(self._grace)
        asyncio.ensure_future(self._drain(go_on))  # noqa: RUF006  the process ends with it

    async def _drain(self, go_on: Any) -> None:
        """Deciding ends first, since it waits for what is folded here and elsewhere."""
        deadline = time.monotonic() + min(DRAIN, self._grace / 2)
        for lane in reversed(self._worker_app.lanes):
            lane.draining = True
            while lane.busy and time.monotonic() < deadline:
                await asyncio.sleep(LOOK)
        self._worker_app.closing = True
        go_on()


def run_worker(
    settings: Settings, *, slot: str | None = None, health_port: int | None = None, grace: float = GRACE
) -> int:
    """Fold and decide until SIGTERM or SIGINT; returns the exit code: 0 after a signal, 1 after a crash.

    Args:
        settings: those of the hub; its log must lie on Kafka.
        slot: a name that is this worker's own and stays the same over restarts (``1``, ``2`` …): a killed worker that comes
            back within half a minute then goes on at once and the others never stop. None: any number may come and go.
        health_port: where ``/alive`` and ``/ready`` are answered, on loopback only; None: nowhere.
        grace: seconds from the signal to the certain end.

    Raises:
        Refused: the log lies in PostgreSQL.
    """
    if not settings.on_kafka:
        raise Refused(
            "HUB_KAFKA_BOOTSTRAP_SERVERS is not set: the log lies in PostgreSQL, where 'hub serve' folds and decides; "
            "'hub worker' works on a Kafka log only.",
            field="HUB_KAFKA_BOOTSTRAP_SERVERS", rule="a worker needs Kafka", expected="host:port",
        )  # fmt: skip
    quiet.install()
    with tempfile.TemporaryDirectory(prefix="hub-worker-") as folder, open_hub(settings, runners=False) as hub:
        return _run(hub, application(settings, slot, Path(folder)), health_port, grace)


def _run(hub: Hub, app: WorkerApp, health_port: int | None, grace: float) -> int:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    folding = Folding(hub.connect, hub.folder_over)
    deciding = Deciding(hub.decider(app.interrupted), hub.deciding.decided_offset)

    async def crash(problem: BaseException) -> None:
        exit_after(grace)
        await app.crash(problem)

    works: dict[str, Work] = {"fold": folding, "decide": deciding}
    for name, work in works.items():
        add_agent(app, Lane(name, work, app.interrupted, crash))
    process = WorkerProcess(
        app,
        Watchdog(app, health_port),
        grace=grace,
        loop=loop,
        quiet=True,
        override_logging=False,
        redirect_stdouts=False,
        stdout=sys.stderr,
    )
    try:
        process.execute_from_commandline()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        app.closing = True
        for lane in app.lanes:
            lane.close()
        folding.close()
    log.info("worker ended", code=code)
    return code
