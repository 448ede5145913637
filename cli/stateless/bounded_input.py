"""Bytes from files that somebody else may have chosen: in bounded memory and time."""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path
from typing import Final

STANDARD_INPUT: Final = "-"
STANDARD_INPUT_WAIT_MAX_S: Final = 10.0
"""How long a program before us may take to write what it has; a terminal may take its time."""
FILE_WAIT_MAX_S: Final = 3.0
"""How long a named pipe may take; a file needs no waiting."""
_CHUNK_BYTES: Final = 64 << 10


class Oversized(Exception):
    """There is more than may be read, or no end of it in the time that it has."""


class Unreadable(Exception):
    """The file is not there, or cannot be read; the message is a sentence."""


def read_bounded(path: str, size_max_bytes: int, wait_max_s: float = FILE_WAIT_MAX_S) -> bytes:
    """Give all bytes of a file, or of standard input for ``-``.

    Never holds more than ``size_max_bytes`` and a chunk, whatever the file is: a device without
    end is left at the limit, a named pipe that nobody writes to after ``wait_max_s`` seconds.

    Raises:
        Oversized: it is larger, or takes longer.
        Unreadable: there is no such file, or it cannot be read.
    """
    if path == STANDARD_INPUT:
        return _drain(0, path, size_max_bytes, STANDARD_INPUT_WAIT_MAX_S)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc
    try:
        return _drain(descriptor, path, size_max_bytes, wait_max_s)
    finally:
        os.close(descriptor)


def _drain(descriptor: int, path: str, size_max_bytes: int, wait_max_s: float) -> bytes:
    try:
        info = os.fstat(descriptor)
        if stat.S_ISDIR(info.st_mode):
            raise Unreadable(f"{path} is a folder.")
        if stat.S_ISREG(info.st_mode) and info.st_size > size_max_bytes:
            raise Oversized(f"{_named(path)} has {info.st_size} bytes.")
        wait_s = float("inf") if os.isatty(descriptor) else wait_max_s
        return _collect(descriptor, path, size_max_bytes, time.monotonic() + wait_s)
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _collect(descriptor: int, path: str, size_max_bytes: int, deadline_s: float) -> bytes:
    collected = bytearray()
    written = False
    while True:
        _await(descriptor, path, deadline_s)
        try:
            chunk = os.read(descriptor, min(_CHUNK_BYTES, size_max_bytes + 1 - len(collected)))
        except BlockingIOError:
            continue
        if not chunk and not written and _awaits_writer(descriptor):
            time.sleep(0.01)  # opened before whoever is to write into it
            continue
        if not chunk:
            return bytes(collected)
        written = True
        collected += chunk
        if len(collected) > size_max_bytes:
            raise Oversized(f"{_named(path)} has more than {size_max_bytes} bytes.")


def _await(descriptor: int, path: str, deadline_s: float) -> None:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise Oversized(f"{_named(path)} has no end in the time that it has.")
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN | select.POLLHUP)
    waiting.poll(None if left_s == float("inf") else min(left_s, 3_600.0) * 1_000)


def _awaits_writer(descriptor: int) -> bool:
    """Whether this is a named pipe of which nobody has opened the other end yet.

    Such a pipe reads as ended; one whose writer has left is told from it by its hang-up.
    """
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return False
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return not any(event & select.POLLHUP for _, event in waiting.poll(0))


def _named(path: str) -> str:
    return "Standard input" if path == STANDARD_INPUT else Path(path).name


def _unreadable(path: str, exc: Exception) -> Unreadable:
    if isinstance(exc, Unreadable):
        return exc
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else "it has no such name"
    return Unreadable(f"{_named(path)} cannot be read: {reason}.")
