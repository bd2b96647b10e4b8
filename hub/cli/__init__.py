"""The command ``hub``. What is costly to import is imported by the command that needs it, so that help is quick."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line; ends the process with status 0 (done), 1 (refused or failed) or 2 (wrong usage)."""
    from hub.cli.app import app

    app(prog_name="hub")
