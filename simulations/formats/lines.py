"""Lines of a text file with their place, for sentences that say what is wrong where."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from p2p.errors import InvalidInput

FILE_SIZE_MAX_BYTES = 4 * 1024**3
"""Larger inputs are refused rather than read into memory."""
NUMBER_SIZE_MAX = 40
"""Characters in a number; longer ones are refused before they are converted."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; ``line`` counts from 1."""

    path: Path
    line: int

    def refuse(self, sentence: str) -> InvalidInput:
        """Give the error that names this place."""
        return InvalidInput(f"{self.path}, line {self.line}: {sentence}")

    def time_s(self, word: str) -> float:
        """Read a time in seconds.

        Raises:
            InvalidInput: not a finite number of 0 or more.
        """
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if len(word) > NUMBER_SIZE_MAX or not (0 <= value < math.inf) or "_" in word:
            raise self.refuse(f"{word[:60]!r} is no time; allowed are seconds from 0 up.")
        return value

    def whole(self, word: str, what: str) -> int:
        """Read a whole number of 0 or more.

        Raises:
            InvalidInput: anything else.
        """
        if not (word.isascii() and word.isdigit() and len(word) <= NUMBER_SIZE_MAX):
            raise self.refuse(f"{word[:60]!r} is no {what}; allowed are whole numbers from 0 up.")
        return int(word)

    def node(self, word: str, nodes: int) -> int:
        """Read a node address: digits, after a group's prefix if there is one (``tram-3``).

        As for The ONE, a prefix is anything without digits; but it begins with a letter or ``_``.

        Raises:
            InvalidInput: no address, or one outside 0 to ``nodes - 1``.
        """
        prefix = word.rstrip("0123456789")
        named = prefix != "" and not any(letter.isdigit() for letter in prefix)
        if named and (prefix[0].isalpha() or prefix[0] == "_"):
            address = self.whole(word[len(prefix) :], f"node address ({word[:60]!r})")
        else:
            address = self.whole(word, "node")
        if address >= nodes:
            raise self.refuse(
                f"there is no node {address}; allowed are 0 to {nodes - 1} (set by --nodes)."
            )
        return address


def read_words(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the line number and the words of each line that is neither empty nor a # comment.

    Raises:
        InvalidInput: the file cannot be read as UTF-8 text.
    """
    try:
        if path.stat().st_size > FILE_SIZE_MAX_BYTES:
            raise InvalidInput(f"{path} is larger than the {FILE_SIZE_MAX_BYTES} bytes allowed.")
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                words = line.split()
                if words and words[0][0] != "#":
                    yield number, words
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no UTF-8 text file.") from error
