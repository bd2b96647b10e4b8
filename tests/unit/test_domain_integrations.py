"""Decisions about integrations: code, primary, address, on and off (figures 9.1)."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain import integrations
from hub.domain.events import all_types
from hub.domain.rows import Row
from hub.errors import Refused

WANTED = {"lms_code": "MOODLE", "lms_name": "Moodle", "lms_type": "Moodle", "integration_method": "API"}


def config(**values: Any) -> Row:
    return {**integrations.DEFAULTS, **WANTED, "last_sync_at": None, "last_successful_sync_at": None, "api_endpoint_url": None,
            "fold_state": {}, **values}  # fmt: skip


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as no:
        call()
    assert "expected" in str(no.value)
    return no.value.field, no.value.rule


@pytest.mark.parametrize("code", ["", "x", "a b", "ü1", "a" * 51, "a/b", "ab\n"])
def test_a_code_is_of_its_pattern(code: str) -> None:
    """lms_code: chosen once, [A-Za-z0-9_-]{2,50}."""
    assert refused(lambda: integrations.configured({}, "c", WANTED | {"lms_code": code})) == ("lms_code", "pattern")


def test_a_code_is_unique_and_never_changes() -> None:
    """lms_code: unique per company, never changes."""
    assert refused(lambda: integrations.configured({"c": config()}, "c", WANTED)) == ("lms_code", "unique")
    assert refused(lambda: integrations.changed({"c": config()}, "c", {"lms_code": "OTHER"})) == (
        "lms_code",
        "immutable",
    )
    assert integrations.changed({"c": config()}, "c", {"lms_code": "MOODLE"}) is None


@pytest.mark.parametrize("name", ["lms_name", "lms_type", "integration_method"])
def test_what_is_required(name: str) -> None:
    """Required columns of the specification."""
    assert refused(lambda: integrations.configured({}, "c", WANTED | {name: None})) == (name, "required")


def test_a_new_integration_has_the_defaults() -> None:
    """Disconnected before the first contact; the specification's defaults."""
    change = integrations.configured({}, "c", WANTED | {"timeout_seconds": 5, "max_retry_attempts": None})
    assert change.config["connection_status"] == "Disconnected"
    assert (change.config["timeout_seconds"], change.config["max_retry_attempts"], change.config["error_count"]) == (
        5,
        3,
        0,
    )
    assert change.transitions == ("integration.configured",)


def test_the_primary_one_moves() -> None:
    """is_primary_lms: at most one per company: setting it moves it."""
    configs = {"a": config(is_primary_lms=True), "b": config()}
    assert integrations.configured(configs, "c", WANTED | {"is_primary_lms": True}).demoted_id == "a"
    change = integrations.changed(configs, "b", {"is_primary_lms": True})
    assert change is not None
    assert change.demoted_id == "a"
    assert integrations.changed(configs, "a", {"is_primary_lms": True}) is None
    assert integrations.configured(configs, "c", WANTED).demoted_id is None


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("https://lms.example/api", True),
        ("http://localhost:8080", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:9", True),
        ("http://lms.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("https://", False),
        ("https://ada:secret@lms.example", False),
        ("https://:@lms.example", False),
        ("ftp://lms.example", False),
        ("https://[", False),
        ("https://lms.example:99999", False),
        ("lms.example", False),
    ],
)
def test_an_address_is_https_except_on_loopback(address: str, fits: bool) -> None:
    """api_endpoint_url: https, except loopback; never with credentials."""
    if fits:
        assert (
            integrations.configured({}, "c", WANTED | {"api_endpoint_url": address}).config["api_endpoint_url"]
            == address
        )
    else:
        both = (lambda: integrations.configured({}, "c", WANTED | {"api_endpoint_url": address}),
                lambda: integrations.changed({"c": config()}, "c", {"api_endpoint_url": address}))  # fmt: skip
        assert {refused(call) for call in both} == {("api_endpoint_url", "https")}


def test_changes() -> None:
    """Only what differs; what is cleared was known; the error count is held at the limit."""
    change = integrations.changed(
        {"c": config(data_format="JSON")}, "c", {"lms_name": "M2"}, ("data_format", "field_mappings")
    )
    assert change is not None
    assert (change.config, change.cleared) == ({"lms_name": "M2"}, ("data_format",))
    limit = integrations.changed({"c": config(error_count=3)}, "c", {"max_retry_attempts": 2})
    assert limit is not None
    assert limit.config == {"max_retry_attempts": 2, "error_count": 2}
    assert refused(lambda: integrations.changed({}, "c", {})) == ("integration", "exists")


def test_on_and_off() -> None:
    """is_active false: connection_status is then Disconnected."""
    on, off = {"c": config(connection_status="Connected")}, {"c": config(is_active=False)}
    change = integrations.deactivated(on, "c")
    assert change is not None
    assert change.config == {"is_active": False, "connection_status": "Disconnected"}
    assert integrations.deactivated(off, "c") is None
    assert integrations.activated(on, "c") is None
    again = integrations.activated(off, "c")
    assert again is not None
    assert again.config == {"is_active": True}
    switched = integrations.changed(on, "c", {"is_active": False})
    assert switched is not None
    assert switched.config["connection_status"] == "Disconnected"


def test_every_event_of_the_topic_is_told_by_some_decision() -> None:
    """All types of lms.integration are told here, in the decisions about runs, or (the refusal) by commands."""
    names = ["integration.configured", "integration.changed", "integration.activated", "integration.deactivated", "sync.started",
             "sync.completed", "sync.failed", "connection.lost", "connection.restored", "command.refused", "run.held", "run.released",
             "connection.testing", "connection.tested", "connection.checked", "connection.maintenance_began",
             "connection.maintenance_ended", "source.stopped", "source.resumed"]  # fmt: skip
    assert {f"lms.{name}.v1" for name in names} == {
        name for name, model in all_types().items() if model.topic == "lms.integration"
    }
