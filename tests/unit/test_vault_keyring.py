"""The keyring: keys per person and company, erased people, tenants, credentials, pseudonyms, cache."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.sealing import Sealer
from hub.errors import Fatal, Refused, Unusable
from hub.vault import Keyring, MasterKey, MemoryKeyStore, StoredKey
from hub.vault.sealed import blank

ACME = "aaaaaaaa-0000-5000-8000-000000000001"
UMBRELLA = "bbbbbbbb-0000-5000-8000-000000000002"
ADA = "11111111-1111-5111-8111-111111111111"
BOB = "22222222-2222-5222-8222-222222222222"
MASTER = MasterKey(bytes(range(32)), "test")


class CountingStore(MemoryKeyStore):
    """A store that counts what it is asked, and lets a test act between reading and answering."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[set[str]] = []
        self.after_load: Callable[[], object] = lambda: None

    def load(self, subjects: Collection[str]) -> dict[str, StoredKey]:
        self.loads.append(set(subjects))
        rows = super().load(subjects)
        self.after_load()
        return rows


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def keyring(store: MemoryKeyStore | None = None, **options: object) -> Keyring:
    return Keyring(store or MemoryKeyStore(), MASTER, **options)  # type: ignore[arg-type]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_sealed_here_opens_elsewhere(text: str) -> None:
    """Two keyrings on one store are two processes: one's tokens open in the other, and both seal alike."""
    store = MemoryKeyStore()
    one: Sealer = keyring(store)
    other: Sealer = keyring(store)
    one.prepare(ACME, [ADA, BOB])
    token = one.seal(ADA, text)
    assert other.open(token) == text
    assert other.seal(ADA, text) == token
    assert other.seal(BOB, text) != token


def test_prepare_asks_once_for_all_and_not_again() -> None:
    """One query a batch; none where everything is cached."""
    store = CountingStore()
    subjects = [str(uuid4()) for _ in range(50)]
    ring = keyring(store)
    ring.prepare(ACME, subjects)
    ring.prepare(ACME, subjects[:10])
    for subject in subjects:
        ring.seal(subject, "x")
    assert store.loads == [set(subjects)]


def test_sealing_prepares_by_itself() -> None:
    """With the company given a new subject gets its key; without it, only a subject that has one is found."""
    store = MemoryKeyStore()
    token = keyring(store).seal(ADA, "Ada", ACME)
    assert keyring(store).seal(ADA, "Ada") == token
    with pytest.raises(Refused, match="expected its company to be given"):
        keyring(store).seal(BOB, "Bob")


@pytest.mark.parametrize("subject", ["", "ada", ADA.replace("-", ""), ADA[:-1], "ABCDEF00-0000-5000-8000-000000000000"])
def test_an_id_has_one_spelling(subject: str) -> None:
    """Two spellings of one id would be two keys of one person, of which an erasure destroys one."""
    with pytest.raises(Refused, match="UUID in lower case"):
        keyring().prepare(ACME, [subject])
    with pytest.raises(Refused, match="UUID in lower case"):
        keyring().prepare(subject, [ADA])
    with pytest.raises(Refused, match="UUID in lower case"):
        keyring().destroy(subject)


def test_a_destroyed_key_makes_all_values_unreadable() -> None:
    """Erased: old values open to None, here and in other processes; other people's stay readable."""
    store = MemoryKeyStore()
    ring = keyring(store)
    ring.prepare(ACME, [ADA, BOB])
    ada, bob = ring.seal(ADA, "Ada"), ring.seal(BOB, "Bob")
    assert ring.destroy(ADA)
    assert not ring.destroy(ADA)
    for process in (ring, keyring(store)):
        assert process.open(ada) is None
        assert process.open_many([ada, bob, ada]) == [None, "Bob", None]


def test_an_erased_subject_stays_erased() -> None:
    """An LMS that still tells the name does not bring it back: what is sealed now holds nothing, and preparing makes no key."""
    store = MemoryKeyStore()
    ring = keyring(store)
    ring.prepare(ACME, [ADA])
    ring.destroy(ADA)
    for process in (ring, keyring(store)):
        process.prepare(ACME, [ADA])
        token = process.seal(ADA, "Ada Lovelace")
        assert token == blank(ADA)
        assert process.open(token) is None


def test_preparing_first_erases_a_subject_without_values() -> None:
    """The way to keep a person erased who had no key yet: the row remains, without a key."""
    ring = keyring()
    assert not ring.destroy(ADA)
    ring.prepare(ACME, [ADA])
    assert ring.destroy(ADA)
    assert ring.seal(ADA, "Ada", ACME) == blank(ADA)


def test_a_blank_token_is_nobody_even_where_the_key_came_back() -> None:
    """After a restore of older keys the values sealed in between are still those of an erased person, not damaged ones."""
    ring = keyring()
    ring.prepare(ACME, [ADA])
    assert ring.open(blank(ADA)) is None


def test_an_unknown_subject_opens_to_none() -> None:
    """A token of another vault has no key here."""
    assert keyring().open(keyring().seal(ADA, "Ada", ACME)) is None


@given(st.integers(0, 47), st.integers(1, 255))
def test_an_altered_token_is_unusable(position: int, flip: int) -> None:
    """Damage is never taken for erasure, unless it names another subject, whom the vault does not know."""
    ring = keyring()
    token = bytearray(ring.seal(ADA, "Ada", ACME))
    token[position] ^= flip
    if 1 <= position <= 16:
        assert ring.open(bytes(token)) is None
    else:
        with pytest.raises(Unusable):
            ring.open(bytes(token))


def test_a_token_moved_to_another_subject_is_unusable() -> None:
    """The subject is authenticated: a value cannot be made somebody else's."""
    ring = keyring()
    ring.prepare(ACME, [ADA, BOB])
    with pytest.raises(Unusable, match="altered"):
        ring.open(ring.seal(BOB, "x")[:17] + ring.seal(ADA, "x")[17:])


def test_tenants_are_told_apart() -> None:
    """A subject belongs to the company that prepared it first; another one can neither prepare nor seal for it."""
    store = MemoryKeyStore()
    keyring(store).prepare(ACME, [ADA])
    for ring in (keyring(store), keyring(store)):
        with pytest.raises(Refused, match="another company") as caught:
            ring.prepare(UMBRELLA, [BOB, ADA])
        assert ACME not in str(caught.value)
        with pytest.raises(Refused, match="another company"):
            ring.seal(ADA, "x", UMBRELLA)
    with pytest.raises(Refused, match="no key yet"):
        keyring(store).seal(BOB, "x")


def test_a_subject_that_two_companies_prepare_at_once_belongs_to_one() -> None:
    """The company that comes second is refused, also where it saw no key a moment before."""
    store = CountingStore()
    store.after_load = lambda: MemoryKeyStore.add(store, [StoredKey(ADA, ACME, "subject", None)])
    with pytest.raises(Refused, match="another company"):
        keyring(store).prepare(UMBRELLA, [ADA])


def test_a_key_has_one_use() -> None:
    """A company's id is no person, a person's id no company: neither key does the work of the other."""
    ring = keyring()
    ring.company_secret(ACME)
    ring.prepare(ACME, [ADA])
    with pytest.raises(Refused, match="expected a subject"):
        ring.prepare(ACME, [ACME])
    with pytest.raises(Refused, match="expected a subject"):
        ring.seal(ACME, "x")
    with pytest.raises(Refused, match="expected a company"):
        ring.company_secret(ADA)
    assert not ring.destroy(ACME)


def test_credentials_round_trip_for_their_company_only() -> None:
    """Sealed alike whatever the order of names; opened by their company, and never as a personal value."""
    store = MemoryKeyStore()
    ring = keyring(store)
    token = ring.seal_credentials(ACME, {"token": "s3cret", "scopes": ["read"]})
    assert ring.seal_credentials(ACME, {"scopes": ["read"], "token": "s3cret"}) == token
    assert keyring(store).open_credentials(ACME, token) == {"token": "s3cret", "scopes": ["read"]}
    assert b"s3cret" not in token
    with pytest.raises(Refused, match="not those of company"):
        ring.open_credentials(UMBRELLA, token)
    with pytest.raises(Unusable, match="expected the key of a person"):
        ring.open(token)
    with pytest.raises(Unusable, match="altered"):
        ring.open_credentials(ACME, token[:-1] + bytes([token[-1] ^ 1]))


def test_without_its_key_a_company_is_refused() -> None:
    """A destroyed company key is not made anew: other pseudonyms for the same people would look like other people."""
    store = MemoryKeyStore()
    token = keyring(store).seal_credentials(ACME, {"token": "x"})
    store._rows[ACME] = store._rows[ACME]._replace(sealed=None)
    ring = keyring(store)
    for use in (
        lambda: ring.company_secret(ACME),
        lambda: ring.pseudonym(ACME, "lms", "ada"),
        lambda: ring.seal_credentials(ACME, {}),
        lambda: ring.open_credentials(ACME, token),
    ):
        with pytest.raises(Refused, match="was destroyed"):
            use()


def test_a_pseudonym_is_the_same_everywhere_and_different_elsewhere() -> None:
    """Equal in every process for one identifier, whoever writes it how; apart by company, namespace and identifier."""
    store = MemoryKeyStore()
    ring = keyring(store)
    ada = ring.pseudonym(ACME, "moodle", "ADA@x.org ")
    assert keyring(store).pseudonym(ACME, "moodle", "ada@x.org") == ada
    assert str(UUID(ada)) == ada
    assert UUID(ada).version == 5
    others = [
        ring.pseudonym(UMBRELLA, "moodle", "ada@x.org"),
        ring.pseudonym(ACME, "canvas", "ada@x.org"),
        ring.pseudonym(ACME, "moodle", "bob@x.org"),
        keyring().pseudonym(ACME, "moodle", "ada@x.org"),
    ]
    assert len({ada, *others}) == 5


@pytest.mark.parametrize(
    ("namespace", "identifier"),
    [("lms", ""), ("lms", " \t\u00a0"), ("lms", "a\ud800"), ("l\x1fms", "ada"), ("l\ud800", "a")],
)
def test_what_names_nobody_has_no_pseudonym(namespace: str, identifier: str) -> None:
    """Blank identifiers would make one person of all who have none; a separator in a namespace would let two pairs meet."""
    with pytest.raises(Unusable):
        keyring().pseudonym(ACME, namespace, identifier)


def test_another_master_key_is_fatal_at_once() -> None:
    """A wrong master key stops the process with a sentence; it never looks as if everybody had been erased."""
    store = MemoryKeyStore()
    token = keyring(store).seal(ADA, "Ada", ACME)
    wrong = Keyring(store, MasterKey(os.urandom(32), "HUB_MASTER_KEY"))
    for use in (
        wrong.check_master_key,
        lambda: wrong.open(token),
        lambda: wrong.open_many([token]),
        lambda: wrong.prepare(ACME, [BOB]),
        lambda: wrong.pseudonym(ACME, "lms", "ada"),
    ):
        with pytest.raises(
            Fatal, match=r"master key of HUB_MASTER_KEY is not the one .* expected HUB_MASTER_KEY, or master\.key"
        ):
            use()
    assert store.load([BOB]) == {}


def test_a_key_moved_to_another_company_is_fatal() -> None:
    """A stored key is bound to its row: changing the company in the table does not hand the person to another tenant."""
    store = MemoryKeyStore()
    token = keyring(store).seal(ADA, "Ada", ACME)
    store._rows[ADA] = store._rows[ADA]._replace(company=UMBRELLA)
    with pytest.raises(Fatal, match="altered or moved"):
        keyring(store).open(token)


def test_the_cache_is_bounded_and_the_least_recently_used_goes_first() -> None:
    """Memory stays flat over any number of people; what was evicted is read again and works as before."""
    store = CountingStore()
    ring = keyring(store, capacity=2)
    carol = str(uuid4())
    ring.prepare(ACME, [ADA, BOB])
    token = ring.seal(ADA, "Ada")
    ring.seal(carol, "Carol", ACME)
    store.loads.clear()
    assert ring.open(token) == "Ada"
    assert store.loads == []
    assert "opened=2" in repr(ring)
    ring.seal(BOB, "Bob")
    assert store.loads == [{BOB}]


def test_a_key_destroyed_by_another_process_is_gone_within_its_age() -> None:
    """A cached key is good for ``max_age_s``; then the store is asked again, in one query for a batch."""
    store, clock = CountingStore(), Clock()
    ring = keyring(store, max_age_s=60, clock=clock)
    ring.prepare(ACME, [ADA, BOB])
    ada, bob = ring.seal(ADA, "Ada"), ring.seal(BOB, "Bob")
    keyring(store).destroy(ADA)
    store.loads.clear()
    clock.now += 60
    assert ring.open_many([bob]) == ["Bob"]
    assert store.loads == []
    clock.now += 1
    assert ring.open_many([ada, bob]) == [None, "Bob"]
    assert ring.open(ada) is None
    assert store.loads == [{ADA, BOB}]


def test_a_key_read_just_before_its_destruction_is_not_cached() -> None:
    """A reader that was overtaken by ``destroy`` must not put the key back."""
    store = CountingStore()
    token = keyring(store).seal(ADA, "Ada", ACME)
    ring = keyring(store)
    store.after_load = lambda: ring.destroy(ADA)
    ring.open(token)
    assert ring.open(token) is None


def test_threads_that_prepare_the_same_subjects_agree() -> None:
    """One key per subject, whoever comes first: all threads of two processes seal alike, and all open."""
    store = MemoryKeyStore()
    rings = [keyring(store, capacity=40), keyring(store, capacity=40)]
    subjects = [str(uuid4()) for _ in range(60)]
    together = threading.Barrier(8)

    def work(number: int) -> list[bytes]:
        ring = rings[number % 2]
        together.wait(timeout=30)
        ring.prepare(ACME, subjects if number % 4 < 2 else subjects[::-1])
        tokens = [ring.seal(subject, subject) for subject in subjects]
        assert ring.open_many(tokens) == subjects
        return tokens

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    assert all(result == results[0] for result in results)


def test_nothing_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Representations, errors and logs hold neither keys nor texts."""
    caplog.set_level(logging.DEBUG)
    store = MemoryKeyStore()
    ring = keyring(store)
    token = ring.seal(ADA, "Lovelace", ACME)
    secret = ring.company_secret(ACME)
    entry = ring._entries[ADA]
    shown = [repr(ring), repr(entry), repr(entry.key), repr(ring._entries[ACME]), repr(MASTER)]
    for wrong in (token[:-1], token[:-1] + bytes([token[-1] ^ 1])):
        with pytest.raises(Unusable) as caught:
            ring.open(wrong)
        shown += [str(caught.value), repr(caught.value)]
    with pytest.raises(Unusable) as caught:
        ring.pseudonym(ACME, "lms", "Lovelace\ud800")
    shown += [str(caught.value), repr(caught.value), caplog.text]
    assert entry.key is not None
    for hidden in (
        "Lovelace",
        secret.hex(),
        repr(secret)[2:-1],
        entry.key._nonce_key.hex(),
        repr(entry.key._nonce_key)[2:-1],
    ):
        assert not any(hidden in text for text in shown)
