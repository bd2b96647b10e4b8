"""What a connector presents to an API: Basic, an API key, a bearer token, or OAuth 2.0 client credentials.

Secrets leave this module only as request headers; no message names one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hub.domain.integration_config import IntegrationConfig
from hub.domain.values import AuthenticationType
from hub.errors import Refused

RENEW_BEFORE = 60.0
"""Seconds before its end at which a token is renewed (at most a tenth of its life)."""

UNTOLD_LIFE = 3600.0
"""Seconds for which a token is used whose end the server does not tell."""

AskToken = Callable[[str, Mapping[str, str], Mapping[str, str]], Mapping[str, Any]]
"""(address, form, headers) → the answer's JSON object. Raises what the HTTP client raises."""


class Auth(Protocol):
    """A way to show who asks."""

    def headers(self, ask: AskToken) -> Mapping[str, str]:
        """The headers for the next request; may fetch a token by ``ask``. Raises Refused where none is granted."""

    def renew(self) -> bool:
        """The server did not accept what was shown: whether trying again with something fresh can help."""


class Fixed:
    """Headers that never change."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def headers(self, ask: AskToken) -> Mapping[str, str]:  # noqa: ARG002  the port hands it to all
        return self._headers

    def renew(self) -> bool:
        return False


class ClientCredentials:
    """OAuth 2.0 client credentials: a token that is fetched, kept until shortly before its end, and fetched again."""

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, scope: str | None, clock: Callable[[], float]
    ) -> None:
        self._url = token_url
        self._shown = basic(client_id, client_secret)
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._clock = clock
        self._token: str | None = None
        self._until = 0.0

    def headers(self, ask: AskToken) -> Mapping[str, str]:
        if self._token is None or self._clock() >= self._until:
            self._fetch(ask)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        self._token = None
        return True

    def _fetch(self, ask: AskToken) -> None:
        asked = self._clock()
        answer = ask(self._url, self._form, self._shown)
        token, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token:
            raise Refused(
                "The token address answered without an access_token: check its address, the client id and the secret.",
                field="authentication_config",
                rule="OAuth 2.0 " + self._form["grant_type"].replace("_", " "),
                expected="an answer with access_token",
            )
        try:
            seconds = float(life) if life is not None else UNTOLD_LIFE
        except (TypeError, ValueError):
            seconds = UNTOLD_LIFE
        self._token = token
        self._until = asked + seconds - min(RENEW_BEFORE, seconds / 10)


class RefreshToken(ClientCredentials):
    """OAuth 2.0 refresh grant: the same, with a refresh token that somebody was given once; all goes in the form."""

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, refresh_token: str, clock: Callable[[], float]
    ) -> None:
        super().__init__(token_url, client_id, client_secret, None, clock)
        self._shown = {}
        self._form = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": client_secret,
            "refresh_token": refresh_token,
        }


def basic(name: str, password: str) -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def auth_of(config: IntegrationConfig, clock: Callable[[], float]) -> Auth:
    """What the configuration says to present; nothing where it names no authentication type.

    Credentials by type: Basic Auth ``username``, ``password``; API Key ``api_key`` (and ``api_key_header``, else
    X-API-Key); JWT ``token``; OAuth 2.0 ``token_url``, ``client_id``, ``client_secret`` (and ``scope``).

    Raises:
        Refused: A credential is missing, or connectors have no such authentication type.
    """
    kind = config.authentication_type
    if kind is None:
        return Fixed({})
    if kind == AuthenticationType.BASIC:
        return Fixed(basic(credential(config, "username"), credential(config, "password")))
    if kind == AuthenticationType.API_KEY:
        return Fixed({config.credentials.get("api_key_header", "X-API-Key"): credential(config, "api_key")})
    if kind == AuthenticationType.JWT:
        return Fixed({"Authorization": "Bearer " + credential(config, "token")})
    if kind == AuthenticationType.OAUTH2:
        url, name, secret = (credential(config, key) for key in ("token_url", "client_id", "client_secret"))
        return ClientCredentials(url, name, secret, config.credentials.get("scope"), clock)
    raise Refused(
        f"authentication_type {kind} cannot be used to read an API.",
        field="authentication_type",
        rule="supported by connectors",
        expected="Basic Auth, API Key, JWT or OAuth 2.0",
    )


def credential(config: IntegrationConfig, name: str) -> str:
    """One of the credentials. Raises Refused where it is missing."""
    value = config.credentials.get(name)
    if not value:
        raise Refused(
            f"authentication_config has no {name}, which {config.authentication_type} needs.",
            field=f"authentication_config.{name}",
            rule="required",
            expected="a value",
        )
    return value
