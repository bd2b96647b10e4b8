"""Files of statements as a source: JSON, JSON lines, a StatementResult, also packed by gzip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from connectors.contract import Item
from connectors.observe import Observer
from connectors.refine import Rules
from connectors.xapi.ledger import NothingStored, StatementIndex
from connectors.xapi.mapping import Source, StatementMapper
from connectors.xapi.read_file import read_statements
from connectors.xapi.settings import options_of
from hub.domain.integration_config import IntegrationConfig
from hub.errors import Refused


class XapiFileReader:
    """Reads files of xAPI statements, of 1.0.3 and 2.0; implements :class:`connectors.contract.FileReader`."""

    formats: ClassVar[tuple[str, ...]] = ("json", "jsonl", "json.gz", "jsonl.gz")

    def __init__(self, config: IntegrationConfig, observer: Observer, *, index: StatementIndex | None = None) -> None:
        """Raises Refused where a setting or a rule of the integration is wrong."""
        self._mapper = StatementMapper(observer, options_of(config), Rules(config), index or NothingStored(), "2.0.0")

    def items(self, path: str, options: Mapping[str, Any], now: Callable[[], int]) -> Iterator[Item]:  # noqa: ARG002
        """One item per statement; there are no options. ``now`` is the clock, microseconds.

        Raises:
            Refused: The file cannot be opened.
            Retriable: The index or the key store is not available.
        """
        try:
            file = Path(path).open("rb")  # noqa: SIM115  closed when the items are used up
        except OSError as error:
            raise Refused(
                f"The file cannot be read ({error.strerror}).", field="file", rule="readable", expected="a file"
            ) from error
        return self._items(file, now)

    def _items(self, file: BinaryIO, now: Callable[[], int]) -> Iterator[Item]:
        with file:
            sources = (Source(*found) for found in read_statements(file))
            yield from self._mapper.items(sources, now)
