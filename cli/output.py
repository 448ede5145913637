"""Showing answers: as JSON for programs, as text for people, and never as commands to a terminal.

Names and texts come from other people. Printed as they are, they could move the cursor, change
the window's title, or turn the reading direction so that a line says what it does not.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from msgspec import Struct

_JOINERS: Final = "\u200c\u200d"
"""Invisible, but Persian, Hindi and many emoji are not written without them."""
_DANGEROUS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_CONTINUED: Final = "    "
_BROKEN_MIN: Final = 20
"""Characters of a word that may be broken stand on one line at least."""
_BETWEEN: Final = 3


def safe_line(text: str) -> str:
    """Give ``text`` on one line, with every character that could act on a terminal spelt out."""
    return "".join(_spelt(char, "") for char in text)


def safe_text(text: str) -> str:
    """Give a message's text, spelt out like :func:`safe_line` but with its own lines.

    Every line but the first is indented, so that none can pass for another message.
    """
    return f"\n{_CONTINUED}".join(
        "".join(_spelt(char, "\t" + _JOINERS) for char in line) for line in text.split("\n")
    )


def _spelt(char: str, allowed: str) -> str:
    if char in allowed or unicodedata.category(char) not in _DANGEROUS:
        return char
    return char.encode("unicode_escape").decode("ascii")


def moment(at_s: float) -> str:
    """Give a moment in local time, to the minute; ``never`` for 0."""
    if at_s <= 0:
        return "never"
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))
    except (OverflowError, ValueError, OSError):
        return "beyond time"


def size(size_bytes: int) -> str:
    """Give an amount of bytes with a unit."""
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1_000:.1f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    none = sum(unicodedata.category(char) in ("Mn", "Me") for char in text)
    return len(text) + wide - none


class Screen:
    """Standard output and standard error of one invocation."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self.is_terminal = sys.stdout.isatty() and not plain

    def value(self, value: Struct | Mapping[str, object]) -> None:
        """Write one JSON object on a line of its own, in ASCII: nothing in it acts."""
        import msgspec

        self.line(json.dumps(msgspec.to_builtins(value), ensure_ascii=True))

    def line(self, text: str = "") -> None:
        """Write a line at once, so that a reader behind a pipe has it too."""
        click.echo(text, color=self.is_terminal)

    def note(self, text: str) -> None:
        """Write a line to standard error: for the person, not for what reads our output."""
        click.echo(text, err=True)

    def strong(self, text: str) -> str:
        """Give ``text`` in bold, where that can be seen."""
        return click.style(text, bold=True) if self.is_terminal else text

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write rows of cells; cells are spelt out here."""
        cells = [[safe_line(cell) for cell in row] for row in rows]
        if sys.stdout.isatty() and not _fits(headings, cells):
            self._records(headings, cells)
            return
        if self.is_terminal:
            _rich_table(headings, cells)
            return
        widths = [max(map(_width, column)) for column in zip(headings, *cells, strict=True)]
        for row in (headings, *cells):
            padded = [cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)]
            self.line("  ".join(padded).rstrip())

    def fields(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Write names with their values, one on a line; both are spelt out here."""
        lines = [(safe_line(name), safe_line(value)) for name, value in pairs]
        width = max(_width(name) for name, _ in lines)
        for name, value in lines:
            self.line(f"{name}{' ' * (width - _width(name))}  {value}".rstrip())

    def _records(self, headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        """Write a row as lines of their own, which a narrow terminal breaks as it likes."""
        for number, row in enumerate(cells):
            if number:
                self.line()
            self.fields(list(zip(headings, row, strict=True)))


def _fits(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> bool:
    """Tell whether a terminal shows a table without breaking words, but for the widest column's:
    peer ids are copied, and letters below each other are not read.
    """
    columns = zip(headings, *cells, strict=True)
    words = [
        max(_width(word) for cell in column for word in (cell.split() or [""]))
        for column in columns
    ]
    needed = sum(words) - max(words) + min(max(words), _BROKEN_MIN) + _BETWEEN * len(words)
    return needed <= shutil.get_terminal_size().columns


def _rich_table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        # Text, not str: rich reads commands out of square brackets in a str.
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)
