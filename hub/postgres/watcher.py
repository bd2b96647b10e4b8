"""The process that owns the embedded server: ``python -m hub.postgres.watcher HOME``.

It runs in a session of its own, apart from the process that started it. It makes and starts the server, says
``ready`` (or one line ``error: …``) on standard output, starts the server again if it dies while it is in use, and
stops it as soon as no process holds ``users.lock`` any more. Signals meant for a terminal or a service do not end it:
its end is the end of its last user.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from pathlib import Path

from hub.errors import HubError
from hub.postgres.folder import Folder, locked
from hub.postgres.server import Server

STOPPING = b"stopping"


class Watcher:
    """Keeps one server up while it has users."""

    def __init__(self, folder: Folder, watcher_fd: int) -> None:
        self._folder = folder
        self._watcher_fd = watcher_fd
        self._server = Server(folder)
        self._turn = threading.Lock()
        self._stopping = False

    def run(self) -> None:
        """Returns when the last user is gone and the server is down.

        Raises:
            Fatal: the server cannot be made or started.
        """
        self._server.prepare()
        self._start()
        threading.Thread(target=self._stop_after_last_user, daemon=True).start()
        _say("ready")
        while not self._stopping:
            self._server.wait()
            self._start()

    def _start(self) -> None:
        with self._turn:
            if not self._stopping:
                self._server.start()

    def _stop_after_last_user(self) -> None:
        with locked(self._folder.users_lock, fcntl.LOCK_EX), self._turn:
            # A user that comes from now on waits for this lock, and then reads here that it needs a new watcher.
            os.pwrite(self._watcher_fd, STOPPING, 0)
            self._stopping = True
            self._server.stop()


def main(home: Path) -> int:
    """Runs the watcher for the hub at ``home``; the exit status says whether all went well."""
    folder = Folder.of(home)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # A handler and not SIG_IGN, which the server would inherit.
        signal.signal(number, lambda *_: None)
    with locked(folder.watcher_lock, fcntl.LOCK_EX) as watcher_fd:
        os.ftruncate(watcher_fd, 0)
        try:
            Watcher(folder, watcher_fd).run()
        except (HubError, OSError) as error:
            print(f"watcher: {error}", file=sys.stderr, flush=True)  # noqa: T201
            _say(f"error: {error}")
            return 1
    return 0


def _say(line: str) -> None:
    """One line to whoever started us and listens until then; afterwards standard output leads nowhere."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        print(line, flush=True)  # noqa: T201
    except BrokenPipeError:
        pass  # the starter is gone; whether others use the server, the lock will say
    finally:
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def _detach() -> None:
    """Lets the starter's child end at once, so that the watcher is nobody's child and leaves no zombie."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")


if __name__ == "__main__":
    _home = Path(sys.argv[1]).resolve()
    _detach()
    sys.exit(main(_home))
