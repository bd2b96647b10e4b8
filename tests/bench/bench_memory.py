"""Memory of a process that decides and folds, over many events: it must not grow with their number.

The process is a child that gives itself observations (``python -m tests.bench.bench_memory HOME URL EVENTS``), so that nothing of the other
benches is counted. Caches fill and are emptied, so peaks are compared: that of the second half with that of the first.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil

from hub.bootstrap import open_hub
from tests.bench import harness
from tests.bench.generate import Generator

CHUNK = 2_000
MIB = 2**20


def work(home: Path, url: str, events: int) -> None:
    """Decide and fold until there are so many events; prints [events, MiB] after every chunk."""
    with open_hub(harness.settings_of(home, url)) as hub:
        generator = Generator(harness.observer(hub), 1)
        while (done := _events(hub.watch.folded(["lms.learning"]))) < events:
            harness.publish(hub, generator.take(CHUNK))
            print(orjson.dumps([done, psutil.Process().memory_info().rss / MIB]).decode(), flush=True)


def _events(folded: dict[tuple[str, int], int]) -> int:
    return sum(folded.values())


def run(bed: harness.Bed, events: int) -> Iterator[harness.Figure]:
    """The figures."""
    with bed.copy() as url:
        meter = bed.meter()
        with meter.running():
            told = child("tests.bench.bench_memory", str(bed.home), url, str(events))
    points = [(int(done), float(size)) for done, size in (orjson.loads(line) for line in told)]
    half = max(size for done, size in points if done < events / 2)
    last = max(size for _, size in points)
    harness.note(f"{events} events in {meter.spent.wall:.0f} s; {harness.trust([meter.spent])}")
    yield harness.figure(f"memory over {events} events, peak", last, "MiB")
    yield harness.figure("growth of the peak over the second half", last - half, "MiB")


def child(module: str, *arguments: str) -> list[bytes]:
    """The lines that a module of the benches prints as a process of its own."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, check=True)
    return [line for line in done.stdout.splitlines() if line.startswith(b"[")]


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
