"""Taking in: what `hub sync`, `hub import` and `hub integrations test` do, put together over a hub.

A sync asks the integration's connector for what changed since the watermark; an import reads a file. Both are runs with
the same accounting. A run of an integration holds a lock, so that two never overlap.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from connectors import registry
from connectors.contract import Check, Connector, Item, Pull
from connectors.observe import Observer
from hub.bootstrap import Hub, clock
from hub.domain.integration_config import IntegrationConfig
from hub.domain.sealing import from_text
from hub.domain.units import SECOND
from hub.errors import Refused
from hub.identity.reactor import IdentityReactor
from hub.intake.publish import Publisher, storable
from hub.intake.run import Accounting, Run, Source
from hub.integrations import commands as acts
from projections.queries import Queries

OVERLAP = 600 * SECOND
"""How far a watermark is stepped back, since no source gives a complete change feed."""
RUN_LOCK = 7_203
"""First key of the advisory lock that a run holds; the second is made of the integration's id."""

Progress = Callable[[int], None]


class Index:
    """The statements an integration has stored; the port that connectors of statements ask."""

    def __init__(self, queries: Queries, integration_id: str) -> None:
        self._queries = queries
        self._integration_id = integration_id

    def find(self, statement_ids: Any) -> Mapping[str, tuple[str | None, str | None, str | None]]:
        """What is known of these statements."""
        return self._queries.statements(self._integration_id, list(statement_ids))


class Intake:
    """Runs syncs and imports of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._queries = Queries(hub.connection)
        self._reactor = IdentityReactor(hub.commands, self._queries.matchable_accounts, self._queries.stale_enrollments)

    def config(self, company_id: str, code: str) -> IntegrationConfig:
        """The configuration of an integration, its credentials opened. Raises Refused where there is none."""
        return self._configured(company_id, code)[0]

    def import_file(
        self, company_id: str, code: str, path: str, options: Mapping[str, Any], progress: Progress = lambda _: None
    ) -> Accounting:
        """Take in a file.

        Raises Refused where the file as a whole, an option or the integration says no; Retriable where something is away.
        """
        config, _ = self._configured(company_id, code)
        name, digest = storable(Path(path).name), _sha256(path)
        with self._exclusive(config):
            run_id = str(uuid4())
            observer = self._observer(config, run_id, name)
            items = registry.read_file(path, config, observer, options, clock, self._ports(config))
            return self._run(config, run_id, name, progress).execute(Source("import", items, name, digest))

    def preview(self, company_id: str, code: str, path: str, options: Mapping[str, Any], limit: int = 20) -> list[Item]:
        """The first items that a file would give; nothing is published, no key is made."""
        config, _ = self._configured(company_id, code)
        observer = self._observer(config, None, Path(path).name)
        return list(islice(registry.read_file(path, config, observer, options, clock, self._ports(config)), limit))

    def sync(
        self, company_id: str, code: str, *, full: bool = False, progress: Progress = lambda _: None
    ) -> Accounting:
        """Ask the LMS for what changed since the last completed sync, or for everything."""
        config, watermark = self._configured(company_id, code)
        with self._exclusive(config):
            run_id = str(uuid4())
            observer = self._observer(config, run_id, config.api_endpoint_url or config.lms_code)
            connector = registry.connect(config, observer, self._ports(config))
            try:
                since = None if full or watermark is None else watermark - OVERLAP
                items = connector.pull(Pull(since, full, now=clock))
                kind = "full sync" if full else "sync"
                source = Source(
                    kind,
                    items,
                    config.api_endpoint_url or config.lms_code,
                    None,
                    connector.requests,
                    connector.watermark,
                )
                return self._run(config, run_id, source.name, progress).execute(source)
            finally:
                connector.close()

    def test(self, company_id: str, code: str) -> list[Check]:
        """Try the connection, and tell the integration's status by it."""
        config, _ = self._configured(company_id, code)
        connector: Connector = registry.connect(
            config, self._observer(config, None, config.lms_code), self._ports(config)
        )
        try:
            found = connector.test()
        finally:
            connector.close()
        self._hub.commands.execute(
            acts.connection_tested(company_id, config.lms_code, good=all(check.ok for check in found))
        )
        return found

    def _configured(self, company_id: str, code: str) -> tuple[IntegrationConfig, int | None]:
        row = self._queries.config(company_id, code)
        if row is None:
            raise Refused(f"integration: there is none with the code {code}; expected one of `hub integrations list`",
                          field="integration", rule="exists", expected="a known code")  # fmt: skip
        sealed = (row["authentication_config"] or {}).get("sealed")
        credentials = self._hub.keyring.open_credentials(company_id, from_text(sealed)) if sealed else {}
        return _config_of(company_id, row, credentials), row["watermark"]

    def _observer(self, config: IntegrationConfig, run_id: str | None, name: str) -> Observer:
        return Observer(config, self._hub.keyring, run_id=run_id, source_name=name, defer=True)

    def _ports(self, config: IntegrationConfig) -> registry.Ports:
        return registry.Ports(index=Index(self._queries, config.id))

    def _run(self, config: IntegrationConfig, run_id: str, name: str, progress: Progress) -> Run:
        around = self._hub.around
        publisher = Publisher(
            config,
            run_id,
            name,
            self._hub.keyring,
            around.append,
            around.encode,
            clock,
            self._queries.known_dead_letters,
        )
        return Run(
            publisher, self._hub.commands, self._hub.watch, self._queries.run_outcomes, self._reactor.react, clock,
            progress, lambda: self._hub.closing,
        )  # fmt: skip

    @contextmanager
    def _exclusive(self, config: IntegrationConfig) -> Iterator[None]:
        """One run per integration at a time."""
        key = run_key(config.id)
        with self._hub.connect() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (RUN_LOCK, key)).fetchone()
            if row is None or not row[0]:
                raise Refused(
                    f"integration: another run of {config.lms_code} is under way; expected it to end first",
                    field="integration", rule="one run at a time", expected="no run under way",
                )  # fmt: skip
            yield


def run_key(integration_id: str) -> int:
    """The second key of the advisory lock that a run of this integration holds."""
    return int(hashlib.sha256(integration_id.encode()).hexdigest()[:7], 16)


def _config_of(company_id: str, row: Mapping[str, Any], credentials: Mapping[str, str]) -> IntegrationConfig:
    settings = row["connector_settings"]
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
        settings=json.loads(settings) if isinstance(settings, str) else settings or {},
        zone=row["time_zone"] or "UTC",
    )


def _sha256(path: str) -> str:
    """SHA-256 of a file, hex. Raises Refused where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as problem:
        raise Refused(f"file: {path} cannot be read ({problem.strerror}); expected a readable file", field="file",
                      rule="readable", expected="a readable file") from problem  # fmt: skip
    return digest.hexdigest()
