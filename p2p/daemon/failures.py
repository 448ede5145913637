"""How the program ends: one sentence and a number."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import cast

from p2p.errors import MolvaError, NodeNotRunning, TimedOut


class ExitCode(IntEnum):
    """What the shell sees; the same for ``molva``."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3
    TIMED_OUT = 4


def foreseen(exc: BaseException) -> MolvaError | None:
    """Give the failure to tell the person about, or None where something unforeseen is among
    what was raised: a bug is never hidden behind a sentence.
    """
    if isinstance(exc, MolvaError):
        return exc
    if not isinstance(exc, BaseExceptionGroup):
        return None
    group = cast("BaseExceptionGroup[BaseException]", exc)
    inner = [foreseen(one) for one in group.exceptions]
    return inner[0] if None not in inner else None


def tell(error: MolvaError) -> ExitCode:
    """Say on standard error what failed; give the exit code."""
    sys.stderr.write(f"molva: {error}\n")
    match error:
        case NodeNotRunning():
            return ExitCode.NOT_RUNNING
        case TimedOut():
            return ExitCode.TIMED_OUT
        case _:
            return ExitCode.FAILED
