"""``hub worker``: one process that folds and decides its share of the partitions, until it is told to end."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import faust

from hub.bootstrap import Hub, open_hub
from hub.errors import Refused
from hub.logging import logger
from hub.presence import WORKER, Presence
from hub.runners import DECIDE_BATCH, FOLD_BATCH, tune
from hub.settings import Settings
from hub.worker import quiet
from hub.worker.lane import Lane
from hub.worker.tail import Group, Tail
from hub.worker.watchdog import Watchdog, exit_after
from hub.works import Deciding

GRACE = 20.0
"""Seconds from SIGTERM to the certain end of the process."""
DRAIN = 5.0
"""Of these, seconds in which the batches in hand may still end."""
LOOK = 0.02

log = logger(__name__)


class WorkerProcess(faust.Worker):
    """The process: on a signal it ends the batches in hand, leaves the groups, and is gone after the grace at the latest."""

    def __init__(self, app: faust.App, *services: Any, tails: Sequence[Tail], grace: float, **options: Any) -> None:
        super().__init__(app, *services, **options)
        self.spinner = None  # it writes control codes to stdout
        self._tails = tails
        self._grace = grace
        self._ending = False

    def _on_sigterm(self) -> None:
        self._end(super()._on_sigterm)

    def _on_sigint(self) -> None:
        self._end(super()._on_sigterm)

    def _end(self, go_on: Callable[[], None]) -> None:
        if self._ending:
            return
        self._ending = True
        log.info("worker ends", grace=self._grace)
        exit_after(self._grace)
        self.add_future(self._drain(go_on))

    def on_worker_shutdown(self) -> None:
        """After a crash the process ends within the grace too."""
        if not self._ending:
            exit_after(self._grace)

    async def _drain(self, go_on: Callable[[], None]) -> None:
        """Deciding ends first, since it waits for what is folded here and elsewhere."""
        deadline = time.monotonic() + min(DRAIN, self._grace / 2)
        for tail in reversed(self._tails):
            tail.draining = True
            while tail.busy and time.monotonic() < deadline:
                await asyncio.sleep(LOOK)
            tail.lane.leave = True
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
    tune(alone=True)
    with tempfile.TemporaryDirectory(prefix="hub-worker-") as folder, open_hub(settings, runners=False) as hub:
        return _run(
            hub,
            Group(settings.kafka_bootstrap_servers or "", settings.kafka_topic_prefix, slot),
            folder,
            health_port,
            grace,
        )


def _run(hub: Hub, group: Group, folder: str, health_port: int | None, grace: float) -> int:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    folding = hub.folding()
    fold = Lane("fold", FOLD_BATCH, folding)
    decide = Lane("decide", DECIDE_BATCH, Deciding(hub.decider(lambda: decide.leave), hub.deciding.take_over))
    tails = [Tail(lane, group) for lane in (fold, decide)]
    process = WorkerProcess(
        _host(group, folder),
        Watchdog(tails, health_port, grace),
        *tails,
        tails=tails,
        grace=grace,
        loop=loop,
        quiet=True,
        override_logging=False,
        redirect_stdouts=False,
        stdout=sys.stderr,
    )
    presence = Presence(hub, WORKER, lambda: _failures(tails))
    presence.start()
    try:
        process.execute_from_commandline()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        presence.close()
        for tail in tails:
            tail.lane.leave = True
            tail.lane.close()
        folding.close()
    log.info("worker ended", code=code)
    return code


def _failures(tails: Sequence[Tail]) -> list[str]:
    return [f"{tail.lane.name}: {tail.lane.failure}" for tail in tails if tail.lane.failure is not None]


def _host(group: Group, folder: str) -> faust.App:
    """The application that hosts the services; it has no agents and no tables of its own."""
    brokers = ";".join(f"kafka://{host}" for host in group.bootstrap_servers.split(","))
    app = faust.App(
        f"{group.prefix}hub-worker", broker=brokers, store="memory://", datadir=folder, autodiscover=False,
        table_standby_replicas=0, topic_allow_declare=False, topic_disable_leader=True, web_enabled=False,
        worker_redirect_stdouts=False,
    )  # fmt: skip
    app.producer_only = True
    return app
