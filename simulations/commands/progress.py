"""How far a long command is, on standard error: one line that changes, or a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Self

import click

_TERMINAL_EVERY_S: Final = 0.2
_FILE_EVERY_S: Final = 10.0
_BAR: Final = 24


class Progress:
    """Tells how far something is. Short commands say nothing."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._next_s = time.monotonic() + (0.5 if self._live else _FILE_EVERY_S)
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def __call__(self, what: str, share: float) -> None:
        """Tell that ``what`` is done to this share, 0 to 1."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + (_TERMINAL_EVERY_S if self._live else _FILE_EVERY_S)
        text = f"{what} {share:4.0%}"
        if self._live:
            done = round(share * _BAR)
            click.echo(f"\r\x1b[K[{'#' * done}{'.' * (_BAR - done)}] {text}", err=True, nl=False)
            self._shown = True
        else:
            click.echo(text, err=True)

    def clear(self) -> None:
        """Take the line away, so that something else can be written."""
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False
