"""The vault: random keys per person and per company, sealed by a master key, and what they seal.

Implements the port ``hub.domain.sealing.Sealer``. ``docs/decisions/0003-personal-data.md`` says why it is built so.
"""

from hub.vault.keyring import Keyring
from hub.vault.master import MasterKey, load_master_key
from hub.vault.store import KeyStore, MemoryKeyStore, PostgresKeyStore, StoredKey, create

__all__ = [
    "KeyStore",
    "Keyring",
    "MasterKey",
    "MemoryKeyStore",
    "PostgresKeyStore",
    "StoredKey",
    "create",
    "load_master_key",
]
