"""An observer with a real keyring that lives in memory, for tests of connectors."""

from __future__ import annotations

from typing import Any

from connectors.observe import Observer
from hub.domain.integration_config import IntegrationConfig
from hub.vault import Keyring, MasterKey, MemoryKeyStore

COMPANY = "aaaaaaaa-0000-5000-8000-000000000001"
INTEGRATION = "cccccccc-0000-5000-8000-000000000003"


def file_config(**columns: Any) -> IntegrationConfig:
    """An integration by File Upload with these columns."""
    given: dict[str, Any] = {
        "id": INTEGRATION,
        "company_id": COMPANY,
        "lms_code": "files",
        "lms_name": "Files",
        "lms_type": "Custom LMS",
        "integration_method": "File Upload",
    }
    return IntegrationConfig(**(given | columns))


def make_observer(config: IntegrationConfig | None = None) -> Observer:
    """An observer of that integration; its keys are lost with it."""
    return Observer(config or file_config(), Keyring(MemoryKeyStore(), MasterKey(bytes(range(32)), "test")))
