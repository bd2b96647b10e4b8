"""PostgreSQL as the system's packages have it (Debian's 15 and later), for one test run: made, started, stopped, removed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES_VARIABLE = "HUB_TEST_POSTGRES_BIN"
INSTALLED = Path("/usr/lib/postgresql")
ACCOUNTS = ("postgres", "nobody")
"""Whoever runs the server where the tests run as root, which PostgreSQL refuses; the first that exists."""


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl: the one named in the environment, else the newest installed one."""
    if given := os.environ.get(BINARIES_VARIABLE):
        return Path(given)
    found = [path.parent for path in INSTALLED.glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


@contextmanager
def system_postgres(installed: Path) -> Iterator[str]:
    """A libpq URL with a superuser; text sorts by code point, as in the embedded server."""
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="hub-pg-", dir="/tmp"))
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        data = folder / "data"
        _run(account, installed / "initdb", "-D", data, "--username=postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C.UTF-8", "--lc-collate=C")  # fmt: skip
        options = f"-k {folder} -c listen_addresses='' -c max_connections=200 -c timezone=UTC"
        _run(account, installed / "pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run(account, installed / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)


def _run(account: pwd.struct_passwd | None, *command: object) -> None:
    who = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [str(part) for part in command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
        stdin=subprocess.DEVNULL, text=True, **who,  # type: ignore[call-overload]
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout[-500:]}")
