"""Decisions about integrations. One stream per company, so that rules over all of them hold; runs and connections are
decided in :mod:`hub.domain.runs`.

Rules: the code is chosen once (``[A-Za-z0-9_-]{2,50}``) and unique in the company; at most one integration is the
primary one, and setting it moves it; an address is https, except on loopback.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hub.domain.rows import Changes, Row
from hub.domain.values import ConnectionStatus
from hub.errors import Refused

CODE = re.compile(r"[A-Za-z0-9_-]{2,50}")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
DEFAULTS: Mapping[str, Any] = {
    "api_version": "v1",
    "encoding_format": "UTF-8",
    "sync_frequency": "On-demand",
    "sync_direction": "Inbound Only",
    "is_primary_lms": False,
    "is_active": True,
    "connection_status": ConnectionStatus.DISCONNECTED.value,
    "error_count": 0,
    "max_retry_attempts": 3,
    "timeout_seconds": 30,
    "rate_limit_per_hour": 1000,
}


@dataclass(slots=True)
class IntegrationChange:
    """New values of one configuration, perhaps of the one that is no longer primary, and of one run."""

    type: str
    config_id: str
    config: dict[str, Any] = field(default_factory=dict)
    cleared: tuple[str, ...] = ()
    demoted_id: str | None = None
    run_id: str | None = None
    run: dict[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """What else happened by it, such as ``connection.lost``."""

    @property
    def transitions(self) -> tuple[str, ...]:
        """What happened, the strongest first."""
        return (self.type.removeprefix("lms.").removesuffix(".v1"), *self.also)


Configs = Mapping[str, Row]
"""All configurations of a company by their id."""


def configured(configs: Configs, config_id: str, wanted: Mapping[str, Any]) -> IntegrationChange:
    """Set up an integration. Raises Refused where a rule says no."""
    code = str(wanted.get("lms_code") or "")
    if not CODE.fullmatch(code):
        raise Refused(
            f"lms_code: {code!r} is not a code; expected 2 to 50 letters, digits, hyphens or underscores",
            field="lms_code", rule="pattern", expected=CODE.pattern,
        )  # fmt: skip
    if config_id in configs:
        raise Refused(
            f"lms_code: an integration {code} exists already; expected a code that is not used in this company",
            field="lms_code", rule="unique", expected="an unused code",
        )  # fmt: skip
    for name in ("lms_name", "lms_type", "integration_method"):
        if not wanted.get(name):
            raise Refused(f"{name}: is missing; expected a value", field=name, rule="required", expected="a value")
    values = {**DEFAULTS, **{name: value for name, value in wanted.items() if value is not None}}
    _check_address(values.get("api_endpoint_url"))
    return _with_primary(configs, IntegrationChange("lms.integration.configured.v1", config_id, values))


def changed(
    configs: Configs, config_id: str, wanted: Mapping[str, Any], cleared: Sequence[str] = ()
) -> IntegrationChange | None:
    """Change a configuration; None where nothing differs."""
    row = known(configs, config_id)
    if "lms_code" in wanted and wanted["lms_code"] != row["lms_code"]:
        raise Refused(
            f"lms_code: never changes; expected {row['lms_code']}", field="lms_code", rule="immutable",
            expected=row["lms_code"],
        )  # fmt: skip
    _check_address(wanted.get("api_endpoint_url"))
    changes = Changes(row)
    for name, value in wanted.items():
        changes.put(name, value)
    if changes.known("is_active") is False:
        changes.put("connection_status", ConnectionStatus.DISCONNECTED.value)
    changes.put("error_count", min(row["error_count"] or 0, changes.known("max_retry_attempts") or 0))
    gone = changes.unknown(*cleared)
    if not changes.new and not gone:
        return None
    return _with_primary(configs, IntegrationChange("lms.integration.changed.v1", config_id, changes.new, gone))


def activated(configs: Configs, config_id: str) -> IntegrationChange | None:
    """Let an integration run again."""
    if known(configs, config_id)["is_active"]:
        return None
    return IntegrationChange("lms.integration.activated.v1", config_id, {"is_active": True})


def deactivated(configs: Configs, config_id: str) -> IntegrationChange | None:
    """Switch an integration off; it is Disconnected then."""
    if not known(configs, config_id)["is_active"]:
        return None
    values = {"is_active": False, "connection_status": ConnectionStatus.DISCONNECTED.value}
    return IntegrationChange("lms.integration.deactivated.v1", config_id, values)


def _with_primary(configs: Configs, change: IntegrationChange) -> IntegrationChange:
    """Where this integration becomes the primary one, the one that was is it no longer."""
    if change.config.get("is_primary_lms"):
        others = [key for key, row in configs.items() if row.get("is_primary_lms") and key != change.config_id]
        change.demoted_id = others[0] if others else None
    return change


def known(configs: Configs, config_id: str) -> Row:
    """The row of an integration. Raises Refused where there is none."""
    row = configs.get(config_id)
    if row is None:
        raise Refused("integration: there is none with this code; expected one of `hub integrations list`", field="integration",
                      rule="exists", expected="a known code")  # fmt: skip
    return row


def _check_address(address: str | None) -> None:
    if not address:
        return
    if _is_safe(address):
        return
    raise Refused(
        "api_endpoint_url: is not an https address without credentials; expected https://host/path (http only on loopback)",
        field="api_endpoint_url", rule="https", expected="https://…",
    )  # fmt: skip


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        return False
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    return bool(encrypted and host and parts.username is None and parts.password is None)
