"""What a run is going to publish, kept in a temporary file until it is known that it may be published.

Records lie there as they will lie in the log, personal texts sealed. The file has no name and is gone with its process.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from hub.errors import Retriable

HEAD = struct.Struct(">BHI")
"""Number of the topic, lengths of key and value."""
WAIT = 255
"""In the place of a topic: what follows waits until what came before is decided."""
BATCH = 5_000
BATCH_BYTES = 32 * 1024 * 1024

Records = list[tuple[str, bytes]]


class Spool:
    """A context manager: written whole, then read whole. ``folder``: HUB_HOME.

    Everything raises Retriable where the folder cannot be written, such as for want of room.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._room():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed with the spool
        self._topics: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be written was told, and is not needed any more
            self._file.close()

    def append(self, topic: str, records: Sequence[tuple[str, bytes]]) -> list[tuple[str, int, int]]:
        """Keep records of a topic. They have no position yet."""
        if topic not in self._topics:
            self._topics.append(topic)
        number = self._topics.index(topic)
        with self._room():
            for key, value in records:
                name = key.encode()
                self._file.write(HEAD.pack(number, len(name), len(value)) + name + value)
        return []

    def wait(self) -> None:
        """What follows waits for what was kept so far."""
        with self._room():
            self._file.write(HEAD.pack(WAIT, 0, 0))

    def finish(self) -> None:
        """All is written: what comes next is read."""
        with self._room():
            self._file.flush()

    def replay(self) -> Iterator[tuple[str, Records] | None]:
        """All that was kept, in order, in batches of one topic; None: wait here."""
        self._file.seek(0)
        topic, batch, size = -1, Records(), 0
        while head := self._file.read(HEAD.size):
            number, name, value = HEAD.unpack(head)
            if batch and (number != topic or len(batch) >= BATCH or size >= BATCH_BYTES):
                yield self._topics[topic], batch
                batch, size = [], 0
            if number == WAIT:
                yield None
                continue
            topic, size = number, size + value
            batch.append((self._file.read(name).decode(), self._file.read(value)))
        if batch:
            yield self._topics[topic], batch

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise Retriable(
                f"HUB_HOME: a full pass keeps in {self._folder.absolute()} what it reads, and that cannot be written "
                f"({problem.strerror}); nothing of the pass was published. Make room there and sync again."
            ) from problem
