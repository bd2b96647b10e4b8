"""Few lines from noisy libraries: a broker that is away makes aiokafka tell so dozens of times a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

PERIOD = 10.0
LINES = 3


class FewLines(logging.Filter):
    """Lets of each message of other people's loggers ``LINES`` through in ``PERIOD`` seconds; the next says how many
    were left out. Our own records always pass."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, object], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is shown."""
        if record.name.partition(".")[0] in ("hub", "projections", "connectors"):
            return True
        # aiokafka and faust put values into arguments, so the bare message is the same for the same fault.
        key = (record.name, record.msg)
        now = self._clock()
        since, count = self._seen.get(key, (now, 0))
        if now - since >= PERIOD:
            if count > LINES:
                record.msg = f"{record.msg} [{count - LINES} like this were left out]"
            since, count = now, 0
        self._seen[key] = (since, count + 1)
        return count < LINES


def install() -> None:
    """Put the filter on the handlers of the root logger; nothing happens the second time."""
    few = FewLines()
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, FewLines) for one in handler.filters):
            handler.addFilter(few)
