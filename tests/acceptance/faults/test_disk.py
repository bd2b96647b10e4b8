"""Disks that are full: the database's, for its tables and for its write-ahead log, and that of the hub's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.bootstrap import open_hub
from tests.acceptance.faults.conftest import MakeScene
from tests.support.cli import Cli, Starter
from tests.support.living import connect, lms
from tests.support.pg_node import PgNode, pg_node
from tests.support.services import Databases
from tests.support.site import furnish, site
from tests.support.small_disk import NoSmallDisk, SmallDisk, small_disk

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

TABLES_MIB, WAL_MIB, HOME_MIB = 160, 64, 4
FULL = "No space left on device"
REFUSALS = 5


@pytest.fixture
def disks() -> Iterator[list[SmallDisk]]:
    """Three small disks: for tables, for the write-ahead log, for the hub's own folder; where none may be mounted the rule is
    held by the unit tests of what has no room alone."""
    with ExitStack() as stack:
        try:
            made = [stack.enter_context(small_disk(size)) for size in (TABLES_MIB, WAL_MIB, HOME_MIB)]
        except NoSmallDisk as reason:
            pytest.skip(str(reason))
        yield made


def test_the_disk_of_the_database_is_full(event_log_kind: str, make_scene: MakeScene, disks: list[SmallDisk]) -> None:
    """First no table can grow: what would be written is refused and waits. Then the write-ahead log cannot: PostgreSQL gives
    up and has to be started again. When there is room everything goes on by itself."""
    tables, wal, _ = disks
    with pg_node(data=tables.path / "data", wal=wal.path / "wal", max_wal_size="16MB") as node:
        url = Databases(node.address).create()
        with make_scene(event_log_kind, database_url=url) as scene:
            scene.flowed(1)
            with scene.fault("no room for tables"):
                tables.fill()
                scene.until(lambda: _refusals(node) >= REFUSALS, "PostgreSQL refuses for want of room")
                told = scene.status()
                assert told.code == 0 or told.is_plain_refusal(), told
                tables.relieve()
            scene.flowed(1)
            with scene.fault("no room for the write-ahead log"):
                wal.fill()
                scene.until(lambda: "PANIC" in node.said(), "PostgreSQL panics for want of room")
                scene.until(lambda: scene.status().code == 1, "status says that it cannot look")
                wal.relieve()
                node.start()
            scene.flowed(1)
            scene.settle()
            assert scene.exits == []
            scene.verify()


def _refusals(node: PgNode) -> int:
    return node.said().count(FULL)


def test_the_hubs_folder_is_full(database_url: str, disks: list[SmallDisk], tmp_path: Path, starter: Starter) -> None:
    """A full pass that needs room for its spool fails in one plain sentence, before anything of it is published; whatever
    needs none goes on, and with room the next pass takes in what the LMS tells."""
    *_, disk = disks
    home = disk.path / "home"
    with (
        lms("moodle", "--learners", "12", "--courses", "4") as moodle,
        site("postgresql", database_url, tmp_path, None) as made,
    ):
        made.environment["HUB_HOME"] = str(home)
        with open_hub(made.settings) as hub:
            furnish(hub, 12)
            connect(hub, moodle)
        cli = Cli(home, made.environment, starter=starter)
        cli.ok("sync", "moodle", "--full")
        assert moodle.differences(made.url) == []
        moodle.say("step 40")
        disk.fill()
        told = cli.refused("sync", "moodle", "--full")
        assert "HUB_HOME" in told
        assert FULL in told
        status = cli.ok("status", "--json").json()
        (last,) = (one for one in status["integrations"] if one["lms_code"] == "moodle")
        assert (last["last_run"], FULL in last["failure"]) == ("failed", True)
        assert sum(topic["behind"] or 0 for topic in status["topics"]) == 0
        assert moodle.differences(made.url) != [], "the LMS told nothing new"
        disk.relieve()
        cli.ok("sync", "moodle", "--full")
        assert moodle.differences(made.url) == []
