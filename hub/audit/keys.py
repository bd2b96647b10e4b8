"""Signing keys: Ed25519 pairs in the vault, the private half sealed by the master key.

Promises: one key is in force; once it is replaced its private half is gone for ever, its public half stays in the seals.
All functions work in the caller's transaction.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.audit.offline import key_id
from hub.vault import MasterKey


class SigningKey(NamedTuple):
    """A key pair in force."""

    id: str
    public: bytes
    private: Ed25519PrivateKey

    def __repr__(self) -> str:  # the generated one would name the private key's object
        return f"SigningKey({self.id})"

    def sign(self, message: bytes) -> str:
        """The signature in hexadecimal."""
        return self.private.sign(message).hex()


def create(connection: psycopg.Connection[Any]) -> None:
    """Make the table where it is missing; the caller holds a lock, so that two processes do not do it at once."""
    known = connection.execute("SELECT to_regclass('vault.signing_key')").fetchone()
    if known is None or known[0] is None:
        connection.execute(_DDL)


def in_force(connection: psycopg.Connection[Any], master: MasterKey) -> SigningKey | None:
    """The key that signs now; None where there is none yet.

    Raises Fatal where it does not open with this master key.
    """
    row = connection.execute("SELECT key_id, sealed_key FROM vault.signing_key WHERE sealed_key IS NOT NULL").fetchone()
    if row is None:
        return None
    private = Ed25519PrivateKey.from_private_bytes(master.unwrap(row[1], _bound_to(row[0])))
    return SigningKey(row[0], private.public_key().public_bytes_raw(), private)


def replace(connection: psycopg.Connection[Any], master: MasterKey) -> SigningKey:
    """Put a new key in force and destroy the private half of the one before."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    made = SigningKey(key_id(public), public, private)
    connection.execute(
        "UPDATE vault.signing_key SET sealed_key = NULL, retired_at = now() WHERE sealed_key IS NOT NULL"
    )
    connection.execute(
        "INSERT INTO vault.signing_key (key_id, public_key, sealed_key, created_at) VALUES (%s, %s, %s, now())",
        (made.id, public, master.wrap(private.private_bytes_raw(), _bound_to(made.id))),
    )
    return made


def _bound_to(name: str) -> str:
    return f"signing key {name}"


_DDL = """
CREATE TABLE vault.signing_key (
    key_id text PRIMARY KEY,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    sealed_key bytea,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    CHECK ((sealed_key IS NULL) = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX signing_key_in_force ON vault.signing_key ((true)) WHERE sealed_key IS NOT NULL;
COMMENT ON TABLE vault.signing_key IS 'Keys that seal the log (Ed25519); one is in force, the private half of the others is destroyed';
COMMENT ON COLUMN vault.signing_key.key_id IS 'First 16 hexadecimal letters of the SHA-256 of the public key';
COMMENT ON COLUMN vault.signing_key.public_key IS 'The public key, 32 bytes';
COMMENT ON COLUMN vault.signing_key.sealed_key IS 'The private key, sealed by the master key; NULL once another key replaced it';
COMMENT ON COLUMN vault.signing_key.created_at IS 'When the key was made';
COMMENT ON COLUMN vault.signing_key.retired_at IS 'When another key replaced it';
"""
