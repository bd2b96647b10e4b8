"""``chain_seal``: signatures over the chain of the log; ``chain_verified``: how far it was verified.

They lie in schema ``ops`` and have no fold: a rebuild replaces the read tables, never what proves them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from projections.tables import columns as c
from projections.tables.base import OPS_SCHEMA, Base, described, index
from projections.tables.rules import AtLeast, ByteLength

SEAL_KINDS = ("key", "seal", "archive")


class ChainSeal(Base):
    """One signed line about the log."""

    __tablename__ = "chain_seal"
    __table_args__ = described(
        "chain_seal",
        "Signed lines about the log, numbered, each naming the digest of the one before: what a partition held and the "
        "head of its chain then, what was archived, and every new key.",
        index("topic", "partition", "records", name="idx_topic_partition_records"),
        part="engine",
        schema=OPS_SCHEMA,
        rules=(
            AtLeast("chk_records", "records", 0),
            ByteLength("chk_head", "head", 32),
            ByteLength("chk_previous", "previous", 32),
            ByteLength("chk_public_key", "public_key", 32),
            ByteLength("chk_signature", "signature", 64),
        ),
    )

    number: Mapped[int] = mapped_column(  # not taken from a sequence, which would leave gaps
        Integer, primary_key=True, autoincrement=False, comment="Number of the line: 1, 2, 3, ... without a gap."
    )
    kind: Mapped[str] = c.enum(
        SEAL_KINDS,
        "key: a new key, signed by the one before; seal: what a partition held; archive: its first records were taken out.",
    )
    topic: Mapped[str | None] = c.varchar(100, "Topic of the log; NULL: the line is about a key.")
    partition: Mapped[int | None] = c.integer("Partition of the topic.")
    records: Mapped[int | None] = c.big_integer("Records that the partition had, or that were archived.")
    head: Mapped[bytes | None] = c.binary("Head of the hash chain over them, 32 bytes (SHA-256).")
    public_key: Mapped[bytes | None] = c.binary("The new key, 32 bytes (Ed25519), of a line about a key.")
    reason: Mapped[str | None] = c.long_text("Why a key was changed or records were archived.")
    sealed_at: Mapped[datetime] = c.moment("When it was signed (UTC).", auto=True)
    previous: Mapped[bytes] = c.binary("SHA-256 of the line before, 32 bytes; zeros for the first.")
    key_id: Mapped[str] = c.varchar(16, "Key that signed: first 16 hexadecimal letters of its SHA-256.")
    signature: Mapped[bytes] = c.binary("Ed25519 signature over all of it, 64 bytes.")


class ChainVerified(Base):
    """How far one partition was verified."""

    __tablename__ = "chain_verified"
    __table_args__ = described(
        "chain_verified",
        "The last seal of each partition up to which the log was found unaltered; the next verification begins there.",
        part="engine",
        schema=OPS_SCHEMA,
    )

    topic: Mapped[str] = c.varchar(100, "Topic of the log.", primary=True)
    partition: Mapped[int] = c.integer("Partition of the topic.", primary=True)
    seal_number: Mapped[int] = c.integer("Number of the seal.")
    verified_at: Mapped[datetime] = c.moment("When it was verified (UTC).", auto=True)
