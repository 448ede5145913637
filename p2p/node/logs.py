"""Logs of the shell: for people on stderr, or one JSON object per line.

What is logged says what this node did and how often, never what people wrote, their keys, or
where others can be found: a log is the first thing that is pasted into a bug report.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor, WrappedLogger

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("text", "json")
OWN_ADDRESSES_FIELD: Final = "listening"
"""The one field that may hold addresses: our own."""
_ADDRESS: Final = re.compile(r"/(?:ip4|ip6|dns|dns4|dns6|dnsaddr|memory)/[^\s,'\x22]+")
_LONG_CODE: Final = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[0-9a-f]{32,}|molva:[^\s]+)")


def make_log(level: str, form: str, stream: TextIO = sys.stderr) -> FilteringBoundLogger:
    """Give the log that the runtime writes to.

    Args:
        level: one of :data:`LEVELS`.
        form: ``text`` for a terminal or the journal, ``json`` for machines.
        stream: where lines go.
    """
    render: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    return cast(
        "FilteringBoundLogger",
        structlog.wrap_logger(
            structlog.WriteLogger(cast("TextIO", _Enduring(stream))),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                keep_private,
                structlog.processors.format_exc_info,
                render,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
            cache_logger_on_first_use=False,
        ),
    )


class _Enduring:
    """A stream for lines that may get lost: a node goes on where the disk of its log is full, or
    whoever read its log has gone. It has told its clients of the full disk.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def forward_stdlib_logs(log: FilteringBoundLogger) -> None:
    """Have warnings and errors that adapters and libraries log the standard way appear here."""
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.handlers = [_Forwarder(log)]


class _Forwarder(logging.Handler):
    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        tell = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        tell("library", logger=record.name, said=record.getMessage(), exc_info=record.exc_info)


def keep_private(
    _logger: WrappedLogger, _method: str, fields: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Take bytes, addresses of others, keys and invite links out of a line about to be written."""
    for name, value in fields.items():
        if isinstance(value, bytes):
            fields[name] = f"<{len(value)} bytes>"
        elif isinstance(value, str) and name != OWN_ADDRESSES_FIELD:
            fields[name] = _LONG_CODE.sub("<key>", _ADDRESS.sub("<address>", value))
    return fields
