"""The fakes as a soak test uses them: a server that dies and comes back, lies chosen by a seed, a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from connectors.testing.canvas import FakeCanvas
from connectors.testing.moodle import SERVER, FakeMoodle
from connectors.testing.server import Asked, Reply, half_body
from connectors.testing.unruly import LIES, Unruly
from connectors.testing.wire import REMEMBERED, LivelyServer, parameters
from connectors.testing.world import World

NOW = 1_772_438_400.0


def echo(asked):
    return Reply(200, json.dumps([asked.path, getattr(asked.query, "pairs", []), asked.body.decode()]).encode())


def fetch(server, path="/", **given):
    with httpx.Client() as client:
        return client.get(server.origin + path, **given)


# -- the server ---------------------------------------------------------------------------------------------------


def test_repeated_parameters_are_kept():
    """A parameter that comes twice has both its values; by its name alone, the last one."""
    found = parameters("state[]=active&state%5B%5D=deleted&empty=&name=a+b")
    assert found.every("state[]") == ["active", "deleted"]
    assert dict(found) == {"state[]": "deleted", "empty": "", "name": "a b"}
    with LivelyServer(echo) as server:
        assert fetch(server, "/x?a=1&a=2").json() == ["/x", [["a", "1"], ["a", "2"]], ""]


def test_one_connection_many_requests():
    """A connection stays open; what comes in pieces or in one with the next request is read as it is meant."""
    with (
        LivelyServer(echo) as server,
        socket.create_connection(("127.0.0.1", int(server.origin.rpartition(":")[2]))) as wire,
    ):
        head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
        wire.sendall(head[:10])
        wire.sendall(head[10:] + b"he")
        wire.sendall(b"llo" + head.replace(b"/a", b"/b") + b"again")
        with wire.makefile("rb") as answer:
            bodies = []
            for _ in range(2):
                size = 0
                while (line := answer.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length"):
                        size = int(line.split(b":")[1])
                bodies.append(json.loads(answer.read(size)))
    assert bodies == [["/a", [], "hello"], ["/b", [], "again"]]


def test_faults_of_the_hostile_server():
    """What is scripted for a hostile server happens to this one too."""
    with LivelyServer(echo) as server:
        server.script(half_body)
        with pytest.raises(httpx.RemoteProtocolError):
            fetch(server)
        assert fetch(server).status_code == 200


def test_killed_and_revived():
    """Killed, it refuses connections and cuts those that are open; revived, it is there at the same address; both twice."""
    with LivelyServer(echo) as server, httpx.Client() as client:
        origin = server.origin
        for _ in range(2):
            assert client.get(origin).status_code == 200
            server.kill()
            server.kill()
            assert not server.alive
            with pytest.raises(httpx.TransportError):
                client.get(origin)
            with pytest.raises(httpx.ConnectError):
                fetch(server)
            server.revive()
            server.revive()
            assert server.origin == origin
        server.kill()
    with pytest.raises(httpx.ConnectError):
        fetch(server)


def test_it_forgets_old_requests():
    """Of very many requests the newest are kept, and all are counted."""
    server = LivelyServer(echo)
    asked = Asked("GET", "/", parameters(""), {}, b"")
    for _ in range(REMEMBERED + 1):
        server.reply(asked)
    server.close()
    assert server.requests == REMEMBERED + 1
    assert len(server.asked) == REMEMBERED // 2 + 1


# -- lies ---------------------------------------------------------------------------------------------------------


@contextmanager
def made(kind):
    """A fake, and what asks it for a list of courses."""
    world = World(3, courses=12, learners=20, clock=lambda: NOW)
    fake = FakeMoodle(world) if kind == "moodle" else FakeCanvas(world)
    with fake, httpx.Client(timeout=20) as client:

        def ask():
            if isinstance(fake, FakeMoodle):
                given = {"wstoken": fake.token, "wsfunction": "core_course_get_courses", "moodlewsrestformat": "json"}
                return client.post(fake.url + SERVER, data=given)
            headers = {"Authorization": f"Bearer {fake.token}"}
            return client.get(fake.url + "/api/v1/accounts/1/courses?per_page=5", headers=headers)

        yield fake, ask


@pytest.mark.parametrize("kind", ["moodle", "canvas"])
def test_moods(kind):
    """By turns it is killed, throttles and lies, and is well in between; made well, it tells what it told before."""
    with made(kind) as (fake, ask):
        unruly = Unruly(fake, seed=4, often=1.0)
        right = ask().json()
        moods = [unruly.turn() for _ in range(12)]
        assert [mood.partition(":")[0] for mood in moods] == [
            "killed",
            "well",
            "throttled",
            "well",
            "lying",
            "well",
        ] * 2
        unruly.kill()
        with pytest.raises(httpx.TransportError):
            ask()
        unruly.throttle()
        assert ask().status_code == 429
        unruly.well()
        assert ask().json() == right
        assert unruly.told["killed"] == 3
        assert unruly.told["throttled"] == 1


@pytest.mark.parametrize("kind", ["moodle", "canvas"])
def test_lies(kind):
    """Every lie is one: half a list or none as if that were all, an error or a web page with status 200, half an answer."""
    with made(kind) as (fake, ask):
        unruly = Unruly(fake, often=1.0)
        right = ask().json()
        unruly.lie("half_list")
        half = ask()
        assert half.json() == right[: len(right) // 2]
        assert "link" not in half.headers
        unruly.lie("empty_list")
        assert ask().json() == []
        unruly.lie("error_in_200")
        assert {"errorcode", "errors"} & set(ask().json())
        unruly.lie("login_page")
        assert (ask().status_code, ask().text[:15]) == (200, "<!DOCTYPE html>")
        unruly.lie("half_json")
        with pytest.raises(json.JSONDecodeError):
            ask().json()
        unruly.lie("half_body")
        with pytest.raises(httpx.TransportError):
            ask()


def test_lies_are_chosen_by_seed():
    """The same seed tells the same lies to the same requests; only those that were chosen are told."""

    def lies(seed, **given):
        with made("canvas") as (fake, _):
            unruly = Unruly(fake, seed, **given)
            return [unruly.lie() for _ in range(20)]

    assert lies(1) == lies(1) != lies(2)
    assert set(lies(1)) <= set(LIES)
    assert set(lies(1, lies=("half_list", "login_page"))) == {"half_list", "login_page"}


def test_some_requests_pass():
    """Only a part of the requests is lied to, so that a reader who tries again gets on."""
    with made("canvas") as (fake, ask):
        unruly = Unruly(fake, seed=3, often=0.5)
        unruly.throttle()
        statuses = [ask().status_code for _ in range(40)]
        assert set(statuses) == {200, 429}
        assert unruly.told["throttled"] == statuses.count(429)


def test_half_of_an_inner_list():
    """Where a list stands within an answer, that one is halved."""
    world = World(3, courses=3, learners=30, clock=lambda: NOW)
    with FakeMoodle(world) as fake:
        Unruly(fake, often=1.0).lie("half_list")
        given = {"wstoken": fake.token, "wsfunction": "core_user_get_users", "moodlewsrestformat": "json",
                 "criteria[0][key]": "email", "criteria[0][value]": "%"}  # fmt: skip
        found = httpx.post(fake.url + SERVER, data=given).json()
    assert len(found["users"]) == (len(world.learners) + len(world.teachers)) // 2


def test_turns_in_a_thread():
    """It takes turns by itself until it is stopped; then it is well."""
    with made("moodle") as (fake, ask):
        unruly = Unruly(fake)
        unruly.run(0.01)
        deadline = time.monotonic() + 30
        while unruly.told["killed"] < 3:
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)
        unruly.stop()
        assert (unruly.mood, fake.server.alive, ask().status_code) == ("well", True, 200)


# -- processes ----------------------------------------------------------------------------------------------------


@contextmanager
def process(kind, *options):
    command = [sys.executable, "-m", f"connectors.testing.{kind}", "--learners", "20", "--courses", "5", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def told(running, line):
    running.stdin.write(line + "\n")
    running.stdin.flush()
    return running.stdout.readline().strip()


def test_process(tmp_path):
    """It tells its address, does what a line tells it, writes its truth, and ends when the pipe of its parent closes."""
    with process("canvas", "--seed", "9") as (running, url):
        headers = {"Authorization": "Bearer canvas-secret-token"}
        assert httpx.get(url + "/api/v1/users/self", headers=headers).status_code == 200
        assert told(running, "step 5") == "step 5"
        assert told(running, "kill") == "kill"
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
        assert told(running, "well") == "well"
        assert told(running, "lie login_page") == "lie login_page"
        assert told(running, "turn") == "turn killed"
        assert told(running, "dance") == "what?"
        assert told(running, "requests") == "requests 1"
        lines = int(told(running, f"truth {tmp_path / 'truth'}").removeprefix("truth "))
        rows = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
        assert len(rows) == lines >= 80
        assert {"user_id", "course_id", "state", "lessons"} <= set(rows[0])
        running.stdin.close()
        assert running.wait(30) == 0


def test_process_of_people(tmp_path):
    """Its learners may be the employees of a directory file; it ends at SIGTERM."""
    file = tmp_path / "directory.csv"
    file.write_text(
        "record,employee_number,given_name,family_name,email,login_name,status\n"
        "department,,,,,,\n"
        "employee,BW1,Ulma,Linden,ul@brightwater.example,ulinden,Active\n"
        "employee,BW2,Orva,Mulders,,omulders,Active\n"
        "employee,BW3,Falk,Nettel,fn@brightwater.example,fnettel,Terminated\n"
    )
    with process("moodle", "--people", str(file), "--per-second", "50") as (running, url):
        given = {"wstoken": "moodle-secret-token", "wsfunction": "core_user_get_users_by_field", "moodlewsrestformat": "json",
                 "field": "id", "values[0]": "1001", "values[1]": "1002"}  # fmt: skip
        found = httpx.post(url + SERVER, data=given).json()
        assert found[0]["idnumber"] == "BW1"
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
