"""What a connector's page tells, declared beside the connector: what to set, which columns it fills, what it cannot give.

The page of the documentation, the findings of ``hub integrations test`` and the tests come from the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.contract import Setting


@dataclass(frozen=True, slots=True)
class Permission:
    """One right that the credential needs in the LMS."""

    name: str
    """The LMS's own word for it: a web service function, a scope, a capability."""
    remedy: str
    """The setting in the LMS that grants it."""
    columns: tuple[str, ...]
    """``table.column`` of the hub that stay empty without it."""
    required: bool = True
    """Without it nothing can be taken in."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One column of the hub and where its value comes from."""

    column: str
    """``table.column``"""
    source: str
    """The source's field, as its documentation spells it."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """All that the page of one connector tells."""

    title: str
    promise: str
    """One paragraph: what is read, and how."""
    steps: tuple[str, ...]
    """What to set in the LMS, then in the hub, in order."""
    permissions: tuple[Permission, ...]
    fills: tuple[Fill, ...]
    lacks: tuple[tuple[str, str], ...]
    """``table.column`` → why this LMS cannot give it."""
    notes: tuple[str, ...] = ()


def page(guide: Guide, settings: Sequence[Setting]) -> str:
    """The page in Markdown."""
    parts = [
        f"# {guide.title}",
        guide.promise,
        "## Setting it up",
        "\n".join(f"{number}. {step}" for number, step in enumerate(guide.steps, 1)),
        "## Rights of the credential",
        "`hub integrations test` tries each and names what is missing.",
        _table(
            ("Right", "Granted by", "Columns that stay empty without it"),
            [
                (f"`{right.name}`" + (" (required)" if right.required else ""), right.remedy, _columns(right.columns))
                for right in guide.permissions
            ],
        ),
        "## Settings of the connector",
        _table(
            ("Setting", "Default", "What it does"),
            [(f"`{one.name}`", _shown(one), " ".join(filter(None, (one.title + ".", one.help)))) for one in settings],
        ),
        "## Where each column comes from",
        _table(("Column", "Source", "Note"), [(f"`{one.column}`", one.source, one.note) for one in guide.fills]),
        "## What this LMS cannot give",
        _table(("Column", "Why it stays empty"), [(f"`{column}`", why) for column, why in guide.lacks]),
    ]
    if guide.notes:
        parts += ["## Good to know", "\n".join(f"- {note}" for note in guide.notes)]
    return "\n\n".join(parts) + "\n"


def _columns(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns) or "none"


def _shown(setting: Setting) -> str:
    if setting.secret:
        return "secret"
    return "none" if setting.default is None else f"`{setting.default}`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows])
