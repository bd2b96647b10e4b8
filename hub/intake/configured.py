"""An integration as a run needs it: its configuration with credentials opened, and where its syncs stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.bootstrap import Hub
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import from_text
from hub.errors import Refused
from hub.integrations.settings import Own, of_connector, own
from projections.queries import Queries

STATE = """
SELECT fold_state->>'held_run', last_successful_sync_at IS NOT NULL
FROM hub.lms_integration_config WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class Configured:
    """One integration."""

    config: IntegrationConfig
    own: Own
    watermark: int | None
    held_run: str | None
    has_succeeded: bool
    """A sync or an import was completed before: what comes now is news."""


def configured(hub: Hub, queries: Queries, company_id: str, code: str) -> Configured:
    """An integration by its code. Raises Refused where there is none, or a setting of it cannot be used."""
    row = queries.config(company_id, code)
    if row is None:
        raise Refused(f"integration: there is none with the code {code}; expected one of `hub integrations list`",
                      field="integration", rule="exists", expected="a known code")  # fmt: skip
    sealed = (row["authentication_config"] or {}).get("sealed")
    credentials = hub.keyring.open_credentials(company_id, from_text(sealed)) if sealed else {}
    settings = row["connector_settings"]
    settings = json.loads(settings) if isinstance(settings, str) else settings or {}
    with hub.connection() as connection:
        found = connection.execute(STATE, (row["id"],)).fetchone() or (None, False)
    config = _config_of(company_id, row, credentials, of_connector(settings))
    return Configured(config, own(settings), row["watermark"], found[0], found[1])


def _config_of(
    company_id: str, row: Mapping[str, Any], credentials: Mapping[str, str], settings: Mapping[str, Any]
) -> IntegrationConfig:
    return IntegrationConfig(
        id=row["id"],
        company_id=company_id,
        lms_code=row["lms_code"],
        lms_name=row["lms_name"],
        lms_type=row["lms_type"],
        integration_method=row["integration_method"],
        api_endpoint_url=row["api_endpoint_url"],
        api_version=row["api_version"],
        authentication_type=row["authentication_type"],
        credentials=credentials,
        data_format=row["data_format"],
        encoding_format=row["encoding_format"] or "UTF-8",
        max_retry_attempts=row["max_retry_attempts"],
        timeout_seconds=row["timeout_seconds"],
        rate_limit_per_hour=row["rate_limit_per_hour"],
        supported_course_types=tuple(row["supported_course_types"] or ()),
        field_mappings=row["field_mappings"] or {},
        validation_rules=row["validation_rules"] or {},
        transformation_rules=row["transformation_rules"] or {},
        compliance_settings=row["compliance_settings"] or {},
        settings=settings,
        zone=row["time_zone"] or "UTC",
    )
