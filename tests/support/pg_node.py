"""A PostgreSQL server of a test's own, which the test may restart, kill and starve of disk.

The programs are those of the tests' server: the wheel's, or the system's where ``HUB_TEST_SYSTEM_POSTGRES`` is set.
Nothing that guards durability is turned off.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Literal

import psycopg

from hub.postgres.account import account_for
from hub.postgres.account import binaries as wheel_binaries
from tests.support.services import SYSTEM_VARIABLE
from tests.support.system_postgres import ACCOUNTS
from tests.support.system_postgres import binaries as system_binaries

START_SECONDS = 60.0
STOP_SECONDS = 60.0
LOOK_SECONDS = 0.05
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "150",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "jit": "off",
    "log_min_error_statement": "panic",
}
SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}

Way = Literal["fast", "immediate", "kill"]
"""How a server ends: its sessions are ended and all is written; as in a crash; killed by the system."""
WAYS: tuple[Way, ...] = ("fast", "immediate", "kill")


class PgNode:
    """One server. Made by :func:`pg_node`.

    Args:
        folder: the server's own, for the socket and its log.
        data: where the tables lie; made by the first start.
        wal: where the write-ahead log lies.
        settings: of PostgreSQL, beside :data:`SETTINGS`.
    """

    def __init__(self, folder: Path, data: Path, wal: Path, settings: Mapping[str, str]) -> None:
        self._who, self._programs = _who_and_programs()
        self.folder, self.data, self.wal = folder, data, wal
        self._settings = {**SETTINGS, "unix_socket_directories": str(folder), **settings}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        """The path of the server's socket, for a proxy."""
        return str(self.folder / ".s.PGSQL.5432")

    @property
    def address(self) -> str:
        """A libpq URL with a superuser."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def own(self, path: Path) -> None:
        """Give a folder to the account that runs the server."""
        if self._who:
            os.chown(path, self._who["user"], self._who["group"])

    def make(self) -> None:
        """Make the data folder."""
        self.own(self.folder)
        command = ["-D", str(self.data), "-X", str(self.wal), "--username=postgres", "--auth=trust", "--encoding=UTF8"]
        # Small segments, so that a small disk holds some of them; no waiting for the disk until there is something on it.
        command += ["--locale=C", "--wal-segsize=1", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            [str(self._programs / "initdb"), *command], check=False, capture_output=True, text=True, **self._spawn()
        )
        assert done.returncode == 0, done.stderr[-1000:]

    def start(self) -> None:
        """Start it unless it runs; returns when it takes connections."""
        command = [str(self._programs / "postgres"), "-D", str(self.data)]
        command += [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, self.said()
            # Sessions of a server that was killed end by themselves, but not at once; a new one refuses to run beside them,
            # as it ends where a disk is still full.
            if not self.runs():
                with (self.folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._spawn()
                    )
            time.sleep(LOOK_SECONDS)

    def end(self, way: Way = "fast") -> None:
        """End it in this way; returns when it is gone."""
        if self._process is not None:
            self._process.send_signal(SIGNALS[way])
            self._process.wait(STOP_SECONDS)

    def restart(self, way: Way = "fast") -> None:
        """End it in this way and start it again."""
        self.end(way)
        self.start()

    def runs(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """The end of its log."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def connect(self) -> psycopg.Connection[Any]:
        """A connection as superuser, in autocommit mode."""
        return psycopg.connect(self.address, autocommit=True, connect_timeout=10)

    def terminate_some(self, database: str, rng: Random) -> int:
        """``pg_terminate_backend`` for a random half of the sessions on a database, at least one; returns how many."""
        query = """
            SELECT pid FROM pg_stat_activity
            WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid
        """
        with self.connect() as connection:
            pids = [pid for (pid,) in connection.execute(query, (database,)).fetchall()]
            chosen = rng.sample(pids, k=(len(pids) + 1) // 2)
            ended = connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (chosen,))
            return sum(done for (done,) in ended)

    def close(self) -> None:
        """End it and what it left behind."""
        if self.runs():
            self.end("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with self.connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _spawn(self) -> dict[str, Any]:
        environment = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", os.defpath)}
        return {"cwd": "/", "env": environment, "umask": 0o077, **self._who}


def _who_and_programs() -> tuple[dict[str, Any], Path]:
    """Under which account the server runs where the tests run as root, and where its programs are."""
    installed = system_binaries() if os.environ.get(SYSTEM_VARIABLE) else None
    if installed is None:
        account = account_for(Path("/nonexistent"))
        return (account.popen_arguments() if account else {}), wheel_binaries(account)
    if os.geteuid() != 0:
        return {}, installed
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    chosen = next(known[name] for name in ACCOUNTS if name in known)
    return {"user": chosen.pw_uid, "group": chosen.pw_gid, "extra_groups": []}, installed


@contextmanager
def pg_node(*, data: Path | None = None, wal: Path | None = None, **settings: str) -> Iterator[PgNode]:
    """A server that runs; ``data`` and ``wal`` name folders on other file systems, whose parents its account may enter;
    ``settings`` are PostgreSQL's."""
    folder = Path(tempfile.mkdtemp(prefix="hub-node-", dir="/tmp"))
    node = PgNode(folder, data or folder / "data", wal or folder / "wal", settings)
    try:
        for parent in {node.data.parent, node.wal.parent} - {folder}:
            node.own(parent)
        node.make()
        node.start()
        yield node
    finally:
        node.close()
