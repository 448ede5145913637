"""The last time that this node ran, as its store keeps it: a clock before it is wrong."""

from __future__ import annotations

import struct
from typing import Final

from p2p.errors import StoreDamaged
from p2p.ports.store import DocumentKind, DocumentStore

_KEY: Final = b"clock-floor"
_FORMAT: Final = ">d"


def saved_clock(store: DocumentStore) -> float:
    """Give the saved time in Unix seconds, 0 where none was saved.

    Raises:
        StoreDamaged: it cannot be read.
    """
    data = store.document(DocumentKind.SETTING, _KEY)
    if data is None:
        return 0.0
    try:
        (saved_s,) = struct.unpack(_FORMAT, data)
    except struct.error as exc:
        raise StoreDamaged("The time that this store has kept is damaged.") from exc
    return float(saved_s)


def save_clock(store: DocumentStore, now_s: float) -> None:
    """Save a time, be it earlier or later than the one before; needs an open transaction."""
    store.put_document(DocumentKind.SETTING, _KEY, struct.pack(_FORMAT, now_s))
