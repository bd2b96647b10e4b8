"""The keyring: seals and opens personal values and credentials, and keeps opened keys in a bounded cache.

Promises beyond those of the ``Sealer`` port: a company's key never opens a personal value, and a personal key never a credential; a
key destroyed through this keyring is gone from it at once, and one destroyed by another process within ``max_age_s`` seconds; the
master key is held against the vault's check value before the first key is used. Nothing is logged here.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from hub.domain.ids import derived
from hub.domain.sealing import normalise_identifier
from hub.errors import Fatal, Refused, Unusable
from hub.vault.master import MasterKey
from hub.vault.sealed import KEY_BYTES, DataKey, blank, derive, encoded, is_blank, subject_of
from hub.vault.store import KeyStore, Kind, StoredKey

_SEPARATOR = b"\x1f"


class _Entry(NamedTuple):
    """A stored key, opened. Both keys are None where it was destroyed; ``secret`` is made for companies only."""

    stored: StoredKey
    key: DataKey | None
    secret: bytes | None
    read_at: float

    def __repr__(self) -> str:  # the generated one would show keys
        return f"_Entry(subject={self.stored.subject!r})"


class Keyring:
    """Seals under keys of a ``KeyStore``; implements ``hub.domain.sealing.Sealer``. Thread-safe."""

    def __init__(
        self,
        store: KeyStore,
        master: MasterKey,
        *,
        capacity: int = 20_000,
        max_age_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``capacity``: opened keys kept, about 0.7 KiB each, the least recently used go first; ``clock``: monotonic seconds."""
        self._store = store
        self._master = master
        self._capacity = capacity
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._destructions = 0
        self._master_checked = False

    def __repr__(self) -> str:
        return f"Keyring(master={self._master!r}, opened={len(self._entries)}, capacity={self._capacity})"

    def prepare(self, company_id: str, subjects: Collection[str]) -> None:
        """See ``Sealer``. More subjects than ``capacity`` work, but the first of them will be read again one by one."""
        self._provide(company_id, subjects, "subject")

    def seal(self, subject: str, text: str, company_id: str | None = None) -> bytes:
        """See ``Sealer``."""
        entry = self._known(subject) if company_id is None else self._provide(company_id, [subject], "subject")[subject]
        return blank(subject) if entry.key is None else entry.key.seal(text)

    def open(self, token: bytes) -> str | None:
        """See ``Sealer``."""
        subject = subject_of(token)
        entry = self._cached(subject) or self._found([subject]).get(subject)
        return _opened(entry, token)

    def open_many(self, tokens: Sequence[bytes]) -> list[str | None]:
        """What ``open`` answers for each token, in order; the keys not yet cached are read in one query.

        Raises:
            Unusable: one of them is no token, or was altered.
            Retriable: the key store was not available.
        """
        subjects = [subject_of(token) for token in tokens]
        entries = self._found(set(subjects))
        return [_opened(entries.get(subject), token) for subject, token in zip(subjects, tokens, strict=True)]

    def pseudonym(self, company_id: str, namespace: str, identifier: str) -> str:
        """See ``Sealer``."""
        normal = encoded(normalise_identifier(identifier), "identifier")
        if not normal:
            raise Unusable(
                f"An identifier in {namespace} is empty; expected at least one character that is not white space.",
                field="identifier",
                rule="not empty",
                expected="a name that the source gives one person",
            )
        name = encoded(namespace, "namespace")
        if _SEPARATOR in name:
            raise Unusable(
                "A namespace must not hold the character U+001F.",
                field="namespace",
                rule="separator",
                expected="text without U+001F",
            )
        mark = hmac.digest(self.company_secret(company_id), name + _SEPARATOR + normal, "sha256")
        return derived(company_id, "pseudonym", mark.hex())

    def company_secret(self, company_id: str) -> bytes:
        """32 bytes known to nobody else, the same for ever, for keyed hashes of this company's identifiers.

        Derived from the company's key for this purpose only: it opens no credential.

        Raises:
            Refused: the company's key was destroyed, or the id is that of a person.
            Retriable: the key store was not available.
        """
        secret = self._company(company_id).secret
        if secret is None:
            raise _company_erased(company_id)
        return secret

    def seal_credentials(self, company_id: str, credentials: Mapping[str, Any]) -> bytes:
        """The token of an integration's credentials (JSON values) under its company's key; equal for equal credentials.

        Raises:
            Refused: the company's key was destroyed.
            Retriable: the key store was not available.
        """
        key = self._company(company_id).key
        if key is None:
            raise _company_erased(company_id)
        return key.seal(json.dumps(dict(credentials), sort_keys=True, separators=(",", ":")))

    def open_credentials(self, company_id: str, token: bytes) -> dict[str, Any]:
        """The credentials as they were sealed.

        Raises:
            Refused: they belong to another company, or the company's key was destroyed.
            Unusable: this is no token, or its bytes were altered.
            Retriable: the key store was not available.
        """
        if subject_of(token) != company_id:
            raise Refused(
                f"These credentials are not those of company {company_id}.",
                field="company_id",
                rule="tenant",
                expected="the company that sealed them",
            )
        key = self._company(company_id).key
        if key is None:
            raise _company_erased(company_id)
        credentials: dict[str, Any] = json.loads(key.open(token))
        return credentials

    def destroy(self, subject: str) -> bool:
        """Destroy a subject's key: none of its values opens again, here at once, in other processes within their ``max_age_s``.

        True where a key was there to destroy. A subject that may have no key yet is prepared first, so that its row remains and it
        never gets one. A company's key is not destroyed this way.

        Raises:
            Retriable: the key store was not available; nothing is known to be destroyed.
        """
        _check_id(subject, "subject")
        destroyed = self._store.destroy(subject)
        with self._lock:
            self._entries.pop(subject, None)
            self._destructions += 1
        return destroyed

    def check_master_key(self) -> None:
        """Hold the master key against the vault's check value; done by itself before the first key is used.

        Raises:
            Fatal: the keys of this vault were sealed by another master key.
            Retriable: the key store was not available.
        """
        if not hmac.compare_digest(self._store.check_value(self._master.check_value), self._master.check_value):
            raise Fatal(
                f"The master key of {self._master.source} is not the one that sealed the keys of this vault; "
                "expected HUB_MASTER_KEY, or master.key in HUB_HOME, as it was when the vault was first used."
            )
        self._master_checked = True

    def _known(self, subject: str) -> _Entry:
        entry = self._cached(subject) or self._found([subject]).get(subject)
        if entry is None:
            raise Refused(
                f"Subject {subject} has no key yet; expected its company to be given, or 'prepare' before 'seal'.",
                field="company_id",
                rule="a key belongs to a company",
                expected="the company's UUID",
            )
        _check_owner(entry, entry.stored.company, "subject")
        return entry

    def _company(self, company_id: str) -> _Entry:
        entry = self._cached(company_id)
        if entry is not None and entry.stored.kind == "company":
            return entry
        return self._provide(company_id, [company_id], "company")[company_id]

    def _provide(self, company_id: str, subjects: Collection[str], kind: Kind) -> dict[str, _Entry]:
        """The keys of these subjects, made where there are none, all of this company and kind."""
        entries = self._found(subjects)
        for entry in entries.values():
            _check_owner(entry, company_id, kind)
        if missing := set(subjects) - entries.keys():
            _check_id(company_id, "company_id")
            new = [self._new(subject, company_id, kind) for subject in missing]
            made = self._read(lambda: self._store.add(new))
            for entry in made.values():  # another process may have made one of them, for another company
                _check_owner(entry, company_id, kind)
            entries |= made
        return entries

    def _found(self, subjects: Iterable[str]) -> dict[str, _Entry]:
        """The keys that exist, from the cache or else from the store in one query."""
        cached = {subject: self._cached(subject) for subject in subjects}
        entries = {subject: entry for subject, entry in cached.items() if entry is not None}
        if missing := cached.keys() - entries.keys():
            for subject in missing:
                _check_id(subject, "subject")
            if not self._master_checked:
                self.check_master_key()
            entries |= self._read(lambda: self._store.load(missing))
        return entries

    def _cached(self, subject: str) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(subject)
            if entry is None or self._clock() - entry.read_at > self._max_age_s:
                return None
            self._entries.move_to_end(subject)
            return entry

    def _new(self, subject: str, company_id: str, kind: Kind) -> StoredKey:
        row = StoredKey(subject, company_id, kind, None)
        return row._replace(sealed=self._master.wrap(secrets.token_bytes(KEY_BYTES), _bound_to(row)))

    def _read(self, fetch: Callable[[], Mapping[str, StoredKey]]) -> dict[str, _Entry]:
        """Fetch and open rows; cache them, unless this keyring destroyed a key in the meantime: it may be one of them."""
        read_at, destructions = self._clock(), self._destructions
        entries = {subject: self._entry(row, read_at) for subject, row in fetch().items()}
        with self._lock:
            if destructions == self._destructions:
                for subject, entry in entries.items():
                    self._entries[subject] = entry
                    self._entries.move_to_end(subject)
                while len(self._entries) > self._capacity:
                    self._entries.popitem(last=False)
        return entries

    def _entry(self, row: StoredKey, read_at: float) -> _Entry:
        known = self._entries.get(row.subject)
        if known is not None and known.stored == row:  # only its age had run out
            return known._replace(read_at=read_at)
        if row.sealed is None:
            return _Entry(row, None, None, read_at)
        key = self._master.unwrap(row.sealed, _bound_to(row))
        secret = derive(key, "company secret") if row.kind == "company" else None
        return _Entry(row, DataKey(row.subject, key), secret, read_at)


def _bound_to(row: StoredKey) -> str:
    """What a sealed key is tied to: moved to another row, it does not open."""
    return f"{row.kind} {row.subject} of company {row.company}"


def _opened(entry: _Entry | None, token: bytes) -> str | None:
    if entry is None:
        return None
    if entry.stored.kind != "subject":
        raise Unusable(
            f"The sealed value is under the key of company {entry.stored.subject}; expected the key of a person.",
            field="sealed value",
            rule="a credential is not a personal value",
            expected="the token of an employee, user or account",
        )
    return None if entry.key is None or is_blank(token) else entry.key.open(token)


def _check_owner(entry: _Entry, company_id: str, kind: Kind) -> None:
    row = entry.stored
    if row.kind != kind:
        raise Refused(
            f"The vault knows {row.subject} as a {row.kind}; expected a {kind}.",
            field="subject",
            rule="a key has one use",
            expected=f"the id of a {kind}",
        )
    if row.company != company_id:
        raise Refused(
            f"Subject {row.subject} belongs to another company; expected a subject of company {company_id}.",
            field="company_id",
            rule="a key belongs to one company",
            expected="the company that the key was made for",
        )


def _check_id(value: str, field: str) -> None:
    try:
        canonical = str(UUID(value)) == value
    except ValueError:
        canonical = False
    if not canonical:
        raise Refused(
            f"The {field} must be a UUID in lower case with hyphens.",
            field=field,
            rule="form of an id",
            expected="8-4-4-4-12 hexadecimal digits",
        )


def _company_erased(company_id: str) -> Refused:
    return Refused(
        f"The key of company {company_id} was destroyed; expected a company whose data is kept.",
        field="company_id",
        rule="company key",
        expected="a company whose key exists",
    )
