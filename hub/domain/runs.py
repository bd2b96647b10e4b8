"""Decisions about runs of an integration, and about the connection that runs, tests and probes show.

Rules: a run is refused where the integration is switched off or only sends. Failed runs in a row are counted up to
``max_retry_attempts``; there the breaker opens (status Error) and closes by a good test or probe. Status Testing and
Maintenance remember what was before, so that a lost connection is told once. A full pass that is held stays so until a
full pass completes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.domain.integrations import Configs, IntegrationChange, known
from hub.domain.rows import Changes, Row, value_of
from hub.domain.units import SECOND, day_in
from hub.domain.values import ConnectionStatus, IntegrationMethod, SyncDirection
from hub.errors import Refused

FIRST_PAUSE, LONGEST_PAUSE = 30 * SECOND, 900 * SECOND
"""Before a failed run is tried again: the pause after the first failure, doubled after each, up to the longest."""
DOWN = frozenset({ConnectionStatus.DISCONNECTED.value, ConnectionStatus.ERROR.value})
PASSING = frozenset({ConnectionStatus.TESTING.value, ConnectionStatus.MAINTENANCE.value})
UP = ConnectionStatus.CONNECTED.value

UNBALANCED = "the accounting does not add up"
"""The failure of a run whose records did not all come to one outcome."""
INTERRUPTED = "interrupted:"
"""How the failure of a run begins that ended because the hub did."""

SCHEDULED = frozenset({"schedule", "retry", "probe"})
"""Triggers of runs that nobody asked for."""

Run = Mapping[str, Any]


def started(configs: Configs, config_id: str, run_id: str, run: Run) -> IntegrationChange:
    """A run begins. Raises Refused where the integration is switched off, or takes nothing in."""
    row = known(configs, config_id)
    if not row["is_active"]:
        raise Refused(
            f"is_active: the integration {row['lms_code']} is switched off; expected an active one",
            field="is_active", rule="active", expected="hub integrations activate",
        )  # fmt: skip
    if row.get("sync_direction") == SyncDirection.OUTBOUND:
        raise Refused(
            f"sync_direction: the integration {row['lms_code']} only sends; expected Bidirectional or Inbound Only",
            field="sync_direction", rule="takes in", expected="Bidirectional or Inbound Only",
        )  # fmt: skip
    if run.get("trigger") in SCHEDULED and value_of(row, "stopped_at") is not None:
        raise Refused(
            f"dead_letter_limit: too many dead letters of {row['lms_code']} are open; expected fewer "
            "(`hub deadletters list`), or a run by hand",
            field="dead_letter_limit", rule="a park that grows stops its source", expected="fewer open dead letters",
        )  # fmt: skip
    return IntegrationChange("lms.sync.started.v1", config_id, run_id=run_id, run={"status": "running", **run})


def completed(
    configs: Configs, config_id: str, run_id: str, run: Run, at: int, *, is_whole: bool = False
) -> IntegrationChange:
    """A run ended and its accounting adds up: the connection is good, failures in a row are over. ``is_whole``: what is
    gone from the LMS was looked for, so that no run is held any more."""
    row = known(configs, config_id)
    changes = Changes(row)
    changes.put("last_sync_at", at)
    changes.put("last_successful_sync_at", at)
    changes.put("watermark", run.get("watermark"))
    cleared: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    if _shows_connection(row, run):
        cleared, also = _good(row, changes, at)
    if run.get("kind") == "full sync":
        changes.put("full_pass_at", at)
        cleared += changes.unknown("held_run") if is_whole else ()
    return IntegrationChange(
        "lms.sync.completed.v1", config_id, changes.new, cleared, run_id=run_id,
        run={"status": "completed", **run}, also=also,
    )  # fmt: skip


def failed(
    configs: Configs, config_id: str, run_id: str, run: Run, at: int, retry_after: int | None = None
) -> IntegrationChange:
    """A run failed: one more in a row, Error when the limit is reached, Disconnected where the host cannot be reached
    (``run["unreachable"]``). ``retry_after``: microseconds that the source asked to wait."""
    row = known(configs, config_id)
    changes = Changes(row)
    changes.put("last_sync_at", at)
    also: tuple[str, ...] = ()
    told = {"status": "failed", **run}
    if _shows_connection(row, run):
        also = _bad(row, changes, bool(run.get("unreachable")))
        if _is_pull(run):
            changes.put("pulled_at", at)
        changes.put("retry_at", at + max(pause(changes.known("error_count") or 0), retry_after or 0))
        if run.get("kind") != "import":
            changes.put("last_contact_at", at)
        changes.first("failing_since", run.get("failing_since") or at)
        told["failing_since"] = changes.known("failing_since")
    return IntegrationChange("lms.sync.failed.v1", config_id, changes.new, run_id=run_id, run=told, also=also)


def held(configs: Configs, config_id: str, run_id: str, run: Run, at: int) -> IntegrationChange:
    """A full pass is held by the mass-change guard. The connection is good; the watermark stays."""
    row = known(configs, config_id)
    changes = Changes(row)
    changes.put("last_sync_at", at)
    cleared, also = _good(row, changes, at)
    changes.put("held_run", run_id)
    return IntegrationChange(
        "lms.run.held.v1", config_id, changes.new, cleared, run_id=run_id, run={"status": "held", **run}, also=also
    )


def released(configs: Configs, config_id: str, run_id: str) -> IntegrationChange:
    """A person accepts what the held run would do. Raises Refused where it is not the held one."""
    row = known(configs, config_id)
    now_held = value_of(row, "held_run")
    if now_held != run_id:
        expected = f"the held run {now_held}" if now_held else "a run that is held, and none is"
        raise Refused(f"run: {run_id} is not the held run of {row['lms_code']}; expected {expected}",
                      field="run", rule="held", expected=expected)  # fmt: skip
    return IntegrationChange("lms.run.released.v1", config_id, run_id=run_id, run={"status": "released"})


def testing(configs: Configs, config_id: str) -> IntegrationChange | None:
    """A test begins; None where the integration is switched off and so stays Disconnected."""
    row = known(configs, config_id)
    if not row["is_active"] or row["connection_status"] == ConnectionStatus.TESTING:
        return None
    return _passing(row, config_id, "lms.connection.testing.v1", ConnectionStatus.TESTING)


def connection(configs: Configs, config_id: str, *, good: bool, at: int, zone: str) -> IntegrationChange | None:
    """What a test or a probe found. None where that was known and the company's day has seen a contact already, or where
    the integration is switched off and stays so."""
    row = known(configs, config_id)
    if not row["is_active"]:
        return None
    before, changes = status_before(row), Changes(row)
    changes.put("last_contact_at", at)
    if good:
        cleared, also = _good_contact(row, changes, at)
    else:
        cleared, also = changes.unknown("status_before"), _lost(before)
        wanted = ConnectionStatus.ERROR if before == ConnectionStatus.ERROR else ConnectionStatus.DISCONNECTED
        changes.put("connection_status", wanted.value)
        changes.first("failing_since", at)
    name = _name_of(row, before, changes.known("connection_status"), at, zone)
    if name is None:
        return None
    rest = tuple(one for one in also if one != name)
    return IntegrationChange(f"lms.{name}.v1", config_id, changes.new, cleared, also=rest)


def maintenance(configs: Configs, config_id: str, *, begins: bool) -> IntegrationChange | None:
    """A planned window begins or is over; None where the status says so already."""
    row = known(configs, config_id)
    is_in = row["connection_status"] == ConnectionStatus.MAINTENANCE
    if begins == is_in or (begins and not row["is_active"]):
        return None
    if begins:
        return _passing(row, config_id, "lms.connection.maintenance_began.v1", ConnectionStatus.MAINTENANCE)
    changes = Changes(row)
    changes.put("connection_status", status_before(row))
    gone = changes.unknown("status_before")
    return IntegrationChange("lms.connection.maintenance_ended.v1", config_id, changes.new, gone)


def pause(failures: int) -> int:
    """Microseconds between a failed run and the next one, by the number of failures in a row."""
    return int(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 10)))


def status_before(row: Row) -> str:
    """The status, or where a test or a window hides it, the one before."""
    status = row["connection_status"] or ConnectionStatus.DISCONNECTED.value
    if status in PASSING:
        status = value_of(row, "status_before") or ConnectionStatus.DISCONNECTED.value
    return str(status)


def _passing(row: Row, config_id: str, name: str, status: ConnectionStatus) -> IntegrationChange:
    changes = Changes(row)
    changes.put("status_before", status_before(row))
    changes.put("connection_status", status.value)
    return IntegrationChange(name, config_id, changes.new)


def _is_pull(run: Run) -> bool:
    return run.get("kind") != "import"


def _shows_connection(row: Row, run: Run) -> bool:
    """Whether a run says anything of the connection. A file handed over says nothing of an LMS's own API, and a run that
    ended with its process says nothing of anything but the hub."""
    if str(run.get("failure") or "").startswith(INTERRUPTED):
        return False
    return _is_pull(run) or row["integration_method"] == IntegrationMethod.FILE_UPLOAD


def _good(row: Row, changes: Changes, at: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """After a run without failure: what is cleared, what happened besides."""
    changes.put("error_count", 0)
    changes.put("pulled_at", at)
    changes.put("last_contact_at", at)
    gone = changes.unknown("status_before", "failing_since", "retry_at")
    if not row["is_active"]:
        return gone, ()
    changes.put("connection_status", UP)
    return gone, _restored(status_before(row))


def _good_contact(row: Row, changes: Changes, at: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """After a good test or probe. Where it closes the breaker, a run may follow at once, and one more failure opens it."""
    before = status_before(row)
    changes.put("connection_status", UP)
    gone = changes.unknown("status_before", "failing_since") if before in DOWN else changes.unknown("status_before")
    if before == ConnectionStatus.ERROR:
        changes.put("error_count", max(0, (row["max_retry_attempts"] or 0) - 1))
    if before in DOWN and value_of(row, "retry_at") is not None:
        changes.put("retry_at", at)
    return gone, _restored(before)


def _bad(row: Row, changes: Changes, unreachable: bool) -> tuple[str, ...]:
    """After a failed run: what happened besides."""
    limit = row["max_retry_attempts"] or 0
    count = min((row["error_count"] or 0) + 1, limit)
    changes.put("error_count", count)
    if not row["is_active"]:
        return ()
    before, opens = status_before(row), count >= limit
    if opens:
        changes.put("connection_status", ConnectionStatus.ERROR.value)
    elif unreachable:
        changes.put("connection_status", ConnectionStatus.DISCONNECTED.value)
    else:
        return ()
    opened = ("breaker.opened",) if opens and before != ConnectionStatus.ERROR else ()
    return (*_lost(before), *opened)


def _lost(before: str) -> tuple[str, ...]:
    return ("connection.lost",) if before == UP else ()


def _restored(before: str) -> tuple[str, ...]:
    if before not in DOWN:
        return ()
    closed = ("breaker.closed",) if before == ConnectionStatus.ERROR else ()
    return ("connection.restored", *closed)


def _name_of(row: Row, before: str, after: str, at: int, zone: str) -> str | None:
    """The event that a test or a probe is; None where there is nothing to tell."""
    if before != after:
        return "connection.restored" if after == UP else "connection.lost"
    if row["connection_status"] == ConnectionStatus.TESTING:
        return "connection.tested"
    last = value_of(row, "last_contact_at")
    return None if last is not None and day_in(last, zone) == day_in(at, zone) else "connection.checked"


def stopped(configs: Configs, config_id: str, at: int) -> IntegrationChange | None:
    """Too many dead letters are open: no scheduled run begins any more; None where that is told already."""
    changes = Changes(known(configs, config_id))
    if changes.known("stopped_at") is not None:
        return None
    changes.put("stopped_at", at)
    return IntegrationChange("lms.source.stopped.v1", config_id, changes.new)


def resumed(configs: Configs, config_id: str) -> IntegrationChange | None:
    """Few enough are open: scheduled runs go on; None where they do."""
    gone = Changes(known(configs, config_id)).unknown("stopped_at")
    return IntegrationChange("lms.source.resumed.v1", config_id, cleared=gone) if gone else None
