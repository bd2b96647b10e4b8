"""What every key store promises, in memory and in PostgreSQL, and what only PostgreSQL can get wrong."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import psycopg
import pytest

from hub.errors import Fatal, Retriable
from hub.vault import Keyring, KeyStore, MasterKey, MemoryKeyStore, PostgresKeyStore, StoredKey, create

ACME = "aaaaaaaa-0000-5000-8000-000000000001"
UMBRELLA = "bbbbbbbb-0000-5000-8000-000000000002"
ADA = "11111111-1111-5111-8111-111111111111"
BOB = "22222222-2222-5222-8222-222222222222"


@pytest.fixture
def vault_url(database_url: str) -> str:
    """A database with the vault's tables."""
    with psycopg.connect(database_url) as connection:
        create(connection)
    return database_url


@pytest.fixture(params=["memory", "postgres"])
def processes(request: pytest.FixtureRequest) -> Callable[[], KeyStore]:
    """Opens one store again and again, as several processes would."""
    if request.param == "memory":
        store = MemoryKeyStore()
        return lambda: store
    return partial(PostgresKeyStore, partial(psycopg.connect, request.getfixturevalue("vault_url")))


def key(subject: str, company: str = ACME, sealed: bytes = b"\x00sealed\xff") -> StoredKey:
    return StoredKey(subject, company, "subject", sealed)


def test_a_key_is_found_as_it_was_stored(processes: Callable[[], KeyStore]) -> None:
    """All fields come back with their types, from another process too; subjects without a row are left out."""
    company = StoredKey(ACME, ACME, "company", b"c")
    assert processes().add([key(ADA), company]) == {ADA: key(ADA), ACME: company}
    assert processes().load([ADA, BOB, ACME]) == {ADA: key(ADA), ACME: company}


def test_nothing_asked_is_nothing_answered(processes: Callable[[], KeyStore]) -> None:
    """Empty batches are no special case for callers."""
    assert processes().load([]) == {}
    assert processes().add([]) == {}


def test_the_first_key_stays(processes: Callable[[], KeyStore]) -> None:
    """Whoever adds later, for whichever company, learns what is stored."""
    processes().add([key(ADA)])
    assert processes().add([key(ADA, UMBRELLA, b"late"), key(BOB)]) == {ADA: key(ADA), BOB: key(BOB)}


def test_a_destroyed_key_leaves_its_row(processes: Callable[[], KeyStore]) -> None:
    """Once destroyed, always destroyed: a later add finds the row without a key."""
    processes().add([key(ADA), key(BOB)])
    assert processes().destroy(ADA)
    assert not processes().destroy(ADA)
    gone = key(ADA)._replace(sealed=None)
    assert processes().load([ADA, BOB]) == {ADA: gone, BOB: key(BOB)}
    assert processes().add([key(ADA, sealed=b"again")]) == {ADA: gone}


def test_only_keys_of_subjects_are_destroyed(processes: Callable[[], KeyStore]) -> None:
    """Neither an unknown subject nor a company is something to destroy."""
    company = StoredKey(ACME, ACME, "company", b"c")
    processes().add([company])
    assert not processes().destroy(ADA)
    assert not processes().destroy(ACME)
    assert processes().load([ACME]) == {ACME: company}


def test_the_first_check_value_stays(processes: Callable[[], KeyStore]) -> None:
    """It is proposed by whoever comes first and told to all others."""
    assert processes().check_value(b"first") == b"first"
    assert processes().check_value(b"second") == b"first"


def test_keyrings_that_prepare_at_once_agree(processes: Callable[[], KeyStore]) -> None:
    """Two processes with overlapping subjects in opposite order: no deadlock, one key each, and each opens what the other sealed."""
    subjects = [str(uuid4()) for _ in range(200)]
    master = MasterKey(os.urandom(32), "test")
    together = threading.Barrier(4)

    def work(number: int) -> list[bytes]:
        ring = Keyring(processes(), master)
        together.wait(timeout=30)
        for start in range(0, 200, 50):
            batch = subjects[start : start + 100]
            ring.prepare(ACME, batch if number % 2 else batch[::-1])
        return [ring.seal(subject, "same text") for subject in subjects]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    assert all(result == results[0] for result in results)
    assert set(Keyring(processes(), master).open_many(results[0])) == {"same text"}


def test_erased_everywhere(processes: Callable[[], KeyStore]) -> None:
    """The whole way: sealed in one process, erased in another, unreadable in a third."""
    master = MasterKey(os.urandom(32), "test")
    token = Keyring(processes(), master).seal(ADA, "Ada", ACME)
    assert Keyring(processes(), master).open(token) == "Ada"
    assert Keyring(processes(), master).destroy(ADA)
    assert Keyring(processes(), master).open(token) is None


def test_another_master_key_is_fatal(processes: Callable[[], KeyStore]) -> None:
    """The vault remembers which master key it was made with."""
    Keyring(processes(), MasterKey(os.urandom(32), "test")).prepare(ACME, [ADA])
    with pytest.raises(Fatal, match="is not the one that sealed the keys of this vault"):
        Keyring(processes(), MasterKey(os.urandom(32), "test")).prepare(ACME, [BOB])
    assert processes().load([BOB]) == {}


def test_a_waiting_process_holds_nothing_and_sees_the_key_of_the_first(vault_url: str) -> None:
    """Of two concurrent adds the second waits at the first common subject: the first can go on (no deadlock) and its keys stay."""
    insert = "INSERT INTO vault.data_key (subject_id, company_id, kind, sealed_key, created_at) VALUES (%s, %s, 'subject', %s, now())"
    with psycopg.connect(vault_url) as first, ThreadPoolExecutor(1) as pool:
        first.execute(insert, [ADA, ACME, b"first"])
        second = pool.submit(PostgresKeyStore(partial(psycopg.connect, vault_url)).add, [key(BOB), key(ADA)])
        wait_for_a_lock(vault_url)
        first.execute(insert, [BOB, ACME, b"first"])
        first.commit()
        assert second.result(timeout=30) == {ADA: key(ADA, sealed=b"first"), BOB: key(BOB, sealed=b"first")}


def wait_for_a_lock(url: str) -> None:
    """Returns as soon as some session of this database waits for another one."""
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    deadline = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as observer:
        while observer.execute(waiting).fetchone() != (True,):
            assert time.monotonic() < deadline, "nobody waits for a lock"


def test_keys_are_durable_whatever_the_session_says(vault_url: str) -> None:
    """A key must outlive what it sealed, also where sessions commit asynchronously for speed."""
    with psycopg.connect(vault_url) as connection:
        connection.execute("""
            CREATE FUNCTION public.durable() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                ASSERT current_setting('synchronous_commit') = 'on';
                RETURN NEW;
            END $$;
            CREATE TRIGGER durable BEFORE INSERT OR UPDATE ON vault.data_key FOR EACH ROW EXECUTE FUNCTION public.durable();
            CREATE TRIGGER durable BEFORE INSERT OR UPDATE ON vault.master_key FOR EACH ROW EXECUTE FUNCTION public.durable();
        """)
    store = PostgresKeyStore(partial(psycopg.connect, vault_url, options="-c synchronous_commit=off"))
    ring = Keyring(store, MasterKey(os.urandom(32), "test"))
    ring.prepare(ACME, [ADA])
    assert ring.destroy(ADA)


def test_a_destroyed_key_is_gone_from_the_table(vault_url: str) -> None:
    """No column keeps the sealed key, the row says when, and the table refuses any other mixture."""
    ring = Keyring(PostgresKeyStore(partial(psycopg.connect, vault_url)), MasterKey(os.urandom(32), "test"))
    ring.prepare(ACME, [ADA])
    ring.destroy(ADA)
    with psycopg.connect(vault_url) as connection:
        row = connection.execute("SELECT sealed_key, destroyed_at >= created_at FROM vault.data_key").fetchall()
        assert row == [(None, True)]
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE vault.data_key SET sealed_key = 'x'")


def test_create_is_idempotent_and_keeps_keys(vault_url: str) -> None:
    """Run again, by several processes at once: nothing fails, nothing is lost."""
    store = PostgresKeyStore(partial(psycopg.connect, vault_url))
    store.add([key(ADA)])

    def again(_: int) -> None:
        with psycopg.connect(vault_url) as connection:
            create(connection)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(again, range(4)))
    assert store.load([ADA]) == {ADA: key(ADA)}


def test_processes_that_create_at_once_do_not_collide(database_url: str) -> None:
    """The first start of several processes on an empty database."""
    together = threading.Barrier(4)

    def first(_: int) -> None:
        with psycopg.connect(database_url) as connection:
            together.wait(timeout=30)
            create(connection)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(first, range(4)))


def test_a_missing_schema_is_fatal(database_url: str) -> None:
    """The sentence says which command makes it; an empty vault is not taken for erased people."""
    store = PostgresKeyStore(partial(psycopg.connect, database_url))
    for use in (
        lambda: store.load([ADA]),
        lambda: store.add([key(ADA)]),
        lambda: store.destroy(ADA),
        lambda: store.check_value(b"x"),
    ):
        with pytest.raises(Fatal, match="hub db upgrade"):
            use()


def test_a_database_that_is_away_is_retriable(tmp_path: object) -> None:
    """The same call may succeed later; nothing opens to None in the meantime."""
    store = PostgresKeyStore(partial(psycopg.connect, f"host={tmp_path} port=1 dbname=none connect_timeout=5"))
    ring = Keyring(store, MasterKey(os.urandom(32), "test"))
    with pytest.raises(Retriable, match="not available"):
        ring.prepare(ACME, [ADA])


def test_a_connection_in_autocommit_serves_as_well(vault_url: str) -> None:
    """The factory may hand out either kind: a key is durable on return."""
    ring = Keyring(
        PostgresKeyStore(partial(psycopg.connect, vault_url, autocommit=True)), MasterKey(os.urandom(32), "test")
    )
    token = ring.seal(ADA, "Ada", ACME)
    assert ring.open(token) == "Ada"
    assert PostgresKeyStore(partial(psycopg.connect, vault_url)).load([ADA])[ADA].sealed is not None
