"""Which connector serves an integration: chosen by (``lms_type``, ``integration_method``).

xAPI is a standard, so any LMS with the method xAPI is read by the xAPI connector; so is any LMS with File Upload by the
readers of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from connectors.contract import Connector, Item
from connectors.http import Pace
from connectors.observe import Observer
from connectors.xapi.ledger import StatementIndex
from connectors.xapi.lrs import XapiConnector
from hub.domain.integration_config import IntegrationConfig
from hub.domain.values import DataFormat, IntegrationMethod, LmsType
from hub.errors import Refused


@dataclass(frozen=True, slots=True)
class Ports:
    """What the hub lends to connectors."""

    index: StatementIndex | None = None
    """The xAPI statements that the integration has stored."""
    pace: Pace | None = None
    """Clock, patience and the shared level of the rate limit."""


class _ByApi(Protocol):
    """The class of a connector that needs nothing but its pace."""

    def __call__(self, config: IntegrationConfig, observer: Observer, *, pace: Pace | None) -> Connector: ...


def connect(config: IntegrationConfig, observer: Observer, ports: Ports | None = None) -> Connector:
    """The connector of an integration.

    Raises:
        Refused: There is none for this type and method, or the configuration is wrong for it.
    """
    lent = ports or Ports()
    chosen = connector_class(config.lms_type, config.integration_method)
    if chosen is XapiConnector:
        return XapiConnector(config, observer, index=lent.index, pace=lent.pace)
    return cast(_ByApi, chosen)(config, observer, pace=lent.pace)


def connector_class(lms_type: str, integration_method: str) -> type[Connector]:
    """The class that serves a type and a method; its ``settings`` say what it needs. Raises Refused where none does."""
    is_lrs = lms_type == LmsType.XAPI and integration_method == IntegrationMethod.API
    if is_lrs or integration_method == IntegrationMethod.XAPI:
        return XapiConnector
    if integration_method == IntegrationMethod.API and lms_type == LmsType.CANVAS:
        from connectors.canvas.connector import CanvasConnector  # noqa: PLC0415  only where it is used

        return CanvasConnector
    if integration_method == IntegrationMethod.API and lms_type == LmsType.MOODLE:
        from connectors.moodle.connector import MoodleConnector  # noqa: PLC0415  only where it is used

        return MoodleConnector
    raise _none(lms_type, integration_method)


def shows_gone(lms_type: str, integration_method: str) -> bool:
    """Whether a full pass can show that something is gone: statements are told, never listed."""
    return connector_class(lms_type, integration_method) is not XapiConnector


def read_file(
    path: str,
    config: IntegrationConfig,
    observer: Observer,
    options: Mapping[str, Any],
    now: Callable[[], int],
    ports: Ports | None = None,
) -> Iterator[Item]:
    """The items of a file: xAPI statements where type, method or data format of the integration say so, else records.

    Raises:
        Refused: The file as a whole, an option or the integration's rules cannot be used.
    """
    if holds_statements(config):
        from connectors.xapi.file import XapiFileReader  # noqa: PLC0415  loaded only where files are read

        return XapiFileReader(config, observer, index=(ports or Ports()).index).items(path, options, now)
    from connectors.files import open_file  # noqa: PLC0415  it loads the readers of all formats

    return open_file(path, config, observer, options, now)


def holds_statements(config: IntegrationConfig) -> bool:
    """Whether the files of an integration hold xAPI statements."""
    by_format = config.data_format == DataFormat.XAPI
    if config.integration_method == IntegrationMethod.FILE_UPLOAD and config.data_format is not None:
        return by_format
    return by_format or config.lms_type == LmsType.XAPI or config.integration_method == IntegrationMethod.XAPI


def _none(lms_type: str, integration_method: str) -> Refused:
    if integration_method == IntegrationMethod.FILE_UPLOAD:
        text = f"An integration of {lms_type} with File Upload has no connection: its files are imported."
        expected = "an import of a file"
    else:
        text = f"There is no connector for {lms_type} with the method {integration_method}."
        expected = "the method xAPI or File Upload, or API for Canvas, Moodle or an LRS"
    return Refused(text, field="integration_method", rule="connector", expected=expected)
