"""The program: reads its options, does what they say, and says in one sentence what failed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from p2p.daemon.arguments import DoctorOptions, InitOptions, Options, RunOptions, parse
from p2p.daemon.failures import ExitCode, foreseen, tell
from p2p.node.doctor import FAILED


def main(words: Sequence[str]) -> int:
    """Run the program with these options; give its exit code.

    What is no failure that we foresee is a bug and leaves as it is, with its traceback.
    """
    options = parse(words)
    try:
        return _do(options)
    except BaseException as exc:
        error = foreseen(exc)
        if error is None:
            raise
        return tell(error)


def _do(options: Options) -> ExitCode:
    """Each command imports what it needs: libp2p alone takes half a second."""
    match options:
        case InitOptions():
            from p2p.daemon.init import init

            _print(init(options))
        case DoctorOptions():
            from p2p.daemon.doctor import examine

            checks = examine(options)
            _print([asdict(check) for check in checks])
            if any(check.outcome == FAILED for check in checks):
                return ExitCode.FAILED
        case RunOptions():
            from p2p.daemon.run import run

            run(options)
    return ExitCode.DONE


def _print(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
