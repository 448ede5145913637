"""Where a node's control socket is: a pure rule, the same for the node and for its clients."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

SOCKET_PATH_MAX_BYTES: Final = 100
"""Linux allows 107 bytes of path, macOS 103; a little is left for a temporary name beside it."""
FALLBACK_ROOT: Final = Path("/tmp")  # noqa: S108 - the folder in it is 0700, checked for its owner
CONTROL_FOLDER: Final = "control"
SOCKET_NAME: Final = "molva.sock"


def socket_path(home: Path, user_id: int) -> Path:
    """Give the path of the control socket of the profile in ``home``: absolute, free of links.

    ``home/control/molva.sock``; where that is longer than a socket's path may be, a folder under
    ``/tmp`` that is named after the user and the home. No environment variable takes part, so
    that a node under systemd and a client in a terminal always agree. Both ends refuse a folder
    that somebody else could have put there (:mod:`p2p.control.folder`).
    """
    path = home / CONTROL_FOLDER / SOCKET_NAME
    if len(bytes(path)) <= SOCKET_PATH_MAX_BYTES:
        return path
    digest = hashlib.blake2b(bytes(home), digest_size=8, person=b"molva socket").hexdigest()
    return FALLBACK_ROOT / f"molva-{user_id}-{digest}" / SOCKET_NAME


def why_nobody_answers(refusal: OSError) -> str:
    """Give a sentence for a socket that nobody could connect to."""
    if isinstance(refusal, PermissionError):
        return "This home belongs to another user, whose node answers nobody else."
    return "The node is not running: molva node start"
