"""The file ``store.key``: what it says, and how the store key is protected (docs/spec/home.md)."""

from __future__ import annotations

import hashlib
import os
import stat
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from p2p.adapters.private_files import write_private
from p2p.errors import (
    EnvironmentFault,
    HomeMissing,
    Malformed,
    StoreDamaged,
    VersionUnsupported,
)
from p2p.wire.codec import pack, unpack, unpack_boxed

KEY_FILE_VERSION: Final = 1
STORE_KEY_SIZE_BYTES: Final = 32
KEY_FILE_SIZE_MAX_BYTES: Final = 1_024
CHECKSUM_SIZE_BYTES: Final = 16

StoreKey: TypeAlias = Annotated[
    bytes, Meta(min_length=STORE_KEY_SIZE_BYTES, max_length=STORE_KEY_SIZE_BYTES)
]


class KeyProtection(StrEnum):
    """What stands between a thief of the disk and the store."""

    PASSPHRASE = "passphrase"  # noqa: S105 - a name, no secret
    KEYRING = "keyring"
    NONE = "none"


class PassphraseKey(Struct, frozen=True, array_like=True, tag=1):
    """The key sealed with XChaCha20-Poly1305 under Argon2id of a passphrase.

    The bounds on the cost keep a planted file from eating all memory.
    """

    operations: Annotated[int, Meta(ge=1, le=64)]
    memory_bytes: Annotated[int, Meta(ge=8_192, le=2 * 1_073_741_824)]
    salt: Annotated[bytes, Meta(min_length=16, max_length=16)]
    nonce: Annotated[bytes, Meta(min_length=24, max_length=24)]
    wrapped: Annotated[bytes, Meta(min_length=48, max_length=48)]


class PlainKey(Struct, frozen=True, array_like=True, tag=2):
    """The key itself."""

    key: StoreKey


class KeyringKey(Struct, frozen=True, array_like=True, tag=3):
    """The name under which the desktop's keyring has the key."""

    entry: Annotated[str, Meta(min_length=1, max_length=64)]


KeyEntry: TypeAlias = PassphraseKey | PlainKey | KeyringKey


class _Box(Struct, frozen=True, array_like=True):
    entry: KeyEntry


class _File(Struct, frozen=True, array_like=True):
    version: Annotated[int, Meta(ge=1, le=255)]
    entry: Annotated[bytes, Meta(max_length=KEY_FILE_SIZE_MAX_BYTES)]
    checksum: Annotated[bytes, Meta(min_length=CHECKSUM_SIZE_BYTES, max_length=CHECKSUM_SIZE_BYTES)]


def write_key_file(path: Path, entry: KeyEntry) -> None:
    """Replace the key file, durably, in one step.

    Raises:
        StoreFull, EnvironmentFault: it cannot be written; the old one is untouched.
    """
    data = pack(entry)
    write_private(path, pack(_File(KEY_FILE_VERSION, data, _checksum(data))))


def read_key_file(path: Path) -> KeyEntry:
    """Give what the key file says.

    The checksum tells a damaged file from a wrong passphrase; it protects against nothing else.

    Raises:
        HomeMissing: there is none.
        StoreDamaged: it is not as it was written.
        VersionUnsupported: a newer Molva wrote it.
        EnvironmentFault: it cannot be read, or others could read it.
    """
    data = _read(path)
    try:
        return _decode(path, data)
    except Malformed as exc:
        raise StoreDamaged(
            f"{path} is damaged: without it the store cannot be opened. Nothing was changed or "
            "deleted. Put back a backup of this file, or set this home aside and recover the "
            "account from its 24 words."
        ) from exc


def key_protection(path: Path) -> KeyProtection:
    """Tell how the store key is protected: whether to ask for a passphrase.

    Raises:
        HomeMissing, StoreDamaged, VersionUnsupported, EnvironmentFault: as :func:`read_key_file`.
    """
    match read_key_file(path):
        case PassphraseKey():
            return KeyProtection.PASSPHRASE
        case PlainKey():
            return KeyProtection.NONE
        case KeyringKey():
            return KeyProtection.KEYRING


def _read(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a pipe in its place would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise HomeMissing(f"There is no store key at {path}.") from exc
    except OSError as exc:
        raise EnvironmentFault(f"{path} cannot be read: {exc.strerror}.") from exc
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise EnvironmentFault(f"{path} is no file.")
        mode = stat.S_IMODE(info.st_mode)
        if mode & 0o077:
            raise EnvironmentFault(
                f"{path} is open to other users (mode {mode:04o}). Run: chmod 600 {path}"
            )
        return os.read(descriptor, KEY_FILE_SIZE_MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _decode(path: Path, data: bytes) -> KeyEntry:
    file = unpack(data, _File, KEY_FILE_SIZE_MAX_BYTES)
    if file.version != KEY_FILE_VERSION:
        raise VersionUnsupported(
            f"{path} was written by a newer Molva (key file version {file.version}, this one "
            f"reads {KEY_FILE_VERSION}). Install the newer Molva again."
        )
    if file.checksum != _checksum(file.entry):
        raise Malformed("Its checksum does not hold.")
    return unpack_boxed(file.entry, _Box, KEY_FILE_SIZE_MAX_BYTES).entry


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=CHECKSUM_SIZE_BYTES).digest()
