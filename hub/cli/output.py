"""What commands print: tables for people, JSON and CSV for programs, a progress line on a terminal.

Whatever comes from outside is shown without control characters, so a name in an LMS cannot write to a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

UNLIMITED = 100_000
"""Columns of a table that is not shown on a terminal: nothing is cut or wrapped there."""

ROOM = 14
"""So wide each column that may be folded stays, where others keep their words whole on a narrow terminal."""
GAP = 3
"""Between two columns."""

ID = 8
"""So many first characters of an id stand in a table; JSON has all, and commands take the beginning."""

Row = Mapping[str, Any]


def show(rows: Sequence[Row], columns: Mapping[str, str], *, as_json: bool, empty: str, title: str = "") -> None:
    """Print rows as a table, or all they hold as a JSON list. ``columns``: key → heading; ``empty``: said if there is none."""
    if as_json:
        print_json([dict(row) for row in rows])
    elif rows:
        print_table(rows, columns, title=title)
    else:
        typer.echo(empty)


def print_table(rows: Iterable[Row], columns: Mapping[str, str], *, title: str = "") -> None:
    """Print rows as a table."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    listed = list(rows)
    whole = _whole({key: max([len(text), *(len(plain(row[key])) for row in listed)]) for key, text in columns.items()})
    for key, heading in columns.items():
        numeric = all(isinstance(row[key], int | float | Decimal | None) for row in listed)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold", no_wrap=key in whole)
    for row in listed:
        table.add_row(*(Text(plain(row[key])) for key in columns))
    _print(table)


def _whole(widths: Mapping[str, int]) -> set[str]:
    """Columns whose words need no folding on this terminal: the narrowest, as long as the others have room."""
    left = Console().width - GAP * len(widths) - ROOM * len(widths)
    found: set[str] = set()
    for key, width in sorted(widths.items(), key=lambda pair: pair[1]):
        left -= width - ROOM
        if left < 0:
            break
        found.add(key)
    return found


def print_facts(facts: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Print one thing: its names and values."""
    if as_json:
        print_json(dict(facts))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(Text(name, style="bold"), Text(plain(value)))
    _print(table)


def print_json(value: Any, *, lines: bool = False) -> None:
    """Print a value as JSON. ``lines``: in one line, for a stream of many."""
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | (0 if lines else orjson.OPT_INDENT_2)
    sys.stdout.write(orjson.dumps(value, default=_natural, option=options).decode())
    sys.stdout.flush()


def plain(value: Any) -> str:
    """A value as a person reads it: moments in UTC, nothing for NULL, no control characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, date | Decimal | int | float):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    text = (
        value
        if isinstance(value, str)
        else orjson.dumps(value, default=_natural).decode()
        if isinstance(value, dict | list)
        else str(value)
    )
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


@contextmanager
def counting(text: str) -> Iterator[Callable[[int], None]]:
    """A line that counts on the terminal while something takes long; the function takes how many there are so far."""
    with _progress(
        SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn()
    ) as bar:
        task = bar.add_task(text, total=None)
        yield lambda count: bar.update(task, completed=count)


class _Rate(TextColumn):
    """So many a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


@contextmanager
def measuring() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on the terminal with rate and time left, one for each thing; the function takes its name, how many are done
    and how many there are."""
    with _progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn()
    ) as bars:
        tasks: dict[str, Any] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield tell


def _progress(*columns: Any) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _print(table: Table) -> None:
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    wide = Console(highlight=False, width=UNLIMITED)
    with wide.capture() as capture:
        wide.print(table)
    sys.stdout.write("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))


def _natural(value: Any) -> Any:
    """What JSON has no form for: decimals are numbers, bytes are hexadecimal, the rest is text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)
