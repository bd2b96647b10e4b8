"""What ends a server is heard whenever it comes, from a signal and from a thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from hub.stop import Stop

ROOT = Path(__file__).parents[2]
SECONDS = 60.0

AT_EVERY_INSTRUCTION = """
import os, signal, sys
from hub.stop import Stop

stop = Stop()
stop.on(signal.SIGTERM)
left = int(sys.argv[1])

def step(frame, event, argument):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGTERM)
    frame.f_trace_opcodes = True
    return step

print("there", flush=True)
sys.settrace(step)
stop.wait()
sys.settrace(None)
print("not yet" if left > 0 else "heard")
"""
"""A process that signals itself at the n-th instruction on its way into the wait."""


def test_it_is_set_before_somebody_waits() -> None:
    stop = Stop()
    stop.set()
    stop.wait()
    stop.wait()


def test_a_thread_sets_it_while_it_is_waited_for() -> None:
    stop = Stop()
    waiting = threading.Thread(target=stop.wait)
    waiting.start()
    stop.set()
    waiting.join(SECONDS)
    assert not waiting.is_alive()


def test_it_may_be_set_more_often_than_is_read() -> None:
    stop = Stop()
    for _ in range(100_000):
        stop.set()
    stop.wait()


def test_a_signal_is_heard_at_whichever_instruction_it_comes() -> None:
    """Up to the very call that waits, where an event's handler would have come too early to wake anybody."""
    for place in range(1, 10):
        with _waiting(place) as process:
            assert process.communicate(timeout=SECONDS)[0] == "there\nheard\n", place


def test_a_signal_is_heard_while_it_is_waited_for() -> None:
    with _waiting(1_000_000) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.communicate(timeout=SECONDS)[0] == "not yet\n"


def _waiting(place: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", AT_EVERY_INSTRUCTION, str(place)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
