"""Time to close in: cancellation must not leave sockets half closed, nor wait for ever."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, cast

import trio

CLOSE_WAIT_S: Final = 1.0
"""A neighbour that does not take our farewell within this is closed without."""


def innermost(error: BaseException | None) -> BaseException | None:
    """Give the first exception inside nested groups, or the exception itself."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("tuple[BaseException, ...]", error.exceptions)[0]
    return error


def cancel_scope() -> trio.CancelScope:
    """Give a scope that ends only when it is cancelled."""
    return trio.CancelScope()  # pyright: ignore[reportCallIssue]  # outdated stubs shadow trio's


@contextmanager
def shielded(wait_s: float = CLOSE_WAIT_S) -> Generator[None, None, None]:
    """Let the body run for at most ``wait_s`` seconds although the task is cancelled."""
    with trio.move_on_after(wait_s) as scope:
        scope.shield = True
        yield
