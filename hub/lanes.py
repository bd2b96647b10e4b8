"""Lanes: processes of one server, each of which folds and decides its share of the partitions (PostgreSQL log).

One process is bound to one processor by the interpreter's lock; lanes use the others. Lane *n* of *count* has the
partitions whose number modulo *count* is *n*. They are forked before the server has a thread or a connection, so they
share the memory of its code. A keeper, which does nothing else and so may fork at any time, starts a lane again that
has died. Who is left behind sees it by the end of a pipe: when the server is gone, however it went, keeper and lanes end.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import NoReturn

from hub.bootstrap import Hub
from hub.errors import Fatal, HubError
from hub.log.schema_registry import packaged
from hub.logging import logger
from hub.settings import Settings

AGAIN_SECONDS = 1.0
"""Between two starts of a lane, at least."""
LOOK_SECONDS = 2.0
"""How often a lane looks whether it gets on."""
END_SECONDS = 15.0
"""What a lane may take to end."""

log = logger(__name__)


class Lanes:
    """The lanes of this process. To be made and started before it has threads or connections.

    Args:
        settings: those of the hub.
        gone: called from a thread when the keeper ended by itself; then nothing folds or decides any more.
    """

    def __init__(self, settings: Settings, gone: Callable[[], None]) -> None:
        self._settings = settings
        self._gone = gone
        self._failures: dict[int, list[str]] = {}
        self._keeper = 0
        self._orders = self._told = -1
        self._closing = False
        self._ended = False
        self._thread = threading.Thread(target=self._listen, name="lanes", daemon=True)

    def start(self) -> None:
        """Fork. The lanes begin once they are told the database's address."""
        packaged()  # read once for all
        gc.collect()
        gc.freeze()  # what exists now is not looked at for garbage again, so its pages stay shared
        sys.stdout.flush()
        sys.stderr.flush()
        orders, self._orders = os.pipe()
        self._told, told = os.pipe()
        self._keeper = os.fork()
        if self._keeper == 0:
            os.close(self._orders)
            os.close(self._told)
            _leave_with(lambda: _Keeper(self._settings, orders, told).run())
        os.close(orders)
        os.close(told)

    def tell(self, url: str) -> None:
        """The database is prepared: begin."""
        with suppress(BrokenPipeError):  # the keeper is gone, which the thread finds out
            os.write(self._orders, url.encode() + b"\n")
        self._thread.start()

    def demand_alive(self) -> None:
        """Raises Fatal where the keeper has ended by itself."""
        if self._ended:
            raise Fatal("the processes that fold and decide have ended; start the hub again")

    def failures(self) -> list[str]:
        """Why lanes do not get on; empty where all is well."""
        return [text for _, texts in sorted(self._failures.items()) for text in texts]

    def close(self) -> None:
        """End the lanes after the batches in hand; nothing happens the second time."""
        if self._closing:
            return
        self._closing = True
        os.close(self._orders)
        os.waitpid(self._keeper, 0)
        if self._thread.ident is not None:
            self._thread.join(LOOK_SECONDS)
        else:
            os.close(self._told)

    def _listen(self) -> None:
        with os.fdopen(self._told, encoding="utf-8") as lines:
            for line in lines:
                lane, texts = json.loads(line)
                self._failures[lane] = texts
        if not self._closing:
            self._ended = True
            self._gone()


class _Keeper:
    """The process that forks lanes and buries them. It has one thread and no connection."""

    def __init__(self, settings: Settings, orders: int, told: int) -> None:
        self._settings = settings
        self._orders = orders
        self._told = told
        self._alive_read, self._alive_write = os.pipe()
        self._url = ""
        self._pids: dict[int, tuple[int, int]] = {}
        """The end of a pipe that a lane holds while it lives → (pid, lane)."""
        self._started: dict[int, float] = {}

    def run(self) -> None:
        """Until the server is gone or closes."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # told to the whole group; the server says when it is over
        self._url = _line(self._orders)
        if not self._url:
            return
        for lane in range(self._settings.lanes):
            self._fork(lane)
        while True:
            ready, _, _ = select.select([self._orders, *self._pids], [], [])
            if self._orders in ready:
                break
            for life in ready:
                self._bury(life)
        self._end()

    def _fork(self, lane: int) -> None:
        self._started[lane] = time.monotonic()
        life, mine = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(self._alive_write)
            os.close(life)
            os.close(self._orders)
            _leave_with(lambda: _work(self._settings, self._url, lane, self._alive_read, self._told))
        os.close(mine)
        self._pids[life] = (pid, lane)

    def _bury(self, life: int) -> None:
        pid, lane = self._pids.pop(life)
        os.close(life)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        how = f"killed by signal {-code}" if code < 0 else f"status {code}"
        number = f"process {lane + 1} of {self._settings.lanes}"
        _tell(self._told, lane, [f"{name}: {number} ended ({how}); it is started again" for name in ("fold", "decide")])
        left = self._started[lane] + AGAIN_SECONDS - time.monotonic()
        if left > 0 and select.select([self._orders], [], [], left)[0]:
            return  # the server ends
        self._fork(lane)

    def _end(self) -> None:
        os.close(self._alive_write)
        deadline = time.monotonic() + END_SECONDS
        while self._pids:
            ready = select.select(list(self._pids), [], [], max(0.0, deadline - time.monotonic()))[0]
            for life in ready or list(self._pids):
                pid, _ = self._pids.pop(life)
                if not ready:
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _work(settings: Settings, url: str, lane: int, alive: int, told: int) -> None:
    """What a lane does until the keeper is gone."""
    with ExitStack() as stack:
        hub = Hub(settings, url, stack)
        hub.start_runners(range(lane, settings.partitions, settings.lanes))
        said: list[str] | None = None
        while not select.select([alive], [], [], LOOK_SECONDS if said is not None else 0.0)[0]:
            if (failures := hub.failures()) != said:
                _tell(told, lane, failures)
                said = failures


def _tell(told: int, lane: int, texts: list[str]) -> None:
    """One line, short enough to be written at once whoever else writes."""
    short = [text.splitlines()[0][:300] if text else "" for text in texts]
    with suppress(BrokenPipeError):  # the server is gone, and so is this process soon
        os.write(told, json.dumps([lane, short]).encode() + b"\n")


def _line(source: int) -> str:
    """The first line of a pipe; empty where it ended before."""
    found = b""
    while not found.endswith(b"\n"):
        more = os.read(source, 4096)
        if not more:
            return ""
        found += more
    return found.decode().rstrip("\n")


def _leave_with(work: Callable[[], None]) -> NoReturn:
    """Do the work of a child and end; nothing of what its parent had begun is gone on with."""
    code = 1
    try:
        work()
        code = 0
    except HubError as problem:
        log.warning("lane ends", problem=str(problem))
    except Exception:  # told here, since os._exit tells nobody; the keeper starts another lane
        log.exception("lane failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
