"""Running a fake as a process of its own: one line tells its address, lines on stdin command it, and it ends with its parent."""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from connectors.testing.living import LivingFake
from connectors.testing.unruly import LIES, Unruly
from connectors.testing.world import World
from connectors.testing.world_parts import Person

Make = Callable[[World, int, float], LivingFake]


def main(name: str, make: Make) -> None:
    """Serve till SIGTERM or till stdin ends, where it is a pipe.

    Commands, one a line, each answered by one line: ``kill``, ``throttle``, ``lie [kind]``, ``well``, ``turn``,
    ``step N``, ``run PER_SECOND``, ``stop``, ``expire`` (tokens), ``requests``, ``truth FILE`` (writes one JSON object a line).
    """
    given = _arguments(name).parse_args()
    people = read_people(Path(given.people)) if given.people else None
    world = World(
        given.seed, courses=given.courses, learners=given.learners, enrollments=given.enrollments, people=people
    )
    signal.signal(signal.SIGTERM, _ended)
    with make(world, given.port, given.latency) as fake:
        unruly = Unruly(fake, given.seed)
        print(fake.url, flush=True)  # noqa: T201  what the parent waits for
        if given.per_second:
            world.run(given.per_second)
        if given.unruly:
            unruly.run(given.unruly)
        for line in sys.stdin:
            print(_command(fake, unruly, line.split()), flush=True)  # noqa: T201  the answer to a command
        if not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            signal.pause()


def read_people(path: Path) -> list[Person]:
    """People of a directory file in CSV: its employees who work and have an address."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Person(row["employee_number"], row["given_name"], row["family_name"], row["email"], row["login_name"])
            for row in csv.DictReader(file)
            if row.get("record", "employee") == "employee" and row.get("status", "Active") == "Active" and row["email"]
        ]


def _arguments(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m connectors.testing.{name}", description=f"A fake {name.capitalize()}."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--learners", type=int, default=500)
    parser.add_argument("--courses", type=int, default=40)
    parser.add_argument("--enrollments", type=int, default=None, help="default: four for each learner")
    parser.add_argument("--people", default="", help="a directory file in CSV whose employees are the learners")
    parser.add_argument("--per-second", type=float, default=0.0, help="how much happens; 0 lets it stand still")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each answer takes")
    parser.add_argument(
        "--unruly", type=float, default=0.0, help="seconds after which it misbehaves in another way; 0: never"
    )
    return parser


def _command(fake: LivingFake, unruly: Unruly, words: list[str]) -> str:
    """Do what a line says; what was done, or why not."""
    world = fake.world
    plain: dict[str, Callable[[], Any]] = {
        "kill": unruly.kill, "throttle": unruly.throttle, "well": unruly.well, "turn": unruly.turn, "stop": world.stop,
        "requests": lambda: fake.server.requests, "lie": unruly.lie, "expire": fake.expire_tokens,
    }  # fmt: skip
    match words:
        case [word] if word in plain:
            return f"{word} {done}" if (done := plain[word]()) is not None else word
        case ["lie", kind] if kind in LIES:
            return f"lie {unruly.lie(kind)}"
        case ["step", number] if number.isdecimal():
            return f"step {len(world.step(int(number)))}"
        case ["run", number]:
            world.run(float(number))
            return f"run {number}"
        case ["truth", path]:
            return f"truth {_write(fake, Path(path))}"
    return "what?"


def _write(fake: LivingFake, path: Path) -> int:
    """Write the truth; returns the number of its lines."""
    rows = [asdict(row) for row in fake.truth()]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return len(rows)


def _ended(number: int, frame: Any) -> NoReturn:  # noqa: ARG001
    raise SystemExit(0)
