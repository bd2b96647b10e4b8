"""Comparing, repairing, rebuilding and rolling back on one PostgreSQL, without other processes."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from hub.bootstrap import Hub
from hub.errors import Refused
from hub.rebuilding import loading
from hub.rebuilding.service import Rebuilding
from projections.rebuild import compare, pair, stamp, swap
from projections.rebuild.pair import LIVE, NEXT, OLD
from tests.support import equality
from tests.support.site import COMPANY


def acts(hub: Hub) -> Rebuilding:
    """Its acts, told to nobody."""
    return Rebuilding(hub, lambda *_: None)


def ask(hub: Hub, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the database."""
    with hub.connect() as connection:
        return connection.execute(query, values).fetchall()


def change(hub: Hub, statement: str) -> None:
    """Change the database behind the hub's back."""
    with hub.connect() as connection:
        connection.execute("SET session_replication_role = replica")  # whoever tampers, does not mind foreign keys
        assert connection.execute(statement).rowcount == 1


def different(results: list[compare.Result]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Table → what differs and in which columns."""
    return {one.table: [(row.what, row.columns) for row in one.differing] for one in results if one.differing}


def test_tables_equal_their_log_and_nothing_stays_behind(hub: Hub) -> None:
    """Every table of the read schema is compared, with a hash on each side, and the second set is gone afterwards."""
    results = acts(hub).compare()
    assert different(results) == {}
    assert {one.table for one in results} == {name for (name,) in ask(
        hub, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'hub'")}  # fmt: skip
    assert all(one.live == one.log for one in results)
    assert sum(one.rows for one in results) > 1000
    assert ask(hub, "SELECT to_regnamespace('hub_next')") == [(None,)]


def test_a_tampered_row_is_named_with_its_column_and_mended(hub: Hub) -> None:
    """Changed, deleted and invented rows of any table are found, and rewriting them is an event with its reason."""
    change(hub, "UPDATE hub.lms_course_enrollment SET progress_percentage = 1.5 WHERE id = (SELECT min(id::text)::uuid "
                "FROM hub.lms_course_enrollment WHERE progress_percentage IS DISTINCT FROM 1.5)")  # fmt: skip
    change(hub, "DELETE FROM hub.lms_audit_trail WHERE id = (SELECT min(id::text)::uuid FROM hub.lms_audit_trail)")
    change(hub, "INSERT INTO hub.team (id, company_id, code, name, is_active) SELECT gen_random_uuid(), id, 'X', 'X', true "
                "FROM hub.company")  # fmt: skip
    change(hub, "UPDATE hub.lms_course_enrollment_history SET late = NOT late WHERE (id, version) = (SELECT id, version "
                "FROM hub.lms_course_enrollment_history ORDER BY id, version LIMIT 1)")  # fmt: skip
    found = different(acts(hub).compare())
    assert found == {
        "lms_course_enrollment": [("differs", ("progress_percentage",))],
        "lms_audit_trail": [("missing", ())],
        "team": [("extra", ())],
        "lms_course_enrollment_history": [("differs", ("late",))],
    }
    epochs = ask(hub, "SELECT sum(epoch) FROM hub.projection_offset")[0][0]
    assert different(acts(hub).compare(mend=True, reason="somebody had psql")) == found
    assert different(acts(hub).compare()) == {}
    assert ask(hub, "SELECT sum(epoch) FROM hub.projection_offset")[0][0] > epochs
    told = ask(hub, "SELECT action_reason, audit_type, action, risk_level, impact_assessment FROM hub.lms_audit_trail "
                    "WHERE additional_context->>'event_type' = 'lms.projection.repaired.v1'")  # fmt: skip
    assert [row[:4] for row in told] == [("somebody had psql", "Performance Issue", "Update", "High")]
    assert "1 of lms_course_enrollment" in told[0][4]


def test_one_table_is_compared_and_mended_alone(hub: Hub) -> None:
    """``rebuild NAME`` looks at that table only; another one's damage stays as it was."""
    change(hub, "UPDATE hub.employee SET job_title = 'King' WHERE id = (SELECT min(id::text)::uuid FROM hub.employee)")
    change(hub, "UPDATE hub.course SET course_name = 'X' WHERE id = (SELECT min(id::text)::uuid FROM hub.course)")
    assert different(acts(hub).compare(["employee"], mend=True)) == {"employee": [("differs", ("job_title",))]}
    assert different(acts(hub).compare()) == {"course": [("differs", ("course_name",))]}
    with pytest.raises(Refused, match="table: nonsense is none"):
        acts(hub).compare(["nonsense"])


def test_what_a_fold_remembers_is_dropped_when_rows_are_rewritten(hub: Hub) -> None:
    """A server that has a damaged row in its memory does not write it back after the repair."""
    change(hub, "UPDATE hub.company SET created_at = '1999-01-01'")
    hub.commands.execute(rename("One"))  # folding loads the damaged row
    mended = different(acts(hub).compare(mend=True))
    assert mended == {name: [("differs", ("created_at",))] for name in ("company", "company_history")}
    hub.commands.execute(rename("Two"))
    assert ask(hub, "SELECT name FROM hub.company WHERE created_at > '2000-01-01'") == [("Two",)]
    assert different(acts(hub).compare()) == {}


def rename(name: str) -> Any:
    """A command that renames the company."""
    from hub.directory.commands import company
    from tests.support.site import CODE

    return company(CODE, name, time_zone="Europe/Berlin")


def catalog(url: str) -> list[tuple[Any, ...]]:
    """Everything that the catalog says about the read tables and the views: columns, keys, indexes, checks, comments, grants."""
    with psycopg.connect(url) as connection:
        return [
            row
            for query in (
                "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, "
                "col_description(a.attrelid, a.attnum), c.reloptions::text, obj_description(c.oid) FROM pg_attribute a "
                "JOIN pg_class c ON c.oid = a.attrelid WHERE relnamespace IN ('hub'::regnamespace, 'analytics'::regnamespace) "
                "AND relkind IN ('r', 'v') AND attnum > 0 ORDER BY 1, attnum",
                "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), convalidated::text FROM pg_constraint "
                "WHERE connamespace = 'hub'::regnamespace ORDER BY 1, 2",
                "SELECT tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'hub' ORDER BY indexdef",
                "SELECT viewname::text, definition FROM pg_views WHERE schemaname = 'analytics' ORDER BY 1",
                "SELECT d.adrelid::regclass::text, adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef d JOIN pg_class c "
                "ON c.oid = d.adrelid WHERE relnamespace = 'hub'::regnamespace ORDER BY 1, 2",
            )
            for row in connection.execute(query).fetchall()
        ]


def test_a_rebuild_gives_the_same_tables_in_every_respect(hub: Hub) -> None:
    """Rows, columns, keys (validated), indexes, checks, comments, defaults and views are those of before; the old rows are kept."""
    before = {name: equality.rows(hub.url, name) for name in LIVE if name != "projection_offset"}
    shape = catalog(hub.url)
    with hub.connect() as connection:
        connection.execute("CREATE ROLE rebuild_reader; GRANT SELECT ON hub.course TO rebuild_reader")
        try:
            done = acts(hub).rebuild(reason="as an exercise")
            assert ask(hub, "SELECT has_table_privilege('rebuild_reader', 'hub.course', 'SELECT')") == [(True,)]
        finally:
            connection.execute("DROP OWNED BY rebuild_reader; DROP ROLE rebuild_reader")
    assert different(done.results) == {}
    assert catalog(hub.url) == shape
    for name, rows in before.items():
        after = equality.rows(hub.url, name)
        assert {key: after[key] for key in rows if name != "stream_head" or key in after} | {} == rows, name
    told = ask(hub, "SELECT action_reason, action, risk_level FROM hub.lms_audit_trail "
                    "WHERE additional_context->>'event_type' = 'lms.projection.rebuilt.v1'")  # fmt: skip
    assert told == [("as an exercise", "Create", "Low")]
    assert len(ask(hub, "SELECT FROM hub_old.lms_course_enrollment")) == len(before["lms_course_enrollment"])
    with pytest.raises(Refused, match="drop-old"):
        acts(hub).rebuild()
    assert acts(hub).drop_old() == [OLD]
    assert different(acts(hub).compare()) == {}


ANALYSTS = "SELECT max(name)::varchar FROM hub.company JOIN analytics.employees e ON e.company_code = company.code"


def test_a_rollback_brings_the_old_tables_up_to_date(hub: Hub) -> None:
    """What was written after the rebuild is in the old tables when they are put back; and back again."""
    acts(hub).rebuild()
    hub.commands.execute(rename("After the rebuild"))
    shape = catalog(hub.url)
    acts(hub).rollback("it looked wrong")
    assert ask(hub, "SELECT name FROM hub.company") == ask(hub, ANALYSTS)
    assert ask(hub, "SELECT name FROM hub.company") == [("After the rebuild",)]
    assert catalog(hub.url) == shape
    hub.commands.execute(rename("After the rollback"))
    acts(hub).rollback()
    assert ask(hub, "SELECT name FROM hub.company") == [("After the rollback",)]
    acts(hub).drop_old()
    assert different(acts(hub).compare()) == {}
    with pytest.raises(Refused, match="there are none"):
        acts(hub).rollback()


def test_observations_that_wait_are_carried_over(hub: Hub) -> None:
    """What lies in the dead letters without a fold, and when records were parked or resolved, survives a rebuild."""
    change(hub, "INSERT INTO hub.dead_letter (id, company_id, kind, topic, partition, \"offset\", record, recorded_at) "
                f"VALUES (gen_random_uuid(), '{COMPANY}', 'behind', 'lms.observations', 0, 999999, 'x', '2026-01-01')")  # fmt: skip
    change(hub, "UPDATE hub.dead_letter SET resolved_at = '2026-02-02' WHERE id = (SELECT min(id::text)::uuid "
                "FROM hub.dead_letter WHERE kind = 'rejected')")  # fmt: skip
    before = equality.rows(hub.url, "dead_letter")
    acts(hub).rebuild()
    assert equality.rows(hub.url, "dead_letter") == before
    assert len(before) == 3


def test_a_damaged_live_table_is_not_swapped_unless_accepted(hub: Hub) -> None:
    """Differences that no version explains are shown to a person first; accepted, the rebuilt rows stand."""
    change(hub, "UPDATE hub.employee SET job_title = 'King' WHERE id = (SELECT min(id::text)::uuid FROM hub.employee)")
    with pytest.raises(Refused, match=r"employee \(1 rows\); nothing was swapped"):
        acts(hub).rebuild()
    assert ask(hub, "SELECT count(*) FROM hub.employee WHERE job_title = 'King'") == [(1,)]
    acts(hub).rebuild(accept=True)
    assert ask(hub, "SELECT count(*) FROM hub.employee WHERE job_title = 'King'") == [(0,)]


def test_a_new_version_is_told_and_built_without_side_effects(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of an older version are told; a rebuild brings them to the new one, and the log gets nothing but its own event."""
    monkeypatch.setitem(stamp.versions(), "lms_course_enrollment", 2)
    ends = {
        topic: hub.log.ends(topic) for topic in ("lms.learning", "lms.directory", "lms.integration", "lms.observations")
    }
    with hub.connect() as connection:
        assert stamp.differing(connection) == {"lms_course_enrollment": (1, 2)}
        change(hub, "UPDATE hub.lms_course_enrollment SET course_name = 'as the old version made it' WHERE id = (SELECT "
                    "min(id::text)::uuid FROM hub.lms_course_enrollment)")  # fmt: skip
        acts(hub).rebuild()
        assert stamp.differing(connection) == {}
    assert {topic: hub.log.ends(topic) for topic in ends} == ends
    assert ask(
        hub, "SELECT count(*) FROM hub.lms_course_enrollment WHERE course_name = 'as the old version made it'"
    ) == [(0,)]
    with pytest.raises(Refused, match="another version of the program"):
        acts(hub).rollback()


def test_who_reads_in_an_open_transaction_never_meets_the_other_tables(hub: Hub) -> None:
    """With a query open the swap gives way and tries again; the reader's transaction sees one state to its end."""
    with hub.connect() as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1 FROM pg_class")  # its view of the database is from now on fixed
        seen = threading.Event()
        told: list[Any] = []

        def run() -> None:
            told.append(Rebuilding(hub, lambda name, *_: seen.set() if name == "swap" else None).rebuild())

        thread = threading.Thread(target=run)
        thread.start()
        assert seen.wait(60)
        first = reader.execute("SELECT count(*) FROM analytics.enrollments").fetchone()
        assert reader.execute("SELECT count(*) FROM hub.lms_course_enrollment").fetchone() == first
        assert first is not None
        assert first[0] > 100
        reader.execute("COMMIT")
        thread.join(60)
    assert told
    assert ask(hub, "SELECT count(*) FROM analytics.enrollments") == [first]


def test_views_and_functions_of_others_stop_a_rebuild_or_survive_it(hub: Hub) -> None:
    """A view on a view for analysts survives; one that is bound to a table would read old rows, and is named."""
    with hub.connect() as connection:
        connection.execute("CREATE VIEW public.mine AS SELECT count(*) AS n FROM analytics.enrollments")
        connection.execute("CREATE VIEW public.bound AS SELECT count(*) AS n FROM hub.course")
        with pytest.raises(Refused, match="bound would go on reading the old tables"):
            acts(hub).rebuild()
        connection.execute("DROP VIEW public.bound")
        before = ask(hub, "SELECT n FROM public.mine")
        acts(hub).rebuild()
        acts(hub).drop_old()
        assert ask(hub, "SELECT n FROM public.mine") == before


def test_a_busy_table_is_told_and_nothing_changes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody reads without end, the rebuild gives up with the session's number; what was built is gone on with."""
    monkeypatch.setattr("hub.rebuilding.service.PATIENCE_SECONDS", 0.0)
    with hub.connect() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM hub.course LIMIT 1")
        with pytest.raises(swap.Busy, match=str(reader.info.backend_pid)):
            acts(hub).rebuild()
        reader.execute("COMMIT")
    with hub.connect() as connection:
        assert pair.exists(connection, NEXT)
        assert not pair.exists(connection, OLD)
    monkeypatch.undo()
    folded: list[int] = []
    Rebuilding(hub, lambda name, done, _: folded.append(done) if name == "fold" else None).rebuild()
    assert sum(folded) < 50  # all but what came since was there


def test_a_log_without_its_beginning_or_end_is_refused(hub: Hub) -> None:
    """Tables are made of all records: where the log lost some, nothing is made of the rest."""
    change(hub, "UPDATE hub.projection_offset SET next_offset = next_offset + 1000 WHERE (topic, partition) = (SELECT topic, "
                "partition FROM hub.projection_offset WHERE topic = 'lms.directory' ORDER BY 1, 2 LIMIT 1)")  # fmt: skip
    with pytest.raises(Refused, match="the log ends at"):
        acts(hub).compare()


def test_processes_fold_what_one_process_folds(hub: Hub) -> None:
    """Partitions folded by several processes at once give the same tables."""
    results = Rebuilding(hub, lambda *_: None, processes=2, few=0).compare()
    assert different(results) == {}
    assert loading.FEW > 0
