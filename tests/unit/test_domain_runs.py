"""Decisions about runs, and about the connection that runs, tests and probes show (figures 9.1, design 7)."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain import runs
from hub.domain.integrations import IntegrationChange
from hub.domain.rows import Row, applied
from hub.domain.units import DAY, SECOND
from tests.unit.test_domain_integrations import config, refused

NOW = 1_770_000_000_000_000
STATE = frozenset(config()) - {"fold_state"}


def state(**values: Any) -> Row:
    """A configuration with values beside its columns."""
    return config(**{name: value for name, value in values.items() if name in STATE},
                  fold_state={name: value for name, value in values.items() if name not in STATE})  # fmt: skip


def after(row: Row, change: IntegrationChange | None) -> Row:
    """The row as it is folded."""
    assert change is not None
    return applied(row, STATE, change.config, change.cleared)


def test_a_run_begins_where_it_may() -> None:
    """No run of what is switched off, or only sends."""
    begun = runs.started({"c": config()}, "c", "r", {"kind": "sync", "started_at": 1})
    assert (begun.type, begun.run_id) == ("lms.sync.started.v1", "r")
    assert begun.run == {"status": "running", "kind": "sync", "started_at": 1}
    off, sending = {"c": config(is_active=False)}, {"c": config(sync_direction="Outbound Only")}
    assert refused(lambda: runs.started(off, "c", "r", {})) == ("is_active", "active")
    assert refused(lambda: runs.started(sending, "c", "r", {})) == ("sync_direction", "takes in")


def test_a_run_that_completes() -> None:
    """error_count 0 and Connected after a success; what failed before is over; the watermark moves."""
    row = state(error_count=3, connection_status="Error", failing_since=1, retry_at=2)
    end = runs.completed({"c": row}, "c", "r", {"kind": "sync", "watermark": 7}, 9)
    new = after(row, end)
    assert (new["connection_status"], new["error_count"], new["last_sync_at"], new["last_successful_sync_at"]) == (
        "Connected", 0, 9, 9,
    )  # fmt: skip
    assert new["fold_state"] == {"watermark": 7, "pulled_at": 9, "last_contact_at": 9}
    assert end.run == {"status": "completed", "kind": "sync", "watermark": 7}
    assert end.transitions == ("sync.completed", "connection.restored", "breaker.closed")
    quiet = runs.completed({"c": config(connection_status="Connected")}, "c", "r", {"kind": "sync"}, 9)
    assert quiet.transitions == ("sync.completed",)


def test_a_whole_full_pass_ends_what_was_held() -> None:
    """A full pass that could not look for what is gone leaves the held run held."""
    row = state(held_run="h")
    whole = runs.completed({"c": row}, "c", "r", {"kind": "full sync"}, 9, is_whole=True)
    assert after(row, whole)["fold_state"]["full_pass_at"] == 9
    assert "held_run" not in after(row, whole)["fold_state"]
    partly = runs.completed({"c": row}, "c", "r", {"kind": "full sync"}, 9)
    assert after(row, partly)["fold_state"]["held_run"] == "h"


@pytest.mark.parametrize(
    ("before", "limit", "unreachable", "count", "status", "also"),
    [
        (0, 3, False, 1, "Connected", ()),
        (0, 3, True, 1, "Disconnected", ("connection.lost",)),
        (2, 3, False, 3, "Error", ("connection.lost", "breaker.opened")),
        (3, 3, True, 3, "Error", ("connection.lost", "breaker.opened")),
        (0, 0, False, 0, "Error", ("connection.lost", "breaker.opened")),
    ],
)
def test_a_run_that_fails(
    before: int, limit: int, unreachable: bool, count: int, status: str, also: tuple[str, ...]
) -> None:
    """error_count: failed runs in a row, held at max_retry_attempts; Error when reached; Disconnected when the host
    cannot be reached. last_successful_sync_at stays."""
    row = state(error_count=before, max_retry_attempts=limit, connection_status="Connected")
    change = runs.failed({"c": row}, "c", "r", {"kind": "sync", "failure": "x", "unreachable": unreachable}, 9)
    new = after(row, change)
    assert (new["error_count"], new["connection_status"], change.also) == (count, status, also)
    assert (new["last_sync_at"], new["last_successful_sync_at"], change.run["status"]) == (9, None, "failed")
    assert new["fold_state"]["failing_since"] == change.run["failing_since"] == 9


def test_an_open_breaker_is_not_opened_again() -> None:
    """One drop is told once, whatever fails after it."""
    change = runs.failed({"c": state(error_count=3, connection_status="Error")}, "c", "r", {"kind": "sync"}, 9)
    assert change.transitions == ("sync.failed",)


def test_pauses_grow_and_the_source_may_ask_for_a_longer_one() -> None:
    """A failed run is tried again after 30 s, 1 min, 2 min … 15 min, and never before the source wants it."""
    assert [runs.pause(n) // SECOND for n in (0, 1, 2, 3, 5, 6, 99)] == [30, 30, 60, 120, 480, 900, 900]
    row = state(max_retry_attempts=9)
    first = runs.failed({"c": row}, "c", "r", {"kind": "sync"}, NOW)
    assert first.config["retry_at"] == NOW + 30 * SECOND
    asked = runs.failed({"c": row}, "c", "r", {"kind": "sync"}, NOW, retry_after=3600 * SECOND)
    assert asked.config["retry_at"] == NOW + 3600 * SECOND


def test_a_series_begins_with_its_first_failure() -> None:
    """Down time counts from the first failed request of the series."""
    row = state(max_retry_attempts=3, connection_status="Connected")
    first = runs.failed({"c": row}, "c", "r", {"kind": "sync", "failing_since": NOW - 5}, NOW)
    row = after(row, first)
    second = runs.failed({"c": row}, "c", "s", {"kind": "sync", "failing_since": NOW + 60}, NOW + 70)
    assert second.run["failing_since"] == NOW - 5


def test_a_file_says_nothing_of_an_api() -> None:
    """An import leaves the connection of an LMS with an API as it was; of File Upload it is all there is."""
    row = state(error_count=3, connection_status="Error", integration_method="API")
    assert "connection_status" not in runs.completed({"c": row}, "c", "r", {"kind": "import"}, 9).config
    assert "error_count" not in runs.failed({"c": row}, "c", "r", {"kind": "import"}, 9).config
    files = state(integration_method="File Upload")
    assert runs.completed({"c": files}, "c", "r", {"kind": "import"}, 9).config["connection_status"] == "Connected"


def test_what_is_switched_off_stays_disconnected() -> None:
    """is_active false: connection_status is Disconnected, whatever a run or a test says that was under way."""
    off = {"c": state(is_active=False, error_count=2)}
    assert "connection_status" not in runs.completed(off, "c", "r", {"kind": "sync"}, 5).config
    assert "connection_status" not in runs.failed(off, "c", "r", {"kind": "sync"}, 5).config
    assert runs.connection(off, "c", good=True, at=NOW, zone="UTC") is None
    assert runs.testing(off, "c") is None
    assert runs.maintenance(off, "c", begins=True) is None


def test_a_test_of_the_connection() -> None:
    """Connected after a success, Disconnected when the host cannot be reached."""
    bad = state()
    restored = runs.connection({"c": bad}, "c", good=True, at=NOW, zone="UTC")
    assert restored is not None
    assert (restored.type, restored.also) == ("lms.connection.restored.v1", ())
    good = state(connection_status="Connected", last_contact_at=NOW)
    lost = runs.connection({"c": good}, "c", good=False, at=NOW + 9, zone="UTC")
    assert lost is not None
    assert lost.type == "lms.connection.lost.v1"
    assert after(good, lost)["fold_state"]["failing_since"] == NOW + 9


def test_a_probe_is_told_once_a_day() -> None:
    """Where nothing changed, only the first contact of the company's day is an event: observed time begins with it."""
    row = state(connection_status="Connected", last_contact_at=NOW)
    later = (NOW // DAY) * DAY + DAY - 3600 * SECOND  # 23:00 in UTC, past midnight in Vienna
    assert runs.connection({"c": row}, "c", good=True, at=later, zone="UTC") is None
    checked = runs.connection({"c": row}, "c", good=True, at=later, zone="Europe/Vienna")
    assert checked is not None
    assert checked.type == "lms.connection.checked.v1"
    assert after(row, checked)["fold_state"]["last_contact_at"] == later


def test_a_good_probe_closes_the_breaker_and_a_run_may_follow() -> None:
    """The breaker closes by itself; one more failed run opens it again."""
    row = state(error_count=3, connection_status="Error", failing_since=1, retry_at=NOW + DAY)
    closed = runs.connection({"c": row}, "c", good=True, at=NOW, zone="UTC")
    assert closed is not None
    assert closed.transitions == ("connection.restored", "breaker.closed")
    new = after(row, closed)
    assert (new["error_count"], new["fold_state"]) == (2, {"retry_at": NOW, "last_contact_at": NOW})
    again = runs.failed({"c": new}, "c", "r", {"kind": "sync"}, NOW + 5)
    assert "breaker.opened" in again.transitions
    still = runs.connection({"c": row | {"fold_state": {"last_contact_at": NOW}}}, "c", good=False, at=NOW, zone="UTC")
    assert still is None  # a bad probe leaves it open


@pytest.mark.parametrize(
    ("before", "good", "name", "status"),
    [
        ("Connected", True, "connection.tested", "Connected"),
        ("Connected", False, "connection.lost", "Disconnected"),
        ("Disconnected", True, "connection.restored", "Connected"),
        ("Error", False, "connection.tested", "Error"),
        ("Error", True, "connection.restored", "Connected"),
    ],
)
def test_testing_is_looked_through(before: str, good: bool, name: str, status: str) -> None:
    """Testing while a test runs; what it finds is compared with what was before."""
    row = state(connection_status=before)
    during = after(row, runs.testing({"c": row}, "c"))
    assert during["connection_status"] == "Testing"
    found = runs.connection({"c": during}, "c", good=good, at=NOW, zone="UTC")
    assert found is not None
    assert found.transitions[0] == name
    new = after(during, found)
    assert (new["connection_status"], new["fold_state"].get("status_before")) == (status, None)


def test_a_run_that_fails_while_a_test_runs_is_a_drop() -> None:
    """Connected before the test: the connection is lost."""
    row = state(connection_status="Testing", status_before="Connected")
    assert runs.failed({"c": row}, "c", "r", {"kind": "sync", "unreachable": True}, 9).also == ("connection.lost",)


def test_a_planned_window() -> None:
    """Maintenance in a planned window; after it the status is what it was."""
    row = state(connection_status="Connected")
    began = runs.maintenance({"c": row}, "c", begins=True)
    during = after(row, began)
    assert during["connection_status"] == "Maintenance"
    assert runs.maintenance({"c": during}, "c", begins=True) is None
    ended = runs.maintenance({"c": during}, "c", begins=False)
    assert after(during, ended) == row
    assert runs.maintenance({"c": row}, "c", begins=False) is None


def test_a_held_run_and_its_release() -> None:
    """Held: the connection is good, the watermark stays. Only the held run can be released."""
    row = state(connection_status="Disconnected", error_count=1, watermark=5)
    held = runs.held({"c": row}, "c", "r", {"kind": "full sync", "held": "{}"}, 9)
    new = after(row, held)
    assert (held.type, held.also, held.run["status"]) == ("lms.run.held.v1", ("connection.restored",), "held")
    assert (new["connection_status"], new["last_successful_sync_at"], new["fold_state"]["watermark"]) == (
        "Connected", None, 5,
    )  # fmt: skip
    assert runs.released({"c": new}, "c", "r").run == {"status": "released"}
    assert refused(lambda: runs.released({"c": new}, "c", "other")) == ("run", "held")
    assert refused(lambda: runs.released({"c": row}, "c", "r")) == ("run", "held")
