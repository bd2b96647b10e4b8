"""What ends a worker that hangs, and what tells whether it is well.

Faust can hang in a rebalance (the process lives and has no partitions) and on shutdown with the broker away. A service
that starts before the application sees the first; a thread that ends the process after the grace sees the second.
"""

from __future__ import annotations

import os
import threading
import time

import orjson
from aiohttp import web
from mode import Service

from hub.logging import logger
from hub.worker.agents import REBALANCE, STATIC_SESSION, WorkerApp

LOOK_SECONDS = 1.0
STUCK_SECONDS = REBALANCE + 2 * STATIC_SESSION
"""Longer than the group may wait for members that were killed, one after the other."""

log = logger(__name__)


class StuckRebalance(Exception):
    """The group did not come to an assignment; a new process begins anew."""


def exit_after(seconds: float, code: int = 1) -> threading.Timer:
    """End the process for certain after so many seconds, whatever hangs then. Offsets and rows need no farewell."""

    def leave() -> None:
        log.critical("worker did not end in time", seconds=seconds)
        os._exit(code)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
    return timer


class Health:
    """What a supervisor asks: ``alive``, ``ready``."""

    def __init__(self, app: WorkerApp) -> None:
        self._app = app

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether records are taken, and what is known of it. A stand-by without partitions is ready."""
        app = self._app
        lanes = {
            lane.name: {"busy": lane.busy, "waiting": lane.work.waiting, "failure": lane.failure} for lane in app.lanes
        }
        joined = app.owned >= 0
        well = joined and not app.rebalancing and not app.closing and all(lane.failure is None for lane in app.lanes)
        return well, {"joined": joined, "rebalancing": app.rebalancing, "stopping": app.closing, "lanes": lanes}


class Watchdog(Service):
    """Crashes the worker when a rebalance hangs; answers ``/alive`` and ``/ready`` on loopback where a port is given."""

    def __init__(self, app: WorkerApp, health_port: int | None) -> None:
        super().__init__()
        self._app = app
        self._health = Health(app)
        self._port = health_port
        self._site: web.AppRunner | None = None

    async def on_start(self) -> None:
        """Begin to answer."""
        if self._port is None:
            return
        pages = web.Application()
        pages.router.add_get("/alive", self._alive)
        pages.router.add_get("/ready", self._ready)
        self._site = web.AppRunner(pages, access_log=None)
        await self._site.setup()
        await web.TCPSite(self._site, "127.0.0.1", self._port).start()

    async def on_stop(self) -> None:
        """Answer no more."""
        if self._site is not None:
            await self._site.cleanup()

    @Service.task
    async def _watch(self) -> None:
        since: float | None = None
        while not self.should_stop:
            await self.sleep(LOOK_SECONDS)
            if not self._app.rebalancing and self._app.owned >= 0:
                since = None
                continue
            since = since or time.monotonic()
            if time.monotonic() - since > STUCK_SECONDS and not self._app.closing:
                exit_after(REBALANCE)
                await self.crash(StuckRebalance(f"no assignment for {STUCK_SECONDS:.0f} seconds"))
                return

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _: web.Request) -> web.Response:
        well, told = self._health.ready()
        return web.Response(
            body=orjson.dumps({"ready": well} | told), status=200 if well else 503, content_type="application/json"
        )
