"""What the doctor sees on the device: room for the home, and the control socket."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Final

from p2p.node.api import Check
from p2p.node.doctor import FAILED, OK, WARNING

_FREE_FAILED_BYTES: Final = 16 * 1_048_576
_FREE_WARNING_BYTES: Final = 256 * 1_048_576


def check_disk(folder: Path) -> Check:
    """Judge the room on the device that holds the home."""
    free = shutil.disk_usage(folder).free
    outcome = OK
    if free < _FREE_WARNING_BYTES:
        outcome = FAILED if free < _FREE_FAILED_BYTES else WARNING
    return Check("disk", outcome, f"{size_text(free)} free where the home is.")


def check_socket(path: Path) -> Check:
    """Tell whether clients of this user, and nobody else, find the control socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return Check("control-socket", FAILED, f"{path} is gone: restart the node.")
    if not stat.S_ISSOCK(mode) or stat.S_IMODE(mode) & 0o077:
        return Check("control-socket", FAILED, f"{path} is not a private socket.")
    return Check("control-socket", OK, f"Clients connect to {path}.")


def size_text(size_bytes: int) -> str:
    """Give a size as people read it."""
    return f"{size_bytes / 1_048_576:,.1f} MiB"
