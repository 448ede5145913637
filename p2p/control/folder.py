"""The private folder around the control socket: made, and checked by both ends.

Whoever can put a socket where a client looks for it reads what the client writes, so a client
checks the folder too before it speaks.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from p2p.errors import EnvironmentFault

_PRIVATE_MODE: Final = 0o700


def make_private_folder(folder: Path) -> None:
    """Have ``folder`` exist with mode 0700, ours alone; its parent must exist.

    Raises:
        EnvironmentFault: a link, no folder, somebody else's, or it cannot be made.
    """
    try:
        folder.mkdir(mode=_PRIVATE_MODE, exist_ok=True)
    except OSError as exc:
        raise EnvironmentFault(f"The folder {folder} cannot be made: {exc.strerror}.") from exc
    _refuse_unless_own_folder(folder)
    folder.chmod(_PRIVATE_MODE)


def check_private_folder(folder: Path) -> None:
    """Make sure that nobody else can put anything into ``folder``.

    Raises:
        FileNotFoundError: there is none.
        EnvironmentFault: a link, no folder, somebody else's, or open to others.
    """
    info = _refuse_unless_own_folder(folder)
    if stat.S_IMODE(info.st_mode) & 0o077:
        raise EnvironmentFault(
            f"The folder {folder} is open to other users: make it private with chmod 700."
        )


def _refuse_unless_own_folder(folder: Path) -> os.stat_result:
    info = folder.lstat()
    if stat.S_ISLNK(info.st_mode):
        raise EnvironmentFault(f"{folder} is a symbolic link; a control folder must be a folder.")
    if not stat.S_ISDIR(info.st_mode):
        raise EnvironmentFault(f"{folder} is no folder.")
    if info.st_uid != os.getuid():
        raise EnvironmentFault(f"The folder {folder} belongs to another user.")
    return info
