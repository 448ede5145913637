"""What the doctor of a running node tries from outside: the disk, the store, the socket."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from p2p.control.socket_path import socket_path
from p2p.daemon.opening import OpenedHome
from p2p.node.api import Check
from p2p.node.doctor import FAILED, OK, WARNING

_FREE_FAILED_BYTES: Final = 16 * 1_048_576
_FREE_WARNING_BYTES: Final = 256 * 1_048_576


@dataclass(frozen=True, slots=True)
class NamedProbe:
    """A probe out of a function."""

    name: str
    attempt: Callable[[], Awaitable[Check]]

    async def __call__(self) -> Check:
        """Try it."""
        return await self.attempt()


def probes_for(opened: OpenedHome) -> tuple[NamedProbe, ...]:
    """Give the probes of a running node."""
    folder = opened.home.folder

    async def disk() -> Check:
        await trio.lowlevel.checkpoint()
        return check_disk(folder)

    async def store() -> Check:
        await trio.lowlevel.checkpoint()
        size = opened.store.size_bytes()
        return Check("store", OK, f"Checked whole when the node started; {_size(size)}.")

    async def control() -> Check:
        await trio.lowlevel.checkpoint()
        return check_socket(socket_path(folder, os.getuid()))

    return (
        NamedProbe("disk", disk),
        NamedProbe("store", store),
        NamedProbe("control-socket", control),
    )


def check_disk(folder: Path) -> Check:
    """Judge the room on the device that holds the home."""
    free = shutil.disk_usage(folder).free
    outcome = OK
    if free < _FREE_WARNING_BYTES:
        outcome = FAILED if free < _FREE_FAILED_BYTES else WARNING
    return Check("disk", outcome, f"{_size(free)} free where the home is.")


def check_socket(path: Path) -> Check:
    """Tell whether clients of this user, and nobody else, find the control socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return Check("control-socket", FAILED, f"{path} is gone: restart the node.")
    if not stat.S_ISSOCK(mode) or stat.S_IMODE(mode) & 0o077:
        return Check("control-socket", FAILED, f"{path} is not a private socket.")
    return Check("control-socket", OK, f"Clients connect to {path}.")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1_048_576:,.1f} MiB"
