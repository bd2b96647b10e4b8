"""What all groups of commands share: how they are made, how examples stand in their help, how errors end.

Promise: whatever goes wrong ends as one plain line on stderr and status 1, without a traceback. What nobody foresaw is
written to ``hub.log`` in ``HUB_HOME``, and the line says so.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from hub.errors import HubError

LOG_NAME = "hub.log"


class Root(TyperGroup):
    """The root of all commands: lists them in the order of use, and ends every error in the same way."""

    order: tuple[str, ...] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order in which people need them; one that was forgotten stands at the end."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: self.order.index(name) if name in self.order else len(self.order))

    def invoke(self, ctx: Any) -> Any:
        """Run a command; errors end it with status 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _end("Interrupted; what was done so far stays, and the command may be given again.")
        except HubError as problem:
            _end(one_line(str(problem)) or type(problem).__name__)
        except BrokenPipeError:
            # Whoever read our output has enough; Python would complain once more when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except (typer.Exit, typer.Abort, typer.TyperUsageError if hasattr(typer, "TyperUsageError") else typer.Exit):
            raise
        except Exception as problem:
            _end(_unforeseen(problem))
