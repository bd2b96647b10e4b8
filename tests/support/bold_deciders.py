"""A second folder and decider that waits for nobody: ``python -m tests.support.bold_deciders``.

It is the hub's own code on every partition of either log, but for the locks by which others keep out of each other's way:
its own have other numbers. What it may do to the tables is what a paused, forgotten or wrongly started process may do.
"""

from __future__ import annotations

import signal
import threading

from hub import settings
from hub.bootstrap import open_hub
from hub.logging import configure
from hub.runners import DECIDE_BATCH, DECIDE_LOCK, FOLD_BATCH, FOLD_LOCK, Runner
from hub.works import Deciding

ASIDE = 1_000_000
"""Between the hub's lock numbers and these."""


def main() -> None:
    """Work until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    chosen = settings.load()
    configure(chosen.log_level)
    with open_hub(chosen, runners=False) as hub:
        parts = range(chosen.partitions)
        folding = hub.folding()
        deciding = Deciding(hub.decider(), hub.deciding.take_over)
        runners = [
            Runner("fold", FOLD_LOCK + ASIDE, FOLD_BATCH, hub.log, hub.connect, folding, parts),
            Runner("decide", DECIDE_LOCK + ASIDE, DECIDE_BATCH, hub.log, hub.connect, deciding, parts),
        ]
        for runner in runners:
            runner.start()
        stop.wait()
        hub.closing = True
        for runner in runners:
            runner.stop()
        hub.log.close()
        for runner in runners:
            runner.join(10)
        folding.close()


if __name__ == "__main__":
    main()
