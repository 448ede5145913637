"""The log of a run: one line for everything that happened, and the hash that tells runs apart.

A line is ``time node kind fields...``, separated by tabs; numbers as Python's ``repr`` writes them,
which gives every double back exactly. Two runs are the same when the hashes of their logs are.
"""

from __future__ import annotations

import hashlib
from typing import Final, TextIO

from simulations.observer import Field

_LINES: Final = 4096
_ESCAPES: Final = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"})


class EventLog:
    """An observer that hashes all lines, and writes them where somebody wants to read them."""

    def __init__(self, file: TextIO | None = None) -> None:
        self.lines = 0
        self._file = file
        self._digest = hashlib.sha256()
        self._waiting: list[str] = []

    def note(self, time_s: float, node: int, kind: str, fields: tuple[Field, ...]) -> None:
        """Add a line."""
        self._waiting.append(line_text(time_s, node, kind, fields))
        if len(self._waiting) >= _LINES:
            self._flush()

    def hexdigest(self) -> str:
        """Give the SHA-256 of all lines so far, in hexadecimal."""
        self._flush()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        text = "".join(self._waiting)
        self.lines += len(self._waiting)
        self._waiting.clear()
        self._digest.update(text.encode())
        if self._file is not None:
            self._file.write(text)


def line_text(time_s: float, node: int, kind: str, fields: tuple[Field, ...]) -> str:
    """Give one line of the log."""
    words = [
        field.translate(_ESCAPES) if isinstance(field, str) else repr(field) for field in fields
    ]
    return "\t".join((repr(float(time_s)), str(node), kind, *words)) + "\n"
