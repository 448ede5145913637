"""Small files of the owner alone, replaced whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from p2p.errors import EnvironmentFault, StoreFull

PRIVATE_FILE_MODE = 0o600


def write_private(path: Path, data: bytes) -> None:
    """Have ``path`` hold ``data``, with mode 0600, durably.

    A crash at any moment leaves the old file or the new one: the bytes go into a file beside it,
    which is forced to the device and then takes the name.

    Raises:
        StoreFull: the device has no room; the old file is untouched.
        EnvironmentFault: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(beside, flags, PRIVATE_FILE_MODE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the device.

    Raises:
        OSError: it cannot be.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, exc: OSError) -> EnvironmentFault:
    """Give our exception for an operating system's refusal to write."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"The device has no room left for {path}.")
    return EnvironmentFault(f"{path} cannot be written: {exc.strerror}.")
