"""Settings: the environment, prefix ``HUB_``; read once at the start and handed down. Unknown ones are refused.

| name | meaning |
| --- | --- |
| ``HUB_HOME`` | folder of the embedded database and the generated key; default ``.hub`` in the working folder |
| ``HUB_DATABASE_URL`` | PostgreSQL to use; none: the embedded one |
| ``HUB_KAFKA_BOOTSTRAP_SERVERS`` | Kafka to use as the log; none: the log lies in PostgreSQL |
| ``HUB_KAFKA_TOPIC_PREFIX`` | stands before every topic's name, where a cluster is shared; default none |
| ``HUB_MASTER_KEY`` | base64 of 32 bytes that seal all other keys; none: generated in ``HUB_HOME`` |
| ``HUB_PARTITIONS`` | partitions of every topic, chosen once; default 12 |
| ``HUB_LANES`` | processes of ``hub serve`` that share folding and deciding; default: processors, at most 4; 1: none apart |
| ``HUB_SYNCS_AT_ONCE`` | runs and probes of ``hub serve`` at the same time, at most; default 16 |
| ``HUB_SEAL_SECONDS`` | seconds between two seals of the chain by ``hub serve``; default 3600 |
| ``HUB_LOG_LEVEL`` | debug, info, warning or error; default info |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from hub.errors import Refused

PREFIX = "HUB_"
TEST_PREFIX = "HUB_TEST_"
"""The tests' own settings begin with this and are none of the hub's."""
MOST_LANES = 4
"""Lanes that are taken without being asked for: more of them wait for the database's disk."""


class Settings(BaseModel):
    """The hub's settings; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path(".hub")
    database_url: SecretStr | None = None
    kafka_bootstrap_servers: str | None = None
    kafka_topic_prefix: str = ""
    master_key: SecretStr | None = None
    partitions: int = Field(12, ge=1, le=1000)
    lanes: int = Field(default_factory=lambda: min(MOST_LANES, os.cpu_count() or 1), ge=1, le=64)
    syncs_at_once: int = Field(16, ge=1, le=256)
    seal_seconds: int = Field(3600, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def on_kafka(self) -> bool:
        """Whether the log lies on Kafka."""
        return bool(self.kafka_bootstrap_servers)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. An empty value counts as not given.

    Raises Refused naming the setting, the rule and what was expected.
    """
    given = os.environ if environment is None else environment
    values = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in given.items()
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX) and value.strip()
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        known = ", ".join(PREFIX + field.upper() for field in Settings.model_fields)
        unknown = first["type"] == "extra_forbidden"
        said = "is no setting" if unknown else str(first["msg"]).lower()
        rule = "known setting" if unknown else said
        raise Refused(f"{name}: {said}; the settings are {known}", field=name, rule=rule, expected=known) from None
