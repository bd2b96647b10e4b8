"""``hub demo``, ``hub serve`` and ``hub worker``: what runs until it is told to stop."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from hub.cli.context import settings
from hub.cli.frame import example
from hub.stop import Stop

HOST, PORT = "127.0.0.1", 8000


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command("demo", short_help="Show a hub with sample data.", epilog=example("hub demo"))(demo)
    app.command(
        "serve",
        short_help="Run the hub as a server.",
        epilog=example("hub serve", "hub serve --host 0.0.0.0 --port 8080"),
    )(serve)
    app.command(
        "worker",
        short_help="Fold and decide on a Kafka log.",
        epilog=example("HUB_KAFKA_BOOTSTRAP_SERVERS=localhost:9092 hub worker"),
    )(worker)


def demo() -> None:
    """Start everything with sample data, show what came in and what became of it, and say how to look further."""
    from rich.console import Console

    from hub.demo.main import run

    run(settings(), Console(highlight=False))


def serve(
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Port to listen on; 0 takes a free one.")
    ] = PORT,
) -> None:
    """Run the hub: fold, decide, link people, and answer GET /health, until SIGTERM or Ctrl-C.

    On Kafka `hub worker` folds and decides instead.
    """
    stop = Stop()
    stop.on(signal.SIGTERM, signal.SIGINT)
    chosen = settings(serving=True)
    from hub.serve import serve as run

    run(chosen, host, port, stop, lambda address: typer.echo(f"The hub serves {address}; Ctrl-C ends it."))


def worker(
    slot: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name that stays the same over restarts; else the first free number."),
    ] = None,
    health_port: Annotated[
        int | None, typer.Option(min=0, max=65535, metavar="PORT", help="Loopback port of /alive and /ready.")
    ] = None,
) -> None:
    """Fold and decide on a Kafka log; run any number of workers, they share the partitions."""
    chosen = settings(serving=True)
    from hub.worker.app import run_worker

    raise typer.Exit(run_worker(chosen, slot=slot, health_port=health_port))
