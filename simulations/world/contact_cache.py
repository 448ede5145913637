"""Contacts that were worked out before, on disk, for every variant of a scenario to share.

A file's name is the hash of all that its contacts depend on. Files appear whole, by renaming, so
two processes may work out the same ones at once; a file that cannot be read is worked out anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from simulations.trace import ContactChange

VERSION: Final = 2
"""Grows whenever a model gives other contacts for the same parameters."""
TOTAL_MAX_BYTES: Final = 2 * 1024**3
"""More is forgotten again, the longest unused first."""
_DAMAGE: Final = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise for files that are not what they were."""


def cache_folder() -> Path | None:
    """Give where contacts are kept (XDG Base Directory); None where there is no home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "molva" / "contacts"
    try:
        return Path.home() / ".cache" / "molva" / "contacts"
    except RuntimeError:
        return None


def cached_contacts(
    parameters: Mapping[str, object],
    make: Callable[[], list[ContactChange]],
    folder: Path | None,
) -> list[ContactChange]:
    """Give the contacts of these parameters, made at most once while the cache keeps them.

    Args:
        parameters: everything that the contacts depend on, as JSON would say it.
        make: works them out.
        folder: where they are kept; None keeps nothing.
    """
    if folder is None:
        return make()
    known = {**parameters, "version": VERSION, "numpy": np.__version__}
    text = json.dumps(known, sort_keys=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.npz"
    found = _read(path)
    if found is None:
        found = make()
        # A full or read-only disk costs the next run some time, and this one nothing.
        with contextlib.suppress(OSError):
            _write(path, found)
            _forget_oldest(folder)
    return found


def _read(path: Path) -> list[ContactChange] | None:
    try:
        with path.open("rb") as data, np.load(data, allow_pickle=False) as file:
            times = file["times"].tolist()
            firsts, seconds = file["firsts"].tolist(), file["seconds"].tolist()
            ups = file["ups"].tolist()
        rows = list(zip(times, firsts, seconds, ups, strict=True))
        os.utime(path)
    except _DAMAGE:
        return None
    return [ContactChange(*row) for row in rows]


def _write(path: Path, changes: list[ContactChange]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.savez_compressed(
            file,
            times=np.array([c.time_s for c in changes], dtype=np.float64),
            firsts=np.array([c.first for c in changes], dtype=np.int32),
            seconds=np.array([c.second for c in changes], dtype=np.int32),
            ups=np.array([c.up for c in changes], dtype=np.bool_),
        )
    Path(file.name).replace(path)


def _forget_oldest(folder: Path) -> None:
    files = [(path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.npz")]
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= TOTAL_MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size
