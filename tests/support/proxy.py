"""A TCP proxy in a process of its own, between the hub and a server, that fails as networks do, when it is told to.

``python -m tests.support.proxy TARGET`` prints its port, then takes one order a line on stdin and answers each with a
line; it ends when stdin does, so it never outlives the test. TARGET is ``host:port`` or the path of a Unix socket.
Bytes are passed as they are; a *message* here is what one read gives, a request or an answer or a piece of one.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Direction = Literal["up", "down"]
"""``up``: from the hub to the server, a request; ``down``: back, an answer."""

READ_BYTES = 64 * 1024
WORTH_HALVING = 100
"""Bytes; of a message smaller than this the half would be nothing but a frame."""
SLICE_SECONDS = 0.02
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER so that closing resets the connection, as a network that is cut does in the end."""
ORDER_SECONDS = 60.0


class Proxy:
    """A running proxy, told what to do by a test. Made by :func:`proxy`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port
        """On 127.0.0.1."""

    @property
    def address(self) -> str:
        """``host:port`` as clients are told it."""
        return f"127.0.0.1:{self.port}"

    def go_on(self) -> None:
        """All is well from now on; what was held back is passed."""
        self._order("go_on")

    def cut(self) -> int:
        """Reset all connections; new ones are served. Returns how many there were."""
        return int(self._order("cut")["cut"])

    def refuse(self) -> int:
        """Reset all connections and refuse new ones. Returns how many there were."""
        return int(self._order("refuse")["cut"])

    def stall(self) -> None:
        """Accept, and pass nothing: no byte, no error, as a host that hangs or a firewall that drops."""
        self._order("stall")

    def slow(self, bytes_per_second: int) -> None:
        """Pass at most so many bytes a second on each connection and in each direction."""
        self._order("slow", rate=bytes_per_second)

    def half(self, direction: Direction) -> None:
        """Of the next message that is worth it pass one half and reset its connection; returns when that has happened.

        Half of a request is lost for the server; half of an answer leaves the hub not knowing what the server has done.
        """
        self._order("half", direction=direction)

    def counts(self) -> dict[str, int]:
        """``open``: connections now; ``made``: ever; ``up`` and ``down``: bytes passed."""
        return {name: int(value) for name, value in self._order("counts").items()}

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _order(self, name: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"order": name, **values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the proxy has ended with {self._process.poll()}"
        answer: dict[str, Any] = json.loads(line)
        assert "problem" not in answer, answer["problem"]
        return answer


@contextmanager
def proxy(target: str, port: int = 0) -> Iterator[Proxy]:
    """A proxy before ``target`` (``host:port`` or the path of a Unix socket, which need not be there yet).

    ``port``: where it listens on 127.0.0.1; 0 takes a free one.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.proxy", target, str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    made = Proxy(process, 0)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the proxy did not start"
        made.port = int(line)
        yield made
    finally:
        made.close()


# -- the process ---------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Link:
    """A connection of a client, and the one to the server that belongs to it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None

    def end(self, *, hard: bool = False) -> None:
        """Close both; ``hard``: with a reset, by which what the other side has not read yet is lost."""
        for writer in (self.client, self.server):
            if writer is None:
                continue
            taken = writer.get_extra_info("socket")
            if hard and taken is not None and taken.family != socket.AF_UNIX:
                with suppress(OSError):
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


@dataclass
class _Network:
    """The proxy's state: one event loop, no lock."""

    target: str
    port: int
    listener: asyncio.Server | None = None
    links: set[_Link] = field(default_factory=set)
    passing: asyncio.Event = field(default_factory=asyncio.Event)
    rate: int = 0
    half: str = ""
    halved: asyncio.Event = field(default_factory=asyncio.Event)
    made: int = 0
    passed: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})

    async def listen(self) -> None:
        if self.listener is None:
            self.listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=READ_BYTES)
            self.port = int(self.listener.sockets[0].getsockname()[1])

    def deafen(self) -> None:
        if self.listener is not None:
            self.listener.close()
            self.listener = None

    def cut(self) -> int:
        links, self.links = self.links, set()
        for link in links:
            link.end(hard=True)
        return len(links)

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        name = order["order"]
        if name == "counts":
            return {"open": len(self.links), "made": self.made, **self.passed}
        if name == "half":
            self.half = order["direction"]
            self.halved.clear()
            await asyncio.wait_for(self.halved.wait(), ORDER_SECONDS)
            return {}
        self.rate = order.get("rate", 0)
        if name == "refuse":
            self.deafen()
            return {"cut": self.cut()}
        if name == "stall":
            self.passing.clear()
            return {}
        self.passing.set()
        await self.listen()
        return {"cut": self.cut()} if name == "cut" else {}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        self.links.add(link)
        self.made += 1
        try:
            await self.passing.wait()
            host, _, port = self.target.rpartition(":")
            opened = asyncio.open_connection(host, int(port)) if host else asyncio.open_unix_connection(self.target)
            back, link.server = await opened
            if link not in self.links:
                raise ConnectionAbortedError  # cut meanwhile
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump("up", reader, link.server))
                both.create_task(self._pump("down", back, writer))
        except* OSError:
            pass
        finally:
            self.links.discard(link)
            link.end()

    async def _pump(self, direction: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass bytes until one side ends; the other side is told of it."""
        while data := await source.read(READ_BYTES):
            await self.passing.wait()
            if self.half == direction and len(data) >= WORTH_HALVING:
                self.half = ""
                sink.write(data[: len(data) // 2])
                await sink.drain()
                self.halved.set()
                raise ConnectionAbortedError
            await self._send(direction, sink, data)
        if sink.can_write_eof():
            sink.write_eof()

    async def _send(self, direction: str, sink: asyncio.StreamWriter, data: bytes) -> None:
        while data:
            size = max(1, int(self.rate * SLICE_SECONDS)) if self.rate else len(data)
            sink.write(data[:size])
            await sink.drain()
            self.passed[direction] += len(data[:size])
            data = data[size:]
            if self.rate:
                await asyncio.sleep(SLICE_SECONDS)


async def _main(target: str, port: int) -> None:
    network = _Network(target, port)
    network.passing.set()
    await network.listen()
    print(network.port, flush=True)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        try:
            answer = await network.obey(json.loads(line))
        except (TimeoutError, OSError) as problem:
            answer = {"problem": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(answer), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
