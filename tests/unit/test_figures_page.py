"""``docs/figures.md`` is what the definitions say."""

from __future__ import annotations

from pathlib import Path

from projections.figures import page
from projections.figures.definitions import FIGURES, REASONS

PAGE = Path(__file__).parents[2] / "docs" / "figures.md"


def test_the_committed_page_is_current() -> None:
    """After a change of a definition: ``python -m projections.figures.page > docs/figures.md``."""
    assert PAGE.read_text(encoding="utf-8") == page.render()


def test_every_figure_and_reason_is_on_it() -> None:
    """Nothing that is computed is without its line."""
    text = page.render()
    for figure in FIGURES:
        assert f"| `{figure.column}`" in text
    assert all(f"| `{code}` |" in text for code in REASONS)
