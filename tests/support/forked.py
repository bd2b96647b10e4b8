"""How a forked process ends that stands for one of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn


def finish(work: Callable[[], object]) -> NoReturn:
    """Do the work and end with the status that a process of its own would end with."""
    status = 0
    try:
        work()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # what a traceback would be in a process of its own
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
