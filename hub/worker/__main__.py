"""``python -m hub.worker [--slot NAME] [--health-port PORT]``: a worker without the rest of the command line."""

from __future__ import annotations

import argparse
import sys

from hub import settings
from hub.errors import HubError
from hub.logging import configure
from hub.worker.app import GRACE, run_worker


def main() -> int:
    """Run a worker; returns its exit code, 1 where it is refused."""
    parser = argparse.ArgumentParser(prog="python -m hub.worker", description="Fold and decide on a Kafka log.")
    parser.add_argument("--slot", help="name of this worker that stays the same over restarts")
    parser.add_argument("--health-port", type=int, help="loopback port of /alive and /ready")
    parser.add_argument("--grace", type=float, default=GRACE, help="seconds from the signal to the certain end")
    given = parser.parse_args()
    try:
        chosen = settings.load()
        configure(chosen.log_level)
        return run_worker(chosen, slot=given.slot, health_port=given.health_port, grace=given.grace)
    except HubError as problem:
        print(problem, file=sys.stderr)  # noqa: T201  the one sentence for the person at the terminal
        return 1


if __name__ == "__main__":
    sys.exit(main())
