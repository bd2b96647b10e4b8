"""The README names only what exists: its commands, their options, and the pages that it leads to."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from hub.cli.app import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SPOKEN = re.compile(r"`(?:HUB_\w+=\S+ )?(hub [a-z][^`]*)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def in_blocks(text: str) -> list[str]:
    """The ``hub`` commands of the console blocks, continued lines joined, comments left out."""
    blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ hub ")]


def misread(line: str) -> str | None:
    """What the command line would say against a command with all that it is given; None where it parses."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"there is no command {name}"
        command = command.commands[name]
    if hasattr(command, "commands"):
        return "a command is missing"
    try:
        command.make_context("hub", [_existing(word) for word in words])
    except typer.TyperException as problem:
        return problem.format_message()
    return None


def unknown(line: str) -> str | None:
    """As :func:`misread`, of a command in a sentence: its arguments may be left out."""
    told = misread(line)
    return None if told is not None and told.startswith("Missing") else told


def _existing(word: str) -> str:
    """A file that the reader has stands for one that is here."""
    return str(ROOT / "README.md") if word.endswith(".csv") else word


def links() -> Iterator[str]:
    yield from LINK.findall(README)


@pytest.mark.parametrize("line", in_blocks(README))
def test_each_command_of_a_block_parses(line: str) -> None:
    """Whoever copies a line is not told of wrong usage: group, command, arguments and options are as printed."""
    assert misread(line) is None


@pytest.mark.parametrize("line", SPOKEN.findall(README))
def test_each_command_in_a_sentence_exists(line: str) -> None:
    """A command that is only named exists too."""
    assert unknown(line) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("hub frobnicate", "frobnicate"),
        ("hub accounts forget x", "forget"),
        ("hub accounts", "missing"),
        ("hub sync lrs --faster", "--faster"),
        ("hub accounts link one", "Missing"),
        ('hub integrations add x --name X --type "No Such LMS" --method xAPI', "No Such LMS"),
    ],
)
def test_a_command_that_does_not_exist_would_be_found(line: str, says: str) -> None:
    """The guard itself sees a wrong command, option, argument and value."""
    assert says in (misread(line) or "")


@pytest.mark.parametrize("target", sorted(set(links())))
def test_each_link_leads_to_a_file(target: str) -> None:
    """No page of the README has moved."""
    assert (ROOT / target).exists()


def test_the_index_names_every_decision() -> None:
    """Whoever adds a decision adds its line."""
    folder = ROOT / "docs" / "decisions"
    assert set(LINK.findall((folder / "README.md").read_text(encoding="utf-8"))) == {
        path.name for path in folder.glob("0*.md")
    }
