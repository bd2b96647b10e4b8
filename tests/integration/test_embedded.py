"""The embedded PostgreSQL: shared by its users, gone with the last of them, whole after any death."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from hub.errors import Fatal
from hub.postgres.embedded import embedded, running
from hub.postgres.folder import SOCKET_PATH_LIMIT, Folder, locked
from hub.postgres.server import postmaster

DEADLINE_S = 30.0
USER = """
import sys, pathlib
from hub.postgres.embedded import embedded
with embedded(pathlib.Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class User:
    """Another process that uses the server until it is told to leave."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def joined(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def start_leaving(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def leave(self) -> None:
        self.start_leaving()
        self._ended()

    def kill(self) -> None:
        self.process.kill()
        self.start_leaving()
        self._ended()

    def _ended(self) -> None:
        self.process.wait(timeout=DEADLINE_S)
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A HUB_HOME whose server is down when the test is over."""
    yield tmp_path / "home"
    eventually(lambda: postmaster(Folder.of(tmp_path / "home")) is None)


@pytest.fixture
def user(home: Path) -> Iterator[Callable[[], User]]:
    """Makes further processes that use the server of ``home``."""
    made: list[User] = []

    def make() -> User:
        made.append(User(home))
        return made[-1]

    yield make
    for each in made:
        each.kill()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.02)


def gone(process: psutil.Process) -> bool:
    """Ended, whether or not its new parent has taken notice."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return row[0]


def server_pid(home: Path) -> int:
    process = postmaster(Folder.of(home))
    assert process
    return process.pid


def watcher_of(home: Path) -> psutil.Process:
    def is_it(process: psutil.Process) -> bool:
        command = process.info["cmdline"] or []
        return "hub.postgres.watcher" in command and str(home) in command

    return next(each for each in psutil.process_iter(["cmdline"]) if is_it(each))


def kill_watcher(home: Path) -> None:
    watcher_of(home).kill()
    with locked(Folder.of(home).watcher_lock, fcntl.LOCK_SH):
        pass  # free once the last of its threads has ended


def test_first_use_makes_the_database_and_the_end_stops_the_server(home: Path) -> None:
    """Inside the block the database `hub` answers, after it no process is left; what was written is there next time."""
    assert not running(home)
    with embedded(home) as url:
        assert running(home)
        assert one(url, "SELECT current_database()") == "hub"
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    assert not running(home)
    assert not (Folder.of(home).data / "postmaster.pid").exists()
    with embedded(home) as url:
        assert one(url, "SELECT n FROM kept") == 7


def test_settings_are_durable_deterministic_and_private(home: Path) -> None:
    """What guards the data is as PostgreSQL has it; time, text and order are the same on every machine."""
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "jit": "off",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    with embedded(home) as url:
        for name, value in expected.items():
            assert one(url, f"SELECT current_setting('{name}')") == value, name
        buffers = one(url, "SELECT setting::int * 8 / 1024 FROM pg_settings WHERE name = 'shared_buffers'")
        assert buffers == max(32, min(512, psutil.virtual_memory().total // 10 // 2**20))
        assert one(url, "SELECT string_agg(t, '' ORDER BY t) FROM unnest('{é,z,Z,a,A,É}'::text[]) t") == "AZazÉé"
        assert one(url, "SELECT lower('ÄÉΣ')") == "äéσ"


def test_the_servers_log_does_not_repeat_values(home: Path) -> None:
    """A failing statement leaves its error in the log, not the personal data that it carried."""
    with embedded(home) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE person (name text PRIMARY KEY)")
        for _ in range(2):
            try:
                connection.execute("INSERT INTO person VALUES ('Ada Lovelace')")
            except psycopg.errors.UniqueViolation:
                break
    log = Folder.of(home).log.read_text()
    assert "duplicate key" in log
    assert "Lovelace" not in log


def test_processes_share_one_server(home: Path, user: Callable[[], User]) -> None:
    """Who comes while it runs gets the same server, and who leaves first does not take it along."""
    first = user()
    url = first.joined()
    pid = server_pid(home)
    with embedded(home) as ours:
        assert ours == url
        assert server_pid(home) == pid
        first.leave()
        assert one(ours, "SELECT 1") == 1
        assert server_pid(home) == pid


def test_many_first_users_at_once_start_one_server(home: Path, user: Callable[[], User]) -> None:
    """Processes that race to be the first all get in, to one server."""
    users = [user() for _ in range(4)]
    urls = {each.joined() for each in users}
    assert len(urls) == 1
    serving = [
        each
        for each in psutil.process_iter(["cmdline"])
        if f"cluster_name={Folder.of(home).name}" in (each.info["cmdline"] or [])
    ]
    assert [each.pid for each in serving] == [server_pid(home)]


def test_leaving_and_coming_at_once_loses_nobody(home: Path, user: Callable[[], User]) -> None:
    """Who comes in the moment when the last one leaves gets a server that stays."""
    present = user()
    present.joined()
    for _ in range(5):
        coming = user()
        present.start_leaving()
        url = coming.joined()
        present.leave()
        assert one(url, "SELECT 1") == 1
        present = coming


def test_nested_use_in_one_process(home: Path) -> None:
    """The inner block's end does not stop the server of the outer one."""
    with embedded(home) as outer:
        with embedded(home) as inner:
            assert inner == outer
        assert one(outer, "SELECT 1") == 1


def test_killing_the_only_user_stops_the_server_and_keeps_the_data(home: Path, user: Callable[[], User]) -> None:
    """SIGKILL of the only user ends server and watcher, in order, with what was committed."""
    only = user()
    with psycopg.connect(only.joined()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    watcher = watcher_of(home)
    only.kill()
    eventually(lambda: not running(home) and gone(watcher))
    assert "database system is shut down" in Folder.of(home).log.read_text().splitlines()[-1]
    with embedded(home) as url:
        assert one(url, "SELECT count(*) FROM kept") == 1000


def test_killing_one_of_two_users_leaves_the_server_running(home: Path, user: Callable[[], User]) -> None:
    """The death of a user is its own."""
    killed, stays = user(), user()
    killed.joined()
    url = stays.joined()
    pid = server_pid(home)
    killed.kill()
    assert one(url, "SELECT 1") == 1
    with embedded(home):
        assert server_pid(home) == pid


def test_signals_of_a_terminal_do_not_reach_the_server(home: Path, user: Callable[[], User]) -> None:
    """Watcher and server are in a session of their own, and a termination request to the watcher waits for users."""
    url = user().joined()
    watcher = watcher_of(home)
    assert os.getsid(watcher.pid) != os.getsid(0)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        watcher.send_signal(number)
    assert one(url, "SELECT 1") == 1
    assert not gone(watcher)


def test_a_server_that_dies_is_started_again(home: Path) -> None:
    """SIGKILL of the server while it is in use: committed data is back without anybody's help."""
    with embedded(home) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        dead = server_pid(home)
        os.kill(dead, signal.SIGKILL)
        eventually(lambda: running(home) and server_pid(home) != dead)
        assert one(url, "SELECT n FROM kept") == 7


def test_the_next_user_replaces_a_dead_watcher(home: Path, user: Callable[[], User]) -> None:
    """Without its watcher the server goes on; who comes next brings a new one, which stops it in the end."""
    stays = user()
    stays.joined()
    pid = server_pid(home)
    dead = watcher_of(home)
    kill_watcher(home)
    with embedded(home) as url:
        assert one(url, "SELECT 1") == 1
        assert server_pid(home) == pid
        assert watcher_of(home).pid != dead.pid
    stays.leave()
    assert not running(home)


def test_the_last_user_stops_the_server_though_its_watcher_is_dead(home: Path, user: Callable[[], User]) -> None:
    """Nobody came since the watcher was killed: the one who leaves last sees to the end."""
    stays = user()
    stays.joined()
    kill_watcher(home)
    stays.leave()
    assert not running(home)


def test_a_killed_initdb_is_done_again(home: Path, user: Callable[[], User]) -> None:
    """SIGKILL of all that takes part in the first start: the half-made folder is never used, and is removed."""
    folder = Folder.of(home)
    victim = user()
    eventually(lambda: any(folder.root.glob("new-*/base")))
    watcher = watcher_of(home)
    for process in [watcher, *watcher.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # steps of initdb come and go
            process.kill()
    victim.kill()
    assert not folder.data.exists()
    assert list(folder.root.glob("new-*"))
    with embedded(home) as url:
        assert one(url, "SELECT 1") == 1
        assert not list(folder.root.glob("new-*"))


@pytest.mark.parametrize("content", [f"{os.getpid()}\n/x\n1\n5432\n\n\n1 1\nready\n", "4194304\n/x\n", ""])
def test_a_stale_pid_file_does_not_hinder_the_start(home: Path, content: str) -> None:
    """The id in a left-over file may be another program's, nobody's, or torn."""
    with embedded(home):
        pass
    (Folder.of(home).data / "postmaster.pid").write_text(content)
    assert not running(home)
    with embedded(home) as url:
        assert one(url, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["h" * 120, "a b%20ü&?#"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    """A path too long for a socket, or one with signs that mean something in a URL."""
    home = tmp_path / name
    folder = Folder.of(home)
    with embedded(home) as url:
        assert one(url, "SELECT current_database()") == "hub"
        assert len(os.fsencode(folder.socket_dir / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT
        assert folder.socket_dir.stat().st_mode & 0o077 == 0
    assert folder.socket_dir == folder.data or not folder.socket_dir.exists()


def test_closed_folders_stay_closed(tmp_path: Path) -> None:
    """As root too, the server works below a folder that only its owner may enter, and leaves its mode alone."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded(closed / "home") as url:
        assert one(url, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    """The error carries the last words of the log and where the rest is; the next attempt is a fresh one."""
    with embedded(home):
        pass
    version = Folder.of(home).data / "PG_VERSION"
    version.write_text("9.6\n")
    with pytest.raises(Fatal, match=r"did not start: .*incompatible.*server\.log"), embedded(home):
        pass
    version.write_text("18\n")
    with embedded(home) as url:
        assert one(url, "SELECT 1") == 1


def test_a_home_that_is_no_folder_is_refused_plainly(tmp_path: Path) -> None:
    """The message names the setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Fatal, match="HUB_HOME"), embedded(tmp_path / "file"):
        pass
