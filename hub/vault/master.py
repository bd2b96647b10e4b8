"""The master key: where it comes from, and how it seals the data keys.

The promise: a key that was given is used or refused with a reason, never replaced; a key is generated only where none was given
and none lies in the hub's home, and the file never changes afterwards, whoever else starts at the same moment.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import Fatal, Refused
from hub.vault.sealed import KEY_BYTES, derive

SETTING = "HUB_MASTER_KEY"
FILE_NAME = "master.key"

_WRAP_VERSION = b"\x01"
_NONCE_BYTES = 12


class MasterKey:
    """Seals data keys. Its representation names where the key came from and nothing of the key."""

    def __init__(self, key: bytes, source: str) -> None:
        """``key``: 32 random bytes; ``source``: what messages call it (a setting or a file)."""
        if len(key) != KEY_BYTES:
            raise Refused(
                f"{source} must hold {KEY_BYTES} bytes, not {len(key)}.",
                field=SETTING,
                rule="length",
                expected=_EXPECTED,
            )
        self.source = source
        self.check_value = derive(key, "master key check")
        """Tells two master keys apart without telling anything of them; kept beside the data keys."""
        self._cipher = AESGCM(derive(key, "data keys"))

    def __repr__(self) -> str:
        return f"MasterKey(source={self.source!r})"

    def wrap(self, key: bytes, bound_to: str) -> bytes:
        """The data key sealed with a random nonce, openable only with the same ``bound_to``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _WRAP_VERSION + nonce + self._cipher.encrypt(nonce, key, bound_to.encode())

    def unwrap(self, sealed: bytes, bound_to: str) -> bytes:
        """The data key.

        Raises:
            Fatal: it was sealed by another master key or for another row, or was altered.
        """
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] == _WRAP_VERSION:
                return self._cipher.decrypt(nonce, body, bound_to.encode())
        except (InvalidTag, ValueError):  # ValueError: cut short, so that not even the nonce is whole
            pass
        raise Fatal(
            f"The data key of {bound_to} does not open with the master key of {self.source}: the row was altered or moved."
        )


def load_master_key(value: str | None, home: Path) -> MasterKey:
    """The master key of HUB_MASTER_KEY (``value``: base64 of 32 bytes), else of ``home/master.key``, which is made when missing.

    The generated file has mode 0600, appears whole or not at all, and is never overwritten: processes that start at the same
    time end with the same key.

    Raises:
        Refused: the setting or the file holds no key, others than the owner may read the file, or it can be neither read nor
            made. The value is not repeated.
    """
    if value is not None and value.strip():
        return MasterKey(_decoded(value, SETTING), SETTING)
    path = home / FILE_NAME
    try:
        if not path.exists():
            _generate(path)
        return _from_file(path)
    except OSError as error:
        raise Refused(
            f"{path} can be neither read nor made ({error.strerror}); expected a HUB_HOME that the hub may write, or the key in {SETTING}.",
            field=SETTING,
            rule="master key",
            expected=_EXPECTED,
        ) from error


_EXPECTED = f"base64 of {KEY_BYTES} random bytes, as 'openssl rand -base64 {KEY_BYTES}' prints it"


def _decoded(value: str, source: str) -> bytes:
    try:
        key = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):  # ValueError: letters beyond ASCII
        key = b""
    if len(key) != KEY_BYTES:
        raise Refused(
            f"{source} is not a master key; expected {_EXPECTED}.", field=SETTING, rule="master key", expected=_EXPECTED
        )
    return key


def _from_file(path: Path) -> MasterKey:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Refused(
            f"{path} may be read by others than its owner; expected mode 0600 (chmod 600 {path}), or the key in {SETTING}.",
            field=SETTING,
            rule="file mode",
            expected="0600",
        )
    return MasterKey(_decoded(path.read_bytes().decode("ascii", "replace"), str(path)), str(path))


def _generate(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=path.parent)  # mode 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)  # unlike a rename, a link never replaces a key that another process just made
        except FileExistsError:
            return
        _sync_folder(path.parent)
    finally:
        Path(name).unlink()


def _sync_folder(folder: Path) -> None:
    """A key that seals anything must survive a power cut, its name in the folder included."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
