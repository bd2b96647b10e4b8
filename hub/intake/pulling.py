"""One pull of a connector, made when its first item is asked for: so what is wrong with its configuration is the run's
failure, told like any other."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from connectors import registry
from connectors.contract import Connector, Coverage, Item, Pull, RequestLog
from connectors.observe import Observer
from hub.bootstrap import clock
from hub.domain.integration_config import IntegrationConfig
from hub.domain.units import SECOND

OVERLAP = 600 * SECOND
"""How far a watermark is stepped back, since no source gives a complete change feed."""


class Pulling:
    """A context manager; the connector is closed at its end."""

    def __init__(
        self,
        config: IntegrationConfig,
        observer: Observer,
        ports: registry.Ports,
        watermark: int | None,
        full: bool,
        courses: frozenset[str] | None = None,
    ) -> None:
        """``courses``: keys of the only courses to be read; None: all."""
        self._config = config
        self._observer = observer
        self._ports = ports
        self._ask = Pull(None if full or watermark is None else watermark - OVERLAP, full, courses, now=clock)
        self._connector: Connector | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connector is not None:
            self._connector.close()

    def items(self) -> Iterator[Item]:
        """What the connector gives."""
        self._connector = registry.connect(self._config, self._observer, self._ports)
        yield from self._connector.pull(self._ask)

    def requests(self) -> RequestLog | None:
        """What its requests took; None before the first."""
        return None if self._connector is None else self._connector.requests

    def watermark(self) -> int | None:
        """See :meth:`Connector.watermark`."""
        return None if self._connector is None else self._connector.watermark()

    def coverage(self) -> Coverage | None:
        """See :meth:`Connector.coverage`."""
        return None if self._connector is None else self._connector.coverage()
