"""A hub under faults: its real processes, input that keeps flowing, what ``hub status`` said, and the comparison in the end.

A test takes the fixtures ``event_log_kind`` and ``make_scene`` (``tests/acceptance/faults/conftest.py``) and does::

    with make_scene(event_log_kind) as scene:     # processes run, input flows
        scene.kill("server")                      # a fault: counted, printed; the process is started again
        with scene.fault("broker away"):          # a fault of your own: counted, printed with its length
            ...
            assert scene.status().state("serve") == "nobody"
        scene.settle()                            # the rest of the input, until all is decided and folded
        scene.verify()                            # equal tables, accounting, 0 lost, 0 doubled, no status that lied

``make_scene(kind, *, database_url=None, bootstrap=None, …)`` takes another server of the database (a libpq URL of an empty
database) or other brokers than those of the session, and what :func:`scene_of` takes; ``scene.rng`` is the only source of
chance, seeded with ``HUB_TEST_SEED``.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg

from hub.bootstrap import open_hub
from hub.errors import HubError
from tests.support import equality
from tests.support.cli import Cli, Done, Starter
from tests.support.fault_flow import Flow
from tests.support.fault_launcher import Launched, Launcher
from tests.support.fault_status import Told, lies
from tests.support.fault_truth import PATIENCE, PEOPLE, Truth, Verdict, judged, settled
from tests.support.site import Site, furnish, site

SERVER = "server"
SECONDS = 180.0
"""What anything may take on a busy machine."""
LOOK = 0.1
LAST_WORDS = 3000
"""Characters of a log that are told of a process that ended."""


@dataclass
class Scene:
    """A hub under faults; made by :func:`scene_of`."""

    site: Site
    truth: Truth
    rng: Random
    flow: Flow
    cli: Cli
    launcher: Launcher
    worker: str
    """The module of workers."""
    named: bool
    """Workers have names that stay over restarts (static members of their group)."""
    clock: Path | None = None
    """The shift of the wall clock of servers and workers, where theirs can be set."""
    faults: dict[str, int] = field(default_factory=dict)
    """Fault → how often it was injected."""
    statuses: list[Told] = field(default_factory=list)
    exits: list[tuple[str, int, str]] = field(default_factory=list)
    """Slot, status and last words of processes that ended without being told to; each was started again."""
    verdict: Verdict | None = None
    processes: dict[str, Launched] = field(default_factory=dict)
    _wanted: set[str] = field(default_factory=set)
    _commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _closed: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The database, as the hub's processes reach it."""
        return self.site.url

    @property
    def workers(self) -> list[str]:
        """Slots of processes that fold and decide: workers on Kafka, the servers on the PostgreSQL log."""
        return [slot for slot in sorted(self._wanted) if slot.startswith(SERVER) is not self.site.on_kafka]

    @property
    def known(self) -> list[str]:
        """Slots of all processes that were ever started."""
        return sorted(self._commands)

    # -- processes -------------------------------------------------------------------------------------------

    def start(self, slot: str, *command: str) -> None:
        """Start a process and keep it running: whenever it ends it is started again, as a supervisor does. Slots that begin
        with ``server`` are ``hub serve``, others are workers (Kafka); or the module given, with its arguments."""
        if not command:
            if slot.startswith(SERVER):
                command = (*_under(self.clock, "hub"), "serve", "--port", "0")
            else:
                named = ("--slot", slot) if self.named else ()
                command = (*_under(self.clock, self.worker), *named)
        with self._lock:
            self._commands[slot] = command
            self._wanted.add(slot)
            self._launch(slot)

    def _launch(self, slot: str) -> None:
        log = self.site.logs / f"{slot}.log"
        self.processes[slot] = self.launcher.start(self._commands[slot], self.site.environment, log)

    def stop(self, slot: str, number: int = signal.SIGTERM) -> int:
        """End a process for good with this signal; returns its status."""
        with self._lock:
            self._wanted.discard(slot)
            process = self.processes.pop(slot)
        process.send_signal(number)
        return process.wait(SECONDS)

    def kill(self, slot: str, *, again: bool = True) -> None:
        """A fault: SIGKILL. ``again``: it is started again at once."""
        self.count(f"SIGKILL {_kind(slot)}")
        self.stop(slot, signal.SIGKILL)
        if again:
            self.start(slot, *self._commands[slot])

    def kill_lane(self) -> None:
        """A fault: SIGKILL to one of the processes in which the server folds and decides (PostgreSQL log)."""
        self.until(self.lanes, "lanes of the server")
        self.rng.choice(self.lanes()).kill()
        self.count("SIGKILL lane")

    def pid(self, slot: str) -> int:
        """The process that runs in a slot now."""
        return self.processes[slot].pid

    def lanes(self, slot: str = SERVER) -> list[psutil.Process]:
        """The processes in which a server folds and decides (PostgreSQL log); none while it begins."""
        try:
            return [lane for keeper in psutil.Process(self.pid(slot)).children() for lane in keeper.children()]
        except psutil.NoSuchProcess:
            return []

    @contextmanager
    def paused(self, *pids: int) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end of the block."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                if psutil.pid_exists(pid):
                    os.kill(pid, signal.SIGCONT)

    def logged(self, slot: str) -> str:
        """What a slot's processes wrote so far."""
        return (self.site.logs / f"{slot}.log").read_text(errors="replace")

    # -- faults ----------------------------------------------------------------------------------------------

    def count(self, name: str) -> None:
        """One fault more."""
        self.faults[name] = self.faults.get(name, 0) + 1

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """A fault that lasts as long as the block."""
        self.count(name)
        began = time.monotonic()
        yield
        print(f"{name}: {time.monotonic() - began:.1f} s")

    def until(self, condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> None:
        """Wait for a condition. Raises AssertionError naming ``what`` where it does not come about. What the database or
        the hub refuses meanwhile counts as not yet."""
        deadline = time.monotonic() + seconds
        problem: Exception | None = None
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
                problem = None
            except (psycopg.Error, HubError) as raised:
                problem = raised
            time.sleep(LOOK)
        raise AssertionError(f"not in {seconds:.0f} s: {what} ({problem})")

    def set_clock(self, seconds: int) -> None:
        """Set the wall clock of all servers and workers so far ahead of the true one (before it, where negative)."""
        assert self.clock is not None, "make_scene(..., shifted=True)"
        made = self.clock.with_suffix(".new")
        made.write_text(str(seconds), "ascii")
        made.replace(self.clock)

    def flowed(self, parts: int, seconds: float = SECONDS) -> None:
        """Wait until so many parts more were taken in, from now on; returns at once when only those are left that are held
        back until :meth:`settle`."""
        goal = min(len(self.flow.accountings) + parts, self.flow.free)
        self.until(lambda: len(self.flow.accountings) >= goal, f"{parts} parts more", seconds)

    def status(self) -> Told:
        """Ask ``hub status --json`` now. What it says is held against the truth by :meth:`verify` too."""
        done: Done = self.cli.run("status", "--json")
        told = Told(done.status, json.loads(done.out) if done.status == 0 else None, done.err)
        self.statuses.append(told)
        return told

    # -- the end ---------------------------------------------------------------------------------------------

    def settle(self, seconds: float = SECONDS) -> None:
        """Let the rest of the input in, and wait until everything is decided and folded. Raises AssertionError."""
        self.flow.finish(seconds)
        behind: list[str] = []

        def done() -> bool:
            with open_hub(self.site.settings, runners=False) as hub:
                while behind := settled(hub):
                    if time.monotonic() > deadline:
                        raise AssertionError(f"never decided or folded: {', '.join(behind)}")
                    time.sleep(LOOK)
            return True

        deadline = time.monotonic() + seconds
        self.until(done, f"all decided and folded {behind}", seconds)

    def verify(self) -> None:
        """Hold tables, accounting and statuses against the truth, and print the counts. Raises AssertionError."""
        with open_hub(self.site.settings, runners=False) as hub:
            verdict = self.verdict = judged(hub, hub.url, self.truth)
        deadline = time.monotonic() + PATIENCE
        while (last := self.status()).behind() and time.monotonic() < deadline:
            time.sleep(LOOK)
        verdict.wrong += self._wrong_accountings() + lies(self.statuses)
        if last.behind():
            verdict.wrong.append(f"status: {last.behind()} behind in the end")
        print(
            f"faults injected: {sum(self.faults.values())} ({', '.join(f'{n} x {name}' for name, n in self.faults.items())})",
            f"records lost: {verdict.lost}, records doubled: {verdict.doubled}; parts given again: {len(self.flow.repeated)}, "
            f"processes started again: {len(self.exits)}, statuses held against the truth: {len(self.statuses)}",
            sep="\n",
        )
        found = (verdict.lost, verdict.doubled, verdict.wrong[:20])
        assert found == (0, 0, []), "\n".join(map(str, found[2]))
        assert self.faults, "no fault was injected"

    def _wrong_accountings(self) -> list[str]:
        """Of each part: all that was read came to one outcome, and the same as in the quiet run where it was given once."""
        wrong = []
        for number, (here, there) in enumerate(zip(self.flow.accountings, self.truth.accountings, strict=True)):
            outcomes = sum(count for name, count in here.items() if name != "read")
            if here["read"] != outcomes or here["read"] != there["read"]:
                wrong.append(f"part {number}: {here}, in the quiet run {there}")
            if number not in self.flow.repeated and here != there:
                wrong.append(f"part {number}, given once: {here}, in the quiet run {there}")
        return wrong

    def supervise(self) -> None:
        """Start again what ended by itself; for a thread of :func:`scene_of`."""
        while not self._closed.wait(LOOK):
            with self._lock:
                for slot in self._wanted:
                    code = self.processes[slot].poll()
                    if code is not None:
                        self.exits.append((slot, code, self.logged(slot)[-LAST_WORDS:]))
                        self._launch(slot)

    def close(self) -> None:
        """End everything at once."""
        self._closed.set()
        self.flow.close()
        with self._lock:
            self._wanted.clear()
            for process in self.processes.values():
                process.kill()
                process.wait(SECONDS)


@contextmanager
def scene_of(
    kind: str,
    database_url: str,
    folder: Path,
    truth: Truth,
    starter: Starter,
    launcher: Launcher,
    rng: Random,
    *,
    bootstrap: str | None = None,
    workers: int = 2,
    worker: str = "hub.worker",
    named: bool = True,
    pace: float = 0.5,
    environment: Mapping[str, str] | None = None,
    shifted: bool = False,
) -> Iterator[Scene]:
    """A scene on an empty database; its processes run and its input flows when the block begins.

    Args:
        kind: of the log, ``postgresql`` or ``kafka``.
        bootstrap: brokers, where the log lies on Kafka.
        workers: worker processes on Kafka.
        worker: their module.
        named: whether these have names that stay over restarts.
        pace: seconds between two parts of the input.
        environment: settings beside or instead of those of a site.
        shifted: whether the clock of servers and workers can be set.
    """
    with ExitStack() as stack:
        made = stack.enter_context(site(kind, database_url, folder, bootstrap))
        made.environment |= environment or {}
        with open_hub(made.settings, runners=False):
            equality.copy_keys(truth.url, made.url)
        flow = Flow(made.environment, truth.parts, folder / "feeder.log", pace)
        scene = Scene(
            made, truth, rng, flow, Cli(folder / "home", made.environment, starter=starter), launcher, worker, named
        )
        stack.callback(scene.close)
        if shifted:
            scene.clock = folder / "clock"
            scene.set_clock(0)
        for slot in [SERVER, *(f"worker-{number + 1}" for number in range(workers) if made.on_kafka)]:
            scene.start(slot)
        threading.Thread(target=scene.supervise, name="supervisor", daemon=True).start()
        with open_hub(made.settings, runners=False) as hub:
            furnish(hub, PEOPLE)
        flow.start()
        yield scene


def _under(clock: Path | None, name: str) -> tuple[str, ...]:
    """A module under the clock that can be set, where there is one."""
    return (name,) if clock is None else ("tests.support.shifted_clock", str(clock), name)


def _kind(slot: str) -> str:
    return "hub serve" if slot.startswith(SERVER) else "hub worker"
