"""The real worker with a watchdog that waits seconds for an assignment, not minutes: ``python -m tests.support.impatient_worker``."""

from __future__ import annotations

import sys

from hub.worker import watchdog
from hub.worker.__main__ import main

PATIENCE = 10.0
"""Seconds; a group whose members all answer needs about one."""

if __name__ == "__main__":
    watchdog.UNASSIGNED_SECONDS = PATIENCE
    sys.exit(main())
