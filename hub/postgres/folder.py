"""What lies where under ``HUB_HOME/postgres``, and the three locks that say who uses it.

Locks are ``flock`` locks: the kernel drops them when their holder ends, however it ends, so no list of process
ids can go stale and a reused id cannot count as a user.

``users.lock``    shared by every process that uses the server; exclusive for the watcher while it stops it
``start.lock``    exclusive for the one process that looks whether a watcher must be started
``watcher.lock``  exclusive for the life of the watcher; holds the word ``stopping`` from its decision to stop
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103
"""Bytes a socket path may have everywhere (Linux allows 107, other systems 103)."""


@dataclass(frozen=True)
class Folder:
    """The paths of one embedded server. ``root`` is ``HUB_HOME/postgres``, resolved."""

    root: Path

    @classmethod
    def of(cls, home: Path) -> Self:
        """The folder of the hub at ``home`` (``HUB_HOME``); nothing is created."""
        return cls(home.resolve() / "postgres")

    @property
    def data(self) -> Path:
        """The server's data folder; it exists only once it is complete."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """What server and watcher had to say."""
        return self.root / "server.log"

    @property
    def users_lock(self) -> Path:
        return self.root / "users.lock"

    @property
    def start_lock(self) -> Path:
        return self.root / "start.lock"

    @property
    def watcher_lock(self) -> Path:
        return self.root / "watcher.lock"

    @property
    def name(self) -> str:
        """A short name for this folder, the same in every process."""
        return "lms-hub-" + hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]

    @property
    def socket_dir(self) -> Path:
        """Where the server's socket lies: in the data folder, or for a long path in a private folder in /tmp."""
        if len(os.fsencode(self.data / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            return self.data
        # Not the TMPDIR of this process: all users of the server must come to the same path.
        return Path("/tmp") / self.name  # noqa: S108  its owner and mode are checked before use


def try_lock(fd: int, operation: int) -> bool:
    """Takes the flock ``operation`` on ``fd`` if that is possible at once."""
    try:
        fcntl.flock(fd, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock(path: Path) -> int:
    """A file descriptor of a lock file, made if needed; closing it drops the lock."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """``open_lock`` for the block."""
    fd = open_lock(path)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def locked(path: Path, operation: int) -> Iterator[int]:
    """Waits for the flock ``operation`` on a lock file and holds it for the block."""
    with opened(path) as fd:
        fcntl.flock(fd, operation)
        yield fd
