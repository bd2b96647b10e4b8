"""What ends a worker that hangs, and what tells whether it is well.

A group member can hang in a rebalance (the process lives and takes nothing), and a process can hang on its way out with
the broker away. A service that starts before everything else sees the first; a thread that ends the process after the
grace sees the second. While no broker can be reached nothing hangs.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sequence

import orjson
from aiohttp import web
from aiokafka.conn import collect_hosts
from mode import Service

from hub.logging import logger
from hub.worker.tail import REBALANCE, STATIC_SESSION, Tail

LOOK_SECONDS = 1.0
UNASSIGNED_SECONDS = REBALANCE + 2 * STATIC_SESSION
"""Longer than the group may wait for members that were killed, one after the other."""
SILENT_SECONDS = 30.0
CONNECT_SECONDS = 5.0

log = logger(__name__)


class Hangs(Exception):
    """A tail takes nothing for longer than can be right; a new process begins anew."""


def exit_after(seconds: float, code: int = 1) -> threading.Timer:
    """End the process for certain after so many seconds, whatever hangs then. Offsets and rows need no farewell."""

    def leave() -> None:
        log.critical("worker did not end in time", seconds=seconds)
        os._exit(code)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
    return timer


def hanging(tail: Tail, unready_for: float, now: float) -> str | None:
    """Why a tail hangs; None where it does not. ``unready_for``: seconds that it has had no assignment."""
    if tail.ready:
        silent = now - tail.polled
        if silent > SILENT_SECONDS and not tail.busy:
            return f"{tail.lane.name}: nothing was asked for in {silent:.0f} seconds"
    elif unready_for > UNASSIGNED_SECONDS:
        return f"{tail.lane.name}: no assignment for {unready_for:.0f} seconds"
    return None


async def reachable(bootstrap_servers: str) -> bool:
    """Whether one of these brokers takes a connection."""
    for host, port, _ in collect_hosts(bootstrap_servers):
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_SECONDS)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return True
    return False


class Watchdog(Service):
    """Crashes the worker when a tail hangs; answers ``/alive`` and ``/ready`` on loopback where a port is given."""

    def __init__(self, tails: Sequence[Tail], health_port: int | None, grace: float) -> None:
        super().__init__()
        self._tails = tails
        self._port = health_port
        self._grace = grace
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
        ready_at = dict.fromkeys(self._tails, time.monotonic())
        while not self.should_stop:
            await self.sleep(LOOK_SECONDS)
            now = time.monotonic()
            for tail in self._tails:
                if tail.ready or not await reachable(tail.bootstrap_servers):
                    ready_at[tail] = now
                why = hanging(tail, now - ready_at[tail], now)
                if why is not None and not tail.draining:
                    exit_after(self._grace)
                    await self.crash(Hangs(why))
                    return

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _: web.Request) -> web.Response:
        lanes = {
            tail.lane.name: {"assigned": tail.ready, "busy": tail.busy, "failure": tail.lane.failure}
            for tail in self._tails
        }
        well = all(tail.ready and tail.lane.failure is None and not tail.draining for tail in self._tails)
        body = orjson.dumps({"ready": well, "lanes": lanes})
        return web.Response(body=body, status=200 if well else 503, content_type="application/json")
