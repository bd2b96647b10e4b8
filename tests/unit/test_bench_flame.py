"""The flame graph of the docs: frames of the hub one below the other, small ones and other people's left out."""

from __future__ import annotations

from tests.bench.flame import svg, tree

STACKS = [
    "thread (1): fold;Thread.run (threading.py:9);Runner._run (hub/runners.py:94);Folder.fold (projections/engine/folder.py:90) 60",
    "thread (1): fold;Thread.run (threading.py:9);Runner._run (hub/runners.py:99);Folder.fold (projections/engine/folder.py:91) 30",
    "thread (2): decide;Runner._run (hub/runners.py:94);decide (hub/deciding/<batch>.py:3) 10",
    "thread (2): decide;Runner._run (hub/runners.py:94);rare (hub/rare.py:3) 0",
]


def test_lines_of_one_function_are_one_frame() -> None:
    """Samples add up along the way; a function is one frame whatever line it was at."""
    root = tree(STACKS)
    assert (root.count, list(root.inner)) == (100, ["Runner._run (hub/runners.py)"])
    runner = root.inner["Runner._run (hub/runners.py)"]
    assert {name: frame.count for name, frame in runner.inner.items()} == {
        "Folder.fold (projections/engine/folder.py)": 90,
        "decide (hub/deciding/<batch>.py)": 10,
        "rare (hub/rare.py)": 0,
    }


def test_the_picture_shows_what_takes_time() -> None:
    """Widths are shares of the whole; what takes less than a hundredth is not drawn, and names are escaped."""
    picture = svg(tree(STACKS))
    assert 'width="1080.0"' in picture
    assert "decide (hub/deciding/&lt;batch&gt;.py) 10.0%" in picture
    assert "rare" not in picture
    assert "threading" not in picture
