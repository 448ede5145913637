"""Starting tasks and closing in time: the two things that every part of the shell does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVarTuple

import trio

Args = TypeVarTuple("Args")


def spawn(nursery: trio.Nursery, task: Callable[[*Args], Awaitable[object]], *args: *Args) -> None:
    """Start a task. The stubs for trio that libraries bring along leave this call half untyped,
    so it is written once.
    """
    nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
        partial(task, *args), name=task
    )


def shielded_for(time_s: float) -> trio.CancelScope:
    """Give a scope whose body goes on when all around it is cancelled, but no longer than that."""
    scope = trio.move_on_after(time_s)
    scope.shield = True
    return scope
