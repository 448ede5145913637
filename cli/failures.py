"""How an invocation ends: every exit code, and one sentence for each failure."""

from __future__ import annotations

from contextlib import suppress
from enum import IntEnum

import click


class ExitCode(IntEnum):
    """What the shell is told; docs/reference/exit-codes.md."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_RUNNING = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


class CommandFailed(Exception):
    """A command has found out that it cannot do what it was asked; the message is a sentence."""

    def __init__(
        self, message: str, exit_code: ExitCode = ExitCode.REFUSED, code: str = "failed"
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code


def report(error: Exception, *, as_json: bool) -> int:
    """Tell standard error of a failure; give the exit code.

    Raises:
        Exception: ``error`` itself, where it is no failure that is foreseen.
    """
    if isinstance(error, click.Abort):
        return _tell("Interrupted.", "interrupted", ExitCode.INTERRUPTED, as_json=as_json)
    if isinstance(error, click.ClickException):
        return _tell_usage(error, as_json=as_json)
    if isinstance(error, CommandFailed):
        return _tell(str(error), error.code, error.exit_code, as_json=as_json)
    if isinstance(error, OSError):
        where = error.filename or "Input or output failed"
        sentence = f"{where}: {error.strerror or error}."
        return _tell(sentence, "environment-fault", ExitCode.REFUSED, as_json=as_json)
    return _report_from_node(error, as_json=as_json)


def _report_from_node(error: Exception, *, as_json: bool) -> int:
    from p2p.control.client import MolvaError, NodeNotRunning, RequestRefused, TimedOut

    if not isinstance(error, MolvaError):
        raise error
    exit_code = ExitCode.REFUSED
    if isinstance(error, NodeNotRunning):
        exit_code = ExitCode.NOT_RUNNING
    if isinstance(error, TimedOut):
        exit_code = ExitCode.TIMED_OUT
    rule = error.rule if isinstance(error, RequestRefused) else ""
    return _tell(str(error), error.code, exit_code, as_json=as_json, rule=rule)


def _tell_usage(error: click.ClickException, *, as_json: bool) -> int:
    if not isinstance(error, click.UsageError):
        return _tell(error.format_message(), "failed", ExitCode.REFUSED, as_json=as_json)
    if not as_json and error.ctx is not None:
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            _say(error.format_message())
            return _tell("Missing command.", "usage", ExitCode.USAGE, as_json=as_json)
        _say(error.ctx.get_usage())
        _say(f"Try '{error.ctx.command_path} --help' for help.")
    # Some of click's sentences have line breaks and tabs in them.
    sentence = " ".join(error.format_message().split())
    return _tell(sentence, "usage", ExitCode.USAGE, as_json=as_json)


def _tell(sentence: str, code: str, exit_code: ExitCode, *, as_json: bool, rule: str = "") -> int:
    import json

    from cli.output import safe_line

    if as_json:
        value = {"code": code, "detail": sentence, "exit_code": int(exit_code)}
        value |= {"rule": rule} if rule else {}
        _say(json.dumps(value, ensure_ascii=True))
    else:
        named = f" (rule {rule})" if rule else ""
        _say(f"molva: {safe_line(sentence + named)}")
    return int(exit_code)


def _say(text: str) -> None:
    """Write to standard error; where that fails, the exit code still tells."""
    with suppress(OSError):
        click.echo(text, err=True)
