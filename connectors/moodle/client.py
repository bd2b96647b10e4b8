"""Moodle's REST protocol: functions are asked by POST, arrays are PHP's, errors come with status 200.

The token travels in the body, never in an address, so that no access log keeps it. All that is asked only reads, so a
request that failed in passing may be sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from connectors.contract import RequestLog
from connectors.http import Answer, HttpClient, Pace
from connectors.http_auth import Fixed
from connectors.moodle.errors import Barred, Denied, error_of
from connectors.moodle.settings import token_of
from hub.domain.integration_config import IntegrationConfig
from hub.domain.units import SECOND
from hub.errors import Retriable

Shape = TypeVar("Shape", list[Any], dict[str, Any])

SERVER: Final = "webservice/rest/server.php"


class MoodleClient:
    """Asks functions of one Moodle; not for several threads at once. Raises Refused where there is no token."""

    def __init__(self, config: IntegrationConfig, requests: RequestLog, pace: Pace | None) -> None:
        self._token = token_of(config)
        self._requests = requests
        self._http = HttpClient(config, requests, auth=Fixed({}), pace=pace)
        self.first_date: int | None = None
        """Moodle's clock at its first answer, microseconds."""

    def close(self) -> None:
        """Let connections go."""
        self._http.close()

    def ask(self, function: str, shape: type[Shape], **arguments: Any) -> Shape:
        """What a function answers, which must be a list or an object as ``shape`` says.

        Raises:
            Barred, Denied, NothingThere: Moodle says so.
            Retriable: Moodle cannot be read now, or answers with something that is neither data nor an error.
            Refused: What answers is no Moodle.
        """
        form = {"wstoken": self._token, "wsfunction": function, "moodlewsrestformat": "json"}
        form.update(php_arrays(arguments))

        def understand(answer: Answer) -> Shape:
            self._note_date(answer)
            try:
                told = value_of(answer, function)
                if type(told) is not shape:
                    raise Retriable(f"Moodle answered {function} with something else than data.")  # noqa: TRY301
            except (Retriable, Barred, Denied):
                self._requests.recount("ok", "faulty")
                raise
            return told

        return self._http.read(SERVER, understand, form=form)

    def _note_date(self, answer: Answer) -> None:
        if self.first_date is None:
            try:
                self.first_date = int(parsedate_to_datetime(answer.headers.get("date", "")).timestamp()) * SECOND
            except ValueError:
                return


def value_of(answer: Answer, function: str) -> Any:
    """An answer's value; null and 0 are answers as well. Raises what Moodle tells as an error, and for web pages."""
    told = answer.json()
    if isinstance(told, dict) and ("exception" in told or "errorcode" in told):
        raise error_of(told, function)
    return told


def php_arrays(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Arguments as a form: ``{"options": [{"name": "a"}]}`` is ``options[0][name]=a``."""
    return dict(pair for name, value in arguments.items() for pair in _pairs(name, value))


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]", inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _pairs(f"{name}[{number}]", inner)
    else:
        yield name, str(int(value) if isinstance(value, bool) else value)
