"""Where passphrases and words come from: a file, standard input, or the person at a terminal."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2p.errors import EnvironmentFault, InvalidInput

SECRET_SIZE_MAX_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """Where the person said that the passphrase is; ``file`` None and not ``stdin``: ask."""

    file: Path | None
    stdin: bool

    def read(self, *, anew: bool) -> str:
        """Give the passphrase; a new one is asked for twice.

        Raises:
            InvalidInput: none is there to be had, or the two differ.
            EnvironmentFault: the file cannot be read, or others could read it.
        """
        if self.file is not None:
            return _from_file(self.file)
        if self.stdin:
            return _line(sys.stdin.readline(SECRET_SIZE_MAX_BYTES))
        if not sys.stdin.isatty():
            raise InvalidInput(
                "A passphrase is needed: give --passphrase-file or --passphrase-stdin."
            )
        passphrase = getpass.getpass("Passphrase: ")
        if anew and getpass.getpass("The same again: ") != passphrase:
            raise InvalidInput("The two passphrases differ.")
        return passphrase


def read_words() -> str:
    """Give the 24 words on standard input; they may stand on several lines."""
    if sys.stdin.isatty():
        sys.stderr.write("The 24 words, on one line:\n")
        return sys.stdin.readline(SECRET_SIZE_MAX_BYTES)
    return sys.stdin.read(SECRET_SIZE_MAX_BYTES)


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            if stat.S_ISREG(info.st_mode) and stat.S_IMODE(info.st_mode) & 0o077:
                raise EnvironmentFault(f"{path} is open to other users. Run: chmod 600 {path}")
            data = file.read(SECRET_SIZE_MAX_BYTES + 1)
    except OSError as exc:
        raise EnvironmentFault(f"{path} cannot be read: {exc.strerror}.") from exc
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is no text in UTF-8.") from exc
    if len(data) > SECRET_SIZE_MAX_BYTES:
        raise InvalidInput(f"{path} is too long for a passphrase.")
    return _line(text)


def _line(text: str) -> str:
    return text.split("\n", 1)[0].removesuffix("\r")
