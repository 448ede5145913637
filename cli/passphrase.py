"""Asking for passphrases: on the terminal, or from a file, never from an argument."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Final

import click

from cli.failures import CommandFailed

_FILE_MAX_BYTES: Final = 4_096
_PASSPHRASE_KIND: Final = 1
"""Kind of a store key's entry that is wrapped with a passphrase."""


def for_program(home: Path, file: Path | None) -> tuple[list[str], str]:
    """Give the option by which the node's program gets the passphrase, and what it reads.

    Raises:
        click.UsageError: the profile needs one, and there is nobody to ask.
    """
    if file is not None:
        return [f"--passphrase-file={file.resolve()}"], ""
    if not is_needed(home):
        return [], ""
    return ["--passphrase-stdin"], ask()


def is_needed(home: Path) -> bool:
    """Tell whether the store key in ``home`` is wrapped with a passphrase (docs/spec/home.md).

    A file that cannot be read so is not judged here: the node itself says what is wrong.
    """
    import msgspec

    key = home / "store.key"
    try:
        data = key.read_bytes() if key.is_file() else b""
        _, entry, _ = msgspec.msgpack.decode(data, type=tuple[int, bytes, bytes])
        kind = msgspec.msgpack.decode(entry, type=list[object])[0]
    except (OSError, ValueError, IndexError):
        return False
    return kind == _PASSPHRASE_KIND


def can_ask() -> bool:
    """Tell whether there is a person to ask."""
    return sys.stdin.isatty()


def ask() -> str:
    """Give the passphrase of an existing profile.

    Raises:
        click.UsageError: there is nobody to ask.
    """
    if not can_ask():
        raise click.UsageError(
            "This profile needs its passphrase and there is no terminal: use --passphrase-file."
        )
    answer: str = click.prompt("Passphrase", hide_input=True, err=True)
    return answer


def ask_new() -> str:
    """Give the passphrase of a new profile, typed twice.

    Raises:
        click.UsageError: there is nobody to ask.
    """
    if not can_ask():
        raise click.UsageError(
            "There is no terminal to ask for a passphrase: "
            "use --passphrase-file, --keyring or --no-passphrase."
        )
    answer: str = click.prompt(
        "Passphrase for this profile", hide_input=True, confirmation_prompt=True, err=True
    )
    return answer


def from_file(path: Path) -> str:
    """Give the first line of a passphrase file.

    Raises:
        CommandFailed: it cannot be read, others could read it, or its first line is empty.
    """
    try:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            if stat.S_ISREG(info.st_mode) and stat.S_IMODE(info.st_mode) & 0o077:
                raise CommandFailed(
                    f"{path} is open to other users. Run: chmod 600 {path}",
                    code="environment-fault",
                )
            text = file.read(_FILE_MAX_BYTES).decode()
    except OSError as exc:
        raise CommandFailed(f"{path} cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise CommandFailed(f"{path} is no UTF-8 text.", code="invalid-input") from exc
    passphrase = text.split("\n", 1)[0].rstrip("\r")
    if not passphrase:
        raise CommandFailed(f"The first line of {path} is empty.", code="invalid-input")
    return passphrase
