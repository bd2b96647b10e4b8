"""A small file system, for tests of a full disk: a tmpfs of some MiB, where the machine allows to mount one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BALLAST = "ballast"
BLOCK = 64 * 1024


class NoSmallDisk(Exception):
    """This machine does not allow to mount a file system; the message says why."""


class SmallDisk:
    """A mounted file system. Made by :func:`small_disk`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def free_bytes(self) -> int:
        """What is left on it."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Leave no byte."""
        block = bytes(BLOCK)
        fd = os.open(self.path / BALLAST, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            with suppress(OSError):  # that is the end of it
                while True:
                    os.write(fd, block)
        finally:
            os.close(fd)
        assert self.free_bytes == 0, f"{self.free_bytes} bytes are left"

    def relieve(self) -> None:
        """Give back what :meth:`fill` took."""
        (self.path / BALLAST).unlink(missing_ok=True)


@contextmanager
def small_disk(mebibytes: int) -> Iterator[SmallDisk]:
    """A file system of so many MiB, gone with the block.

    Raises NoSmallDisk where it cannot be mounted.
    """
    path = Path(tempfile.mkdtemp(prefix="hub-disk-", dir="/tmp"))
    try:
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", str(path)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        except OSError as problem:
            raise NoSmallDisk(f"there is no program to mount a file system: {problem}") from problem
        if done.returncode != 0:
            raise NoSmallDisk(f"a file system cannot be mounted here: {done.stderr.strip()}")
        try:
            yield SmallDisk(path)
        finally:
            # Lazily: a server that is being killed may still hold files.
            subprocess.run(["umount", "--lazy", str(path)], check=True)
    finally:
        path.rmdir()
