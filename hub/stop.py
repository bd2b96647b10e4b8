"""What ends a server: a signal, or one of its threads.

A handler of Python's runs in the main thread, between two of its instructions. One that sets an event is heard by nobody when
the signal comes just before the thread waits for that event, and waits for itself where it comes a little earlier. So the
interpreter writes a byte into a pipe the moment a signal comes, and the pipe is what the main thread waits for.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress


class Stop:
    """May be set from any thread, before or while it is waited for. To be made in the main thread; one per process."""

    def __init__(self) -> None:
        self._heard, self._tell = os.pipe()
        os.set_blocking(self._tell, False)

    def on(self, *signals: signal.Signals) -> None:
        """From now on these signals set it."""
        signal.set_wakeup_fd(self._tell, warn_on_full_buffer=False)
        for number in signals:
            signal.signal(number, lambda *_: None)

    def set(self) -> None:
        """Whoever waits goes on."""
        with suppress(BlockingIOError):  # full of what says the same
            os.write(self._tell, b"\0")

    def wait(self) -> None:
        """Return once it is set; at once where it was."""
        os.read(self._heard, 1)
        self.set()  # for who waits again
