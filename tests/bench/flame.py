"""A flame graph small enough for a page, from collapsed stacks: ``python -m tests.bench.flame STACKS OUT.svg``.

``py-spy record -p PID -f raw -t -r 100 -o STACKS`` takes the stacks of a running lane. Frames are functions; what takes less
than a hundredth, and threads that wait for others, are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

WIDTH, ROW, CHARACTER = 1200, 17, 6.4
LEAST = 0.01
"""Share of all samples below which a frame is not drawn."""
COLOURS = {
    "hub/deciding": "#f4a261",
    "hub/domain": "#f6bd60",
    "projections": "#84a59d",
    "hub/log": "#90b8e0",
    "psycopg": "#c8b6ff",
}
OTHER = "#dddddd"


@dataclass
class Frame:
    """A function in its place, with the samples in it and below."""

    name: str
    count: int = 0
    inner: dict[str, Frame] = field(default_factory=dict)


def tree(lines: list[str]) -> Frame:
    """The stacks as a tree: ``thread;outer (file:line);inner (file:line) count`` a line."""
    root = Frame("all")
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frame = root
        frame.count += int(count)
        for text in (_function(one) for one in stack.split(";") if _is_ours(one)):
            if text == frame.name:
                continue
            frame = frame.inner.setdefault(text, Frame(text))
            frame.count += int(count)
    return root


def _is_ours(text: str) -> bool:
    return any(f"({part}" in text for part in ("hub/", "projections/", "psycopg")) and "<module>" not in text


def _function(text: str) -> str:
    name, _, where = text.partition(" (")
    return f"{name} ({where.rpartition(':')[0]})"


def drawn(frame: Frame, whole: int, left: float = 0.0, depth: int = 0) -> Iterator[tuple[float, int, float, Frame]]:
    """Where each frame is drawn: left edge and width as shares of the whole, and its depth."""
    yield left, depth, frame.count / whole, frame
    for inner in sorted(frame.inner.values(), key=lambda one: -one.count):
        if inner.count / whole >= LEAST:
            yield from drawn(inner, whole, left, depth + 1)
        left += inner.count / whole


def svg(root: Frame) -> str:
    """The picture."""
    boxes = list(drawn(root, root.count))
    height = (max(depth for _, depth, _, _ in boxes) + 1) * ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for left, depth, width, frame in boxes:
        x, y, wide = left * WIDTH, depth * ROW, width * WIDTH
        colour = next((shade for part, shade in COLOURS.items() if part in frame.name), OTHER)
        told = f"{frame.name} {width:.1%}"
        shown = told if len(told) * CHARACTER < wide else frame.name.partition(" (")[0][: int(wide / CHARACTER)]
        lines.append(
            f'<g><title>{escape(told)}</title><rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 1}" fill="{colour}" '
            f'stroke="white"/><text x="{x + 2:.1f}" y="{y + 12}">{escape(shown)}</text></g>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(svg(tree(Path(sys.argv[1]).read_text().splitlines())))
