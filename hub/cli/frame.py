"""What all groups of commands share: how they are made, how examples stand in their help, how errors end.

Promise: whatever goes wrong ends as one plain line on stderr and status 1, without a traceback. What nobody foresaw is
written to ``hub.log`` in ``HUB_HOME``, and the line says so.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from hub.cli.logfile import log_file
from hub.errors import HubError

ORDER = (
    "demo", "serve", "worker", "doctor", "companies", "integrations", "directory", "accounts", "enrollments",
    "sync", "import",
    "status", "figures", "asof", "transcript", "sql", "db", "log", "projections", "deadletters", "audit", "schemas",
)  # fmt: skip
"""The commands as people meet them: run, configure, take in, look, care."""


class Root(TyperGroup):
    """The root of all commands: lists them in the order of use, and ends every error in the same way."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of use."""
        return sorted(super().list_commands(ctx), key=ORDER.index)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error ends it with status 1."""
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort):
            raise
        except BrokenPipeError:
            # Whoever read our output has enough; Python would complain once more when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            fail("Interrupted: what was done stays, and the command may be given again.")
        except HubError as problem:
            fail(str(problem) or type(problem).__name__)
        except Exception as problem:
            fail(of_database(problem) or _unforeseen(problem))


def new_group(text: str) -> typer.Typer:
    """A group of commands; ``text`` says what it is for."""
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def example(*lines: str) -> str:
    """Examples for the end of a command's help."""
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def fail(text: str) -> NoReturn:
    """End with status 1 and one line on stderr."""
    typer.echo("hub: " + " ".join(text.split()), err=True)
    raise typer.Exit(1)


def note(text: str) -> None:
    """One line on stderr, beside the output proper."""
    typer.echo(text, err=True)


def of_database(problem: Exception) -> str | None:
    """What the database had to say, in one sentence without values or addresses; None for another error."""
    psycopg = sys.modules.get("psycopg")
    told = getattr(problem, "orig", problem)  # SQLAlchemy wraps the driver's errors
    if psycopg is None or not isinstance(told, psycopg.Error):
        return None
    if told.diag.message_primary is not None:
        return f"The database refused: {told.diag.message_primary}"
    if isinstance(told, psycopg.OperationalError):
        return f"The database cannot be reached: {str(told).strip().splitlines()[0]}"
    # The driver repeats an address that it cannot read, with the password in it.
    return "HUB_DATABASE_URL: is no address of PostgreSQL; expected postgresql://user@host/database"


def _unforeseen(problem: Exception) -> str:
    from hub.logging import logger

    logger("hub.cli").exception("the command failed")
    return f"An error that the hub did not foresee ({type(problem).__name__}); its details are in {log_file()}."
