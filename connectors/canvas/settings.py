"""The settings of the Canvas connector, declared once, and what it presents to Canvas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Setting
from connectors.http_address import endpoint, origin
from connectors.http_auth import Auth, Fixed, RefreshToken, auth_of, credential
from hub.domain.integration_config import IntegrationConfig
from hub.domain.values import AuthenticationType
from hub.errors import Refused

SETTINGS: Final = (
    Setting(
        "account_id",
        "Account whose courses are read",
        default="self",
        help="Its number, or self for the root account; courses of its sub-accounts are read too.",
    ),
    Setting(
        "page_size",
        "Rows per page",
        int,
        default=100,
        help="What is asked of Canvas, which may give fewer: its links to the next page are followed either way.",
    ),
    Setting(
        "passing_score",
        "Pass mark of its courses in percent",
        int,
        help="Canvas has no pass mark of a course. With one, whoever ends below it has Failed.",
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one integration."""

    account_id: str
    page_size: int
    passing_score: int | None


def options_of(config: IntegrationConfig) -> Options:
    """The settings of an integration, defaults filled in. Raises Refused for a value of the wrong kind."""
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        value = config.settings.get(setting.name)
        if value is None:
            value = setting.default
        elif type(value) is not setting.type:
            raise _wrong(setting.name, "a whole number" if setting.type is int else "a text")
        values[setting.name] = value
    options = Options(**values)
    if not options.account_id.isascii() or not options.account_id.isalnum():
        raise _wrong("account_id", "the number of an account, or self")
    if not 1 <= options.page_size <= 1000:
        raise _wrong("page_size", "a number from 1 to 1000")
    if options.passing_score is not None and not 0 <= options.passing_score <= 100:
        raise _wrong("passing_score", "a percentage from 0 to 100")
    return options


def credentials_of(config: IntegrationConfig, clock: Callable[[], float]) -> Auth:
    """What is presented to Canvas: always a bearer token, made by hand or granted for a refresh token.

    API Key ``api_key``, or JWT ``token``: a token made by hand. OAuth 2.0 ``client_id``, ``client_secret``,
    ``refresh_token`` (and ``token_url``, else Canvas's own): a developer key.

    Raises:
        Refused: A credential is missing, or the kind of authentication is none of these.
    """
    kind = config.authentication_type
    if kind == AuthenticationType.API_KEY:
        return Fixed({"Authorization": "Bearer " + credential(config, "api_key")})
    if kind == AuthenticationType.JWT:
        return auth_of(config, clock)
    if kind == AuthenticationType.OAUTH2:
        name, secret, token = (credential(config, key) for key in ("client_id", "client_secret", "refresh_token"))
        url = config.credentials.get("token_url") or origin(endpoint(config)) + "login/oauth2/token"
        return RefreshToken(url, name, secret, token, clock)
    raise Refused(
        f"authentication_type {kind} cannot be used to read Canvas.",
        field="authentication_type",
        rule="supported by Canvas",
        expected="API Key, JWT or OAuth 2.0",
    )


def _wrong(name: str, expected: str) -> Refused:
    return Refused(
        f"The setting {name} must be {expected}.", field=f"settings.{name}", rule="kind of value", expected=expected
    )
