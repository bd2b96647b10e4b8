"""One PostgreSQL server on one data folder: made, started, looked at, stopped.

Only the watcher starts and stops it. Promises: a data folder exists only when initdb has finished; all settings that
guard durability stay as PostgreSQL has them; nothing of a row or of a statement's values is written to the log file;
text sorts by code point, the same on every machine; the server's clock is UTC; it listens on no network address.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from hub.errors import Fatal
from hub.postgres.account import Account, account_for, binaries
from hub.postgres.folder import SOCKET_NAME, Folder

SUPERUSER = "postgres"
FAST_SHUTDOWN_S = 300.0
LOG_LIMIT_BYTES = 10_000_000
ORPHANS_S = 30.0
_POLL_S = 0.01
_ORPHANS_POLL_S = 0.2


def url(folder: Folder, database: str) -> str:
    """The libpq URL of a database of the server of ``folder``."""
    return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(folder.socket_dir))}"


def postmaster(folder: Folder, *, ready: bool = False) -> psutil.Process | None:
    """The running server process of ``folder``; with ``ready`` only once it takes connections."""
    try:
        lines = (folder.data / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        # The id may be another program's by now; the name is on the command line of our server only.
        ours = f"cluster_name={folder.name}" in process.cmdline()
    except (OSError, IndexError, ValueError, psutil.Error):
        return None
    is_ready = len(lines) > 7 and lines[7].strip() == "ready"
    return process if ours and (is_ready or not ready) else None


class Server:
    """The server of one folder, for its watcher."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._account: Account | None = account_for(folder.data)
        self._binaries = binaries(self._account)
        self._process: psutil.Process | None = None

    def prepare(self) -> None:
        """Makes the data folder unless there is one; what an interrupted attempt left is removed.

        Raises:
            Fatal: initdb failed.
        """
        for left in self._folder.root.glob("new-*"):
            shutil.rmtree(left, ignore_errors=True)
        if self._folder.data.exists():
            return
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder.root))
        if self._account:
            os.chown(fresh, self._account.uid, self._account.gid)
        command = [f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        # The built-in provider's order does not depend on the C library of the machine.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with self._open_log() as log:
            done = subprocess.run(  # noqa: S603
                [self._binaries / "initdb", "-D", self._seen(fresh), *command], check=False, **self._spawn(fresh, log)
            )
        if done.returncode != 0:
            raise Fatal(f"The embedded PostgreSQL could not be made: {self._last_words()}")
        fresh.rename(self._folder.data)
        _sync(self._folder.root)

    def start(self) -> None:
        """Starts the server, or takes over one that runs already; returns when it takes connections.

        Recovery after a crash takes as long as it takes: only the end of the server's process is a failure.

        Raises:
            Fatal: the server ended before it was ready.
        """
        self._process = postmaster(self._folder)
        if self._process and self._becomes_ready():
            return
        self._remove_stale()
        self._make_socket_dir()
        until = time.monotonic() + ORPHANS_S
        while not self._launch():
            # The sessions of a server that was killed end by themselves, but not at once; it must not run beside them.
            if "shared memory block" not in self._last_words() or time.monotonic() > until:
                raise Fatal(f"The embedded PostgreSQL did not start: {self._last_words()}")
            time.sleep(_ORPHANS_POLL_S)

    def _launch(self) -> bool:
        with self._open_log() as log:
            self._process = psutil.Popen(self._command(), **self._spawn(self._folder.data, log))
        return self._becomes_ready()

    def _becomes_ready(self) -> bool:
        while postmaster(self._folder, ready=True) is None:
            if self._process is None or not _alive(self._process):
                return False
            time.sleep(_POLL_S)
        return True

    def wait(self, timeout_s: float = math.inf) -> bool:
        """Waits until the server's process has ended; False if it has not after ``timeout_s`` seconds."""
        until = time.monotonic() + timeout_s
        while self._process and _alive(self._process):
            if time.monotonic() > until:
                return False
            # A server taken over is not our child, and its new parent may never take notice of its end.
            ours = isinstance(self._process, psutil.Popen) and math.isinf(timeout_s)
            with suppress(psutil.TimeoutExpired):
                self._process.wait(None if ours else 0.5)
        return True

    def stop(self) -> None:
        """Ends the server by a fast shutdown (open transactions are rolled back) and removes its traces."""
        if self._process:
            # Already gone is as good.
            with suppress(psutil.NoSuchProcess):
                self._process.send_signal(signal.SIGINT)
                if not self.wait(FAST_SHUTDOWN_S):
                    self._process.send_signal(signal.SIGQUIT)
                    self.wait()
        if self._short_socket_dir:
            shutil.rmtree(self._short_socket_dir, ignore_errors=True)

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._short_socket_dir or self._seen(self._folder.data)),
            "unix_socket_permissions": "0700",
            "cluster_name": self._folder.name,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "shared_buffers": f"{_shared_buffers_mb()}MB",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "jit": "off",
            # Details and statements of errors hold personal data.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
        }
        command = [str(self._binaries / "postgres"), "-D", self._seen(self._folder.data)]
        return command + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _seen(self, data: Path) -> str:
        """How the server finds its data folder: as another account's, folders above may be closed to it."""
        return "/proc/self/cwd" if self._account else str(data)

    @property
    def _short_socket_dir(self) -> Path | None:
        return self._folder.socket_dir if self._folder.socket_dir != self._folder.data else None

    def _spawn(self, cwd: Path, log: Any) -> dict[str, Any]:
        environment = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", os.defpath)}
        account = self._account.popen_arguments() if self._account else {}
        return {
            "cwd": cwd,
            "env": environment,
            "stdin": subprocess.DEVNULL,
            "stdout": log,
            "stderr": log,
            "umask": 0o077,
            **account,
        }

    def _remove_stale(self) -> None:
        """Removes lock files of a server that is gone where PostgreSQL itself would take them for a living one's."""
        for path in (self._folder.data / "postmaster.pid", self._folder.socket_dir / f"{SOCKET_NAME}.lock"):
            try:
                pid = int(path.read_text().split("\n", 1)[0])
                # For an id that nobody has PostgreSQL removes the file, and looks for left-over sessions while doing so.
                stale = psutil.pid_exists(pid) and not self._may_be_postgres(pid)
            except FileNotFoundError:
                continue
            except ValueError:
                stale = True  # torn by a crash
            if stale:
                path.unlink()

    def _may_be_postgres(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.name() == "postgres" and process.uids().real == self._folder.data.stat().st_uid
        except psutil.NoSuchProcess:
            return True  # it has just ended: PostgreSQL's own rule for a dead id applies

    def _make_socket_dir(self) -> None:
        short = self._short_socket_dir
        if short is None:
            return
        try:
            short.mkdir(mode=0o700)
            if self._account:
                os.chown(short, self._account.uid, self._account.gid)
        except FileExistsError:
            found = short.lstat()
            wanted = self._account.uid if self._account else os.geteuid()
            if found.st_uid != wanted or found.st_mode != 0o040700:
                raise Fatal(
                    f"{short} belongs to somebody else or is open to others: remove it, or choose a HUB_HOME whose"
                    " path is shorter than 75 bytes."
                ) from None

    def _open_log(self) -> Any:
        log = self._folder.log
        if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return log.open("ab")

    def _last_words(self, lines: int = 5) -> str:
        text = self._folder.log.read_text(errors="replace").strip().splitlines()[-lines:]
        return f"{' / '.join(text)} (the whole log is in {self._folder.log})"


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _shared_buffers_mb() -> int:
    """A tenth of the memory, at least 32 MB and at most 512 MB."""
    tenth: int = psutil.virtual_memory().total // 10 // 2**20
    return max(32, min(512, tenth))


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
