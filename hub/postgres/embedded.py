"""The embedded PostgreSQL as its users see it: the first one starts it, the last one stops it.

A user is a process inside ``embedded(home)``. Its end counts as leaving, by whatever way it ends (SIGKILL too): within
moments of the last one the server is shut down in order, by a process that nobody's end takes along. A child that
a user forks counts as well; a program that it starts does not.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from hub.errors import Fatal
from hub.postgres.folder import Folder, locked, open_lock, opened, try_lock
from hub.postgres.server import postmaster, url
from hub.postgres.watcher import STOPPING

DATABASE = "hub"
_POLL_S = 0.02


@contextmanager
def embedded(home: Path) -> Iterator[str]:
    """A libpq URL of the database ``hub`` in the server of ``home`` (``HUB_HOME``), which is up for the block.

    Any number of processes, and of blocks in one process, share a server. A block waits for the server's end if it was
    its last. Relative paths are taken from the working folder of the moment.

    Raises:
        Fatal: the server cannot be made or started; the message says why and where its log is.
    """
    folder = Folder.of(home)
    users_fd = _join(folder)
    try:
        with locked(folder.start_lock, fcntl.LOCK_EX):
            fcntl.flock(users_fd, fcntl.LOCK_SH)
            _ensure_running(folder)
            _ensure_database(folder)
        yield url(folder, DATABASE)
    finally:
        os.close(users_fd)
        _await_end_if_last(folder)


def running(home: Path) -> bool:
    """Whether the embedded server of ``home`` takes connections now; never starts it."""
    return postmaster(Folder.of(home), ready=True) is not None


def _join(folder: Folder) -> int:
    try:
        folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_lock(folder.users_lock)
    except OSError as error:
        raise Fatal(
            f"HUB_HOME {folder.root.parent} cannot be used: {error.strerror or error}: {error.filename}; expected a folder that this account may write."
        ) from error


def _ensure_running(folder: Folder) -> None:
    """Called with our lock on ``users.lock``: a watcher that is not stopping by now will not stop before we leave."""
    while True:
        if not _watched(folder):
            _start_watcher(folder)
            return
        if postmaster(folder, ready=True):
            return
        time.sleep(_POLL_S)


def _locked_by_watcher(folder: Folder) -> bool:
    with opened(folder.watcher_lock) as fd:
        return not try_lock(fd, fcntl.LOCK_SH)


def _watched(folder: Folder) -> bool:
    return _locked_by_watcher(folder) and folder.watcher_lock.read_bytes() != STOPPING


def _start_watcher(folder: Folder) -> None:
    # -P: what lies in the working folder must not be taken for a module.
    command = [sys.executable, "-P", "-m", "hub.postgres.watcher", str(folder.root.parent)]
    with folder.log.open("ab") as log:
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=False, text=True
        )
    said = done.stdout.strip()
    if said != "ready":
        raise Fatal(said.removeprefix("error: ") or f"The watcher of the embedded PostgreSQL ended; see {folder.log}.")


def _ensure_database(folder: Folder) -> None:
    with psycopg.connect(url(folder, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _await_end_if_last(folder: Folder) -> None:
    """Returns when the server is down or has another user."""
    while folder.users_lock.exists():
        with opened(folder.users_lock) as users_fd:
            unused = try_lock(users_fd, fcntl.LOCK_EX)
            # Not to be had in either way, it is the watcher's, which is about to stop the server.
            if not unused and try_lock(users_fd, fcntl.LOCK_SH):
                return
        if not _locked_by_watcher(folder):
            if postmaster(folder) is None:
                return
            # Its watcher was killed: a new one sees that nobody is left, and stops the server.
            with locked(folder.start_lock, fcntl.LOCK_EX):
                if not _watched(folder):
                    _start_watcher(folder)
        time.sleep(_POLL_S)
