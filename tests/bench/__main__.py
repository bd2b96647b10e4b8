"""All benches beside their limits: ``python -m tests.bench`` writes ``bench.json`` and prints a table.

Every bench works on a copy of one prepared database. What is printed before the table says what stands behind a figure.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from hub.logging import configure
from tests.bench import (
    bench_asof,
    bench_audit,
    bench_canvas,
    bench_codec,
    bench_command,
    bench_dashboard,
    bench_decide,
    bench_end_to_end,
    bench_fold,
    bench_import,
    bench_kafka,
    bench_latency,
    bench_memory,
    bench_moodle,
    bench_rebuild,
    bench_schedule,
    harness,
)

NAMES = (
    "codec", "decide", "fold", "end-to-end", "latency", "command", "memory", "import", "moodle", "canvas", "schedule", "dashboard",
    "asof", "audit", "rebuild", "kafka",
)  # fmt: skip


def options(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What is measured, and on how much."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, default=NAMES, metavar="BENCH", help=f"some of {', '.join(NAMES)}"
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=20_000,
        help="enrollments that the tables hold before (300000: as in a large company)",
    )
    parser.add_argument("--observations", type=int, default=8_000, help="observations of one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--memory-events", type=int, default=100_000, help="events of the memory bench (1000000: the full length)"
    )
    parser.add_argument(
        "--import-rows", type=int, default=10_000, help="rows of the CSV file (100000: the full length)"
    )
    parser.add_argument(
        "--source-records",
        type=int,
        default=30_000,
        help="records of the fake Moodle and Canvas (1000000: the full length)",
    )
    parser.add_argument(
        "--dashboard-enrollments", type=int, default=200_000, help="enrollments that dashboards tell of"
    )
    parser.add_argument(
        "--history-rows", type=int, default=10_000_000, help="versions that as-of questions are asked of"
    )
    parser.add_argument(
        "--rebuild-events", type=int, default=100_000, help="learning events of the rebuild (1000000: the full length)"
    )
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    return parser.parse_args(given)


def measure(chosen: argparse.Namespace) -> Iterator[harness.Figure]:
    """All figures, one bench after the other."""
    if "codec" in chosen.only:
        yield from bench_codec.figures()
    if "rebuild" in chosen.only:
        yield from bench_rebuild.figures(chosen.rebuild_events)
    if set(chosen.only) <= {"codec", "rebuild"}:
        return  # these want no prepared database
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as home, harness.Bed.open(Path(home), chosen.rows) as bed:
        yield from _on_postgresql(bed, chosen)
        if "moodle" in chosen.only:
            yield from bench_moodle.figures(bed, chosen.source_records)
        if "canvas" in chosen.only:
            yield from bench_canvas.figures(bed, chosen.source_records)
        if "schedule" in chosen.only:
            yield from bench_schedule.figures(bed.databases.create(), Path(home) / "schedule")
        if "dashboard" in chosen.only:
            yield from bench_dashboard.figures(bed, enrollments=chosen.dashboard_enrollments)
        if "asof" in chosen.only:
            yield from bench_asof.figures(bed, chosen.history_rows)
        if "audit" in chosen.only:
            yield from bench_audit.figures(bed)
        if "kafka" in chosen.only:
            yield from bench_kafka.run(bed, chosen.observations)


def _on_postgresql(bed: harness.Bed, chosen: argparse.Namespace) -> Iterator[harness.Figure]:
    limit = None
    if "decide" in chosen.only:
        yield from bench_decide.run(bed, chosen.observations, chosen.rounds)
    if "fold" in chosen.only:
        for figure in bench_fold.run(bed, chosen.observations, chosen.rounds):
            limit = limit or figure["limit"]
            yield figure
    if "end-to-end" in chosen.only:
        yield from bench_end_to_end.run(bed, chosen.observations, chosen.rounds, limit)
    if "latency" in chosen.only:
        yield from bench_latency.run(bed, chosen.observations // 2)
    if "command" in chosen.only:
        yield from bench_command.run(bed)
    if "memory" in chosen.only:
        yield from bench_memory.run(bed, chosen.memory_events)
    if "import" in chosen.only:
        yield from bench_import.run(bed, chosen.import_rows)


def table(figures: Sequence[harness.Figure]) -> Table:
    """The figures for people."""
    shown = Table("bench", "unit", "limit")
    for name in ("value", "of", "ratio"):
        shown.add_column(name, justify="right")
    for one in figures:
        limit, ratio = one["limit"], one["ratio"]
        shown.add_row(
            one["bench"], one["unit"], one["limit_name"], f"{one['value']:g}",
            "" if limit is None else f"{limit:g}", "" if ratio is None else f"{ratio:.2f}",
        )  # fmt: skip
    return shown


def main() -> None:
    """Measure, write, print."""
    configure("warning")
    chosen = options()
    found = []
    for one in measure(chosen):
        found.append(one)
        harness.note(f"{one['bench']}: {one['value']:g} {one['unit']}")
    chosen.output.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    Console(width=140).print(table(found))


if __name__ == "__main__":
    main()
