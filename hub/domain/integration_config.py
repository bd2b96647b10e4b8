"""An integration as a connector sees it: the configuration row with its credentials opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class IntegrationConfig:
    """One row of ``lms_integration_config``. ``credentials`` is secret and never shown in a repr."""

    id: str
    company_id: str
    lms_code: str
    lms_name: str
    lms_type: str
    integration_method: str
    api_endpoint_url: str | None = None
    api_version: str | None = None
    authentication_type: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    data_format: str | None = None
    encoding_format: str = "UTF-8"
    max_retry_attempts: int = 3
    timeout_seconds: int = 30
    rate_limit_per_hour: int = 1000
    supported_course_types: tuple[str, ...] = ()
    field_mappings: Mapping[str, Any] = field(default_factory=dict)
    validation_rules: Mapping[str, Any] = field(default_factory=dict)
    transformation_rules: Mapping[str, Any] = field(default_factory=dict)
    compliance_settings: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The connector's own settings that are not secret."""
    zone: str = "UTC"
    """The company's time zone."""
