"""Which statements are known already: those that the hub has stored, and those that this run has read.

The hub's table follows the log with a delay, so what a run has read is remembered besides, the newest 200,000.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, Protocol

REMEMBERED: Final = 200_000


class Known(NamedTuple):
    """What is known of one statement id."""

    stream_id: str | None = None
    """The enrollment whose observation was made of it; None where it had no effect."""
    digest: str | None = None
    """Digest of its content, 64 hex digits; None where only the statement that voids it has come."""
    voided_by: str | None = None
    """The id of the statement that voids it."""


class StatementIndex(Protocol):
    """The statements that an integration has stored."""

    def find(self, statement_ids: Collection[str]) -> Mapping[str, tuple[str | None, str | None, str | None]]:
        """What is known of these ids (lower-case UUIDs), as the fields of :class:`Known`; unknown ones are left out.

        Raises:
            Retriable: The index is not available.
        """


class NothingStored:
    """The index of a hub that has stored nothing."""

    def find(self, statement_ids: Collection[str]) -> Mapping[str, Known]:  # noqa: ARG002  as the port wants it
        return {}


class Ledger:
    """The index and the memory of one run."""

    def __init__(self, index: StatementIndex) -> None:
        self._index = index
        self._run: OrderedDict[str, Known] = OrderedDict()
        self._stored: dict[str, Known] = {}

    def load(self, statement_ids: Collection[str]) -> None:
        """Ask the index for a batch, in one call. Raises Retriable where it is not available."""
        self._stored = {key: Known(*found) for key, found in self._index.find(statement_ids).items()}

    def known(self, statement_id: str) -> Known:
        """What is known of a statement of the batch. What the run has read stands above what was stored."""
        stored, read = self._stored.get(statement_id, Known()), self._run.get(statement_id, Known())
        return Known(*(new if new is not None else old for old, new in zip(stored, read, strict=True)))

    def read_before(self, statement_id: str) -> bool:
        """Whether this run has read the statement itself."""
        found = self._run.get(statement_id)
        return found is not None and found.digest is not None

    def add(self, statement_id: str, known: Known) -> None:
        """Remember what this run found out about a statement."""
        self._run[statement_id] = known
        self._run.move_to_end(statement_id)
        if len(self._run) > REMEMBERED:
            self._run.popitem(last=False)
