"""Taking in: what `hub sync`, `hub import` and `hub integrations test` do, put together over a hub.

A sync asks the integration's connector for what changed since the watermark; an import reads a file. Both are runs with
the same accounting. A run of an integration holds a lock, so that two never overlap; whoever gets it tells of a run that
ended without a word. No run takes place in a planned window.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from connectors import registry
from connectors.contract import Check, Item
from connectors.http import Pace
from connectors.http_limit import RateLimit
from connectors.observe import Observer
from hub.bootstrap import Hub, clock
from hub.deciding.envelope import HUB, Actor
from hub.domain.integration_config import IntegrationConfig
from hub.domain.units import SECOND, text_of
from hub.domain.values import IntegrationMethod
from hub.errors import Refused
from hub.identity.reactor import IdentityReactor
from hub.intake.budget import PgBucket
from hub.intake.comparing import Loss, Shown
from hub.intake.configured import Configured, configured
from hub.intake.exclusive import RUN_LOCK, RunUnderWay, exclusive, run_key
from hub.intake.guard import Guard, loss_of
from hub.intake.measure import Patience
from hub.intake.publish import Publisher, storable
from hub.intake.pulling import Pulling
from hub.intake.run import FULL, Accounting, Run, Source
from hub.integrations import commands as acts
from hub.integrations import windows
from hub.integrations.telling import tell
from projections.queries import Queries

RUN_PATIENCE = 900.0
"""Seconds that a run waits, at most, where the LMS or the rate limit asks it to; then it is tried again later."""
TEST_PATIENCE = 30.0
"""Seconds that a test waits, at most, where the LMS or the rate limit asks it to."""
LOOK_PATIENCE = 40.0
"""Seconds that what a person begins waits, at most, for the server's own look at the connection."""
HELD = "SELECT held FROM hub.sync_run WHERE id = %s AND lms_integration_id = %s"

Progress = Callable[[int], None]
__all__ = ["RUN_LOCK", "Intake", "RunUnderWay", "is_good", "run_key"]


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
        return self._configured(company_id, code).config

    # -- files -----------------------------------------------------------------------------------------------

    def import_file(
        self, company_id: str, code: str, path: str, options: Mapping[str, Any], progress: Progress = lambda _: None
    ) -> Accounting:
        """Take in a file. One that is refused as a whole is a failed run, told like any other.

        Raises Refused where the file as a whole, an option or the integration says no, or there is no such file (which is
        no run); Retriable where something is away.
        """
        config = self.config(company_id, code)
        name, digest = storable(Path(path).name), _sha256(path)
        with exclusive(self._hub, config, LOOK_PATIENCE):
            run_id = str(uuid4())
            observer = self._observer(config, run_id, name)
            items = _items_of(lambda: registry.read_file(path, config, observer, options, clock, self.ports(config)))
            return self.runner(config, run_id, name, progress).execute(Source("import", items, name, digest))

    def preview(self, company_id: str, code: str, path: str, options: Mapping[str, Any], limit: int = 20) -> list[Item]:
        """The first items that a file would give; nothing is published, no key is made."""
        config = self.config(company_id, code)
        observer = self._observer(config, None, Path(path).name)
        return list(islice(registry.read_file(path, config, observer, options, clock, self.ports(config)), limit))

    # -- syncs -----------------------------------------------------------------------------------------------

    def sync(
        self,
        company_id: str,
        code: str,
        *,
        full: bool = False,
        accept: str | None = None,
        actor: Actor = HUB,
        reason: str | None = None,
        progress: Progress = lambda _: None,
    ) -> Accounting:
        """Ask the LMS for what changed since the last completed sync, or for everything, because a person wants it.

        ``accept``: the held run that the person says yes to; a full pass follows that may drop as much.

        Raises HeldRun where the mass-change guard holds it, Refused where the integration, a window or the LMS says no,
        Retriable where something is away.
        """
        with self._turn(company_id, code, LOOK_PATIENCE) as (one, connection):
            if accept is None:
                return self._sync(one, connection, full, None, "person", actor, progress)
            accepted = self._accept(one, accept, actor, reason)
            return self._sync(one, connection, True, accepted, "accept", actor, progress)

    def sync_if(
        self, company_id: str, code: str, is_due: Callable[[], bool], *, full: bool = False, trigger: str = "schedule"
    ) -> bool:
        """The same by itself: nothing is done where ``is_due``, asked once no other run can take place, says no.

        Raises as :meth:`sync`; RunUnderWay where another run is.
        """
        with self._turn(company_id, code) as (one, connection):
            if not is_due():
                return False
            self._sync(one, connection, full, None, trigger, HUB, lambda _: None)
            return True

    @contextmanager
    def _turn(
        self, company_id: str, code: str, patience: float = 0.0
    ) -> Iterator[tuple[Configured, psycopg.Connection[Any]]]:
        """The right to run: a connector, no planned window, nobody else at it; and the integration as it is then."""
        one = self._configured(company_id, code)
        registry.connector_class(one.config.lms_type, one.config.integration_method)
        self.demand_open(one)
        with exclusive(self._hub, one.config, patience) as connection:
            yield self._configured(company_id, code), connection

    def _sync(
        self,
        one: Configured,
        connection: psycopg.Connection[Any],
        full: bool,
        accepted: Loss | None,
        trigger: str,
        actor: Actor,
        progress: Progress,
    ) -> Accounting:
        config, run_id = one.config, str(uuid4())
        name = config.api_endpoint_url or config.lms_code
        can_show = registry.shows_gone(config.lms_type, config.integration_method)
        patience = Patience(lambda: self._hub.closing)
        ports = self.ports(config, patience)
        observer = self._observer(config, run_id, name, backfill=not one.has_succeeded)
        shown = Shown(connection, config.id, can_show=can_show)
        spools = shown.can_lose and (full or one.watermark is None)
        guard = Guard(shown, one.own, spools, self._hub.settings.home, accepted)
        with Pulling(config, observer, ports, one.watermark, full) as pulling:
            run = self.runner(config, run_id, name, progress)
            run.guard, run.waited = guard, lambda: patience.seconds
            source = Source(
                FULL if full else "sync",
                pulling.items(),
                name,
                requests=pulling.requests,
                watermark=pulling.watermark,
                coverage=pulling.coverage,
                trigger=trigger,
                actor=actor,
                is_live=one.has_succeeded,
            )
            return run.execute(source)

    def _accept(self, one: Configured, run_id: str, actor: Actor, reason: str | None) -> Loss:
        """Release a held run; what it named may be dropped."""
        config = one.config
        held = None
        if _is_uuid(run_id):
            with self._hub.connection() as connection:
                row = connection.execute(HELD, (run_id, config.id)).fetchone()
            held = row[0] if row else None
        loss = loss_of(held) if held else Loss(0, 0, 0, 0)
        tell(
            self._hub.commands,
            acts.run_released(config.company_id, config.id, run_id, loss.people, actor=actor, reason=reason),
        )
        return loss

    def demand_open(self, one: Configured) -> None:
        """Raise Refused in a planned window."""
        until = windows.now_in(one.own.maintenance, clock(), one.config.zone)
        if until is not None:
            raise Refused(
                f"maintenance: {one.config.lms_code} is in a planned window; expected a start after {text_of(until)}",
                field="maintenance", rule="no run in a planned window", expected=f"a start after {text_of(until)}",
            )  # fmt: skip

    def tell_interrupted(self, company_id: str, code: str) -> bool:
        """Tell of runs whose process ended without a word. False where a run is under way, so that nothing is to be told."""
        try:
            with exclusive(self._hub, self.config(company_id, code)):
                return True
        except RunUnderWay:
            return False

    # -- the connection --------------------------------------------------------------------------------------

    def test(self, company_id: str, code: str, *, actor: Actor = HUB) -> list[Check]:
        """Try the connection, and tell the integration's status by it: Testing meanwhile.

        Raises Refused where there is nothing to connect to, since files are imported.
        """
        config = self.config(company_id, code)
        if config.integration_method == IntegrationMethod.FILE_UPLOAD:
            registry.connector_class(config.lms_type, config.integration_method)
        tell(self._hub.commands, acts.begin_test(company_id, config.lms_code, actor=actor))
        return self._tried(company_id, code, actor)

    def probe(self, company_id: str, code: str, *, is_due: Callable[[], bool] = lambda: True) -> None:
        """Try the connection quietly: only a change of status, and the first contact of a day, is told. Nothing is done
        where ``is_due``, asked once no run can take place, says no, or where the hour's requests are used up.

        Raises RunUnderWay where a run is.
        """
        config = self.config(company_id, code)
        with exclusive(self._hub, config):
            bucket = PgBucket(self._hub.connection, config.id)
            if is_due() and RateLimit(config.rate_limit_per_hour, bucket, seconds).take() == 0:
                self._tried(company_id, code, HUB)

    def _tried(self, company_id: str, code: str, actor: Actor) -> list[Check]:
        config = self.config(company_id, code)
        ports = self.ports(config, Patience(lambda: self._hub.closing), TEST_PATIENCE)
        try:
            connector = registry.connect(config, self._observer(config, None, config.lms_code), ports)
            try:
                found = connector.test()
            finally:
                connector.close()
        except Refused as problem:
            found = [Check("configuration", ok=False, text=str(problem))]
        tell(
            self._hub.commands,
            acts.connection_tested(company_id, config.lms_code, good=is_good(found), zone=config.zone, actor=actor),
        )
        return found

    # -- parts -----------------------------------------------------------------------------------------------

    def _configured(self, company_id: str, code: str) -> Configured:
        return configured(self._hub, self._queries, company_id, code)

    def _observer(
        self, config: IntegrationConfig, run_id: str | None, name: str, *, backfill: bool = False
    ) -> Observer:
        return Observer(config, self._hub.keyring, run_id=run_id, source_name=name, backfill=backfill, defer=True)

    def ports(
        self, config: IntegrationConfig, patience: Patience | None = None, longest_wait: float = RUN_PATIENCE
    ) -> registry.Ports:
        """What connectors borrow. ``patience``: with what waits for an LMS, at most ``longest_wait`` seconds at once."""
        index = Index(self._queries, config.id)
        if patience is None:
            return registry.Ports(index=index)
        bucket = PgBucket(self._hub.connection, config.id)
        pace = Pace(clock=seconds, sleep=patience.sleep, bucket=bucket, longest_wait=longest_wait)
        return registry.Ports(index=index, pace=pace)

    def runner(self, config: IntegrationConfig, run_id: str, name: str, progress: Progress = lambda _: None) -> Run:
        """What carries out a run of an integration. ``name``: that of the source."""
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


def is_good(found: list[Check]) -> bool:
    """Whether the connection is good: what fails leaves, at most, columns empty."""
    return all(check.ok or check.empty_columns for check in found)


def _items_of(read: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """The items of a source that is opened when the first of them is asked for: so what is wrong with it is the run's."""
    yield from read()


def seconds() -> float:
    """The wall clock, seconds since 1970: what processes that share a rate limit read alike."""
    return clock() / SECOND


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


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
