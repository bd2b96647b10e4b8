"""``python -m hub.cli.reference`` prints ``docs/commands.md``: every command as its own help tells it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

HEAD = """\
# Commands

Made from the commands themselves by `python -m hub.cli.reference > docs/commands.md`.

Exit status: 0 done, also where records were rejected and the accounting adds up; 1 refused or failed, with one line on
stderr; 2 wrong usage. `--json` prints JSON wherever a table is shown. Every command also has `--help`.
"""


def text() -> str:
    """The page."""
    from hub.cli.app import app

    root = typer.main.get_command(app)
    with typer.Context(root, info_name="hub") as context:
        return HEAD + "".join(part for name in _names(root, context) for part in _command(root, context, name))


def _command(parent: Any, above: Any, name: str) -> Iterator[str]:
    command = parent.get_command(above, name)
    with typer.Context(command, info_name=name, parent=above) as context:
        names = _names(command, context)
        level = "##" if above.parent is None else "###"
        yield f"\n{level} {context.command_path}\n\n{_paragraphs(command.help)}\n"
        if not names:
            usage = " ".join(command.collect_usage_pieces(context))
            yield f"\n```\n{context.command_path} {usage}\n```\n"
            yield from _parameters(command, context)
            yield from _examples(command.epilog)
        for below in names:
            yield from _command(command, context, below)


def _parameters(command: Any, context: Any) -> Iterator[str]:
    rows = [
        row
        for parameter in command.get_params(context)
        if (row := parameter.get_help_record(context)) is not None and row[0] != "--help"
    ]
    if rows:
        yield "\n| | |\n| --- | --- |\n"
        yield from (f"| `{_escaped(name)}` | {_escaped(text)} |\n" for name, text in rows)


def _examples(epilog: str | None) -> Iterator[str]:
    if epilog:
        lines = [line.removeprefix("  ") for line in epilog.splitlines()[2:]]
        yield "\n```sh\n" + "\n".join(lines) + "\n```\n"


def _names(command: Any, context: Any) -> list[str]:
    return command.list_commands(context) if hasattr(command, "list_commands") else []


def _paragraphs(help_text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (help_text or "").split("\n\n"))


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(text())
