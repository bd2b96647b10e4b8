"""Where a command stands: its settings, its log, the hub it opens, the company it is about.

A command's own log goes to ``hub.log`` in ``HUB_HOME`` (warnings and worse), so that stdout and stderr are for people and
scripts. A command never waits in silence for folds that cannot come.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hub.cli.frame import note
from hub.cli.logfile import log_file, log_to_file
from hub.errors import Refused, Retriable
from hub.worker import quiet

if TYPE_CHECKING:
    from hub.bootstrap import Hub
    from hub.deciding.envelope import Actor
    from hub.settings import Settings

HINT_SECONDS = 10
"""So long a command waits on Kafka before it says what it may be waiting for."""
PATIENCE_SECONDS = 10
"""So long folding or deciding in this process may fail before the command gives up."""

COMPANIES = "SELECT code, id::text FROM hub.company ORDER BY code"


def settings(*, serving: bool = False) -> Settings:
    """The settings; logging is set up by them: on stderr for servers, else to the log file.

    Raises Refused where a setting is wrong.
    """
    from hub import logging as hub_logging
    from hub import settings as hub_settings

    found = hub_settings.load()
    hub_logging.configure(found.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if not serving:
        log_to_file(found)
    quiet.install()
    return found


@contextmanager
def opened(*, runners: bool = True) -> Iterator[Hub]:
    """The hub, brought up to date and open for one command. ``runners``: the command writes, so folds must run.

    Raises Retriable where folding or deciding in this process goes on failing.
    """
    from hub.bootstrap import open_hub

    with open_hub(settings(), runners=runners) as hub:
        watchman = _Watchman(hub)
        if runners:
            watchman.start()
        try:
            yield hub
        except Retriable:
            if watchman.reason is not None:
                raise Retriable(watchman.reason) from None
            raise
        finally:
            watchman.stop()


def company_of(hub: Hub, code: str | None) -> str:
    """The id of the company a command is about: the one named, else the only one.

    Raises Refused where it is not known, or where there are several and none was named.
    """
    with hub.connection() as connection:
        known = dict(connection.execute(COMPANIES).fetchall())
    if not known:
        raise Refused(
            "company: there is none yet; expected `hub companies add CODE NAME --time-zone ZONE` first",
            field="company", rule="exists", expected="a company",
        )  # fmt: skip
    if code is None:
        if len(known) == 1:
            return str(next(iter(known.values())))
        raise Refused(f"company: there are several; expected --company with one of {', '.join(known)}",
                      field="company", rule="named", expected=", ".join(known))  # fmt: skip
    for name, company_id in known.items():
        if name.casefold() == code.strip().casefold():
            return str(company_id)
    raise Refused(f"company: {code} is not known; expected one of {', '.join(known)}",
                  field="company", rule="exists", expected=", ".join(known))  # fmt: skip


def actor() -> Actor:
    """Who acts in a command: the command line. A login name would be personal data that nothing could seal."""
    from hub.deciding.envelope import Actor

    return Actor("system", "cli")


class _Watchman(threading.Thread):
    """Ends a command that waits for folds that cannot come, and says why."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(name="watchman", daemon=True)
        self._hub = hub
        self._stop = threading.Event()
        self.reason: str | None = None

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        failing = waited = 0
        while not self._stop.wait(1.0):
            waited += 1
            if self._hub.settings.on_kafka and waited == HINT_SECONDS:
                note("Still waiting. On Kafka a `hub worker` decides and folds; `hub status` tells what is behind.")
            failures = self._hub.failures()
            failing = failing + 1 if failures else 0
            if failing >= PATIENCE_SECONDS:
                self.reason = f"The hub cannot go on ({failures[0]}); details are in {log_file()}"
                self._hub.closing = True
                return
