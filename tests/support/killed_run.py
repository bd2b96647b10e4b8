"""A test run in miniature, to be killed: a broker of its own, and then a wait that nobody ends.

Started as ``python -m tests.support.killed_run FOLDER``; it says ``ready`` once the broker is.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.support.services import kafka_local

if __name__ == "__main__":
    with kafka_local(Path(sys.argv[1])):
        print("ready", flush=True)
        while True:
            signal.pause()
