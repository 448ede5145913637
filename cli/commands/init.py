"""``molva init``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli import background, passphrase
from cli.context import Session, pass_session
from cli.failures import CommandFailed
from cli.grammar import MolvaCommand
from cli.output import Screen

if TYPE_CHECKING:
    from p2p.control.schema import InitAnswer

WORDS: Final = 24
_WORDS_IN_A_ROW: Final = 6
_LINE_MAX_CHARACTERS: Final = 1_000


@click.command(cls=MolvaCommand)
@click.option("--name", default="", help="What you call yourself in invites.")
@click.option("--recover", is_flag=True, help="Use the account of 24 words that you have.")
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Take the passphrase from the first line of this file.",
)
@click.option("--keyring", is_flag=True, help="Keep the store key in the desktop's keyring.")
@click.option("--no-passphrase", is_flag=True, help="Keep the store key beside the store.")
@pass_session
def init(
    session: Session,
    name: str,
    recover: bool,  # noqa: FBT001
    passphrase_file: Path | None,
    keyring: bool,  # noqa: FBT001
    no_passphrase: bool,  # noqa: FBT001
) -> None:
    """Make a profile, or recover an account.

    Shows the 24 words of the account once: they are the account, and nobody can give them back
    to you. Without an option you are asked for a passphrase, twice. With --recover the words are
    asked for, or read from the first line of standard input; contacts and messages are not in
    them, so exchange invites anew.

    \b
    Examples:
      molva init --name Alice
      molva init --name Alice --passphrase-file ~/.molva-passphrase
      molva init --recover
    """
    if (passphrase_file is not None) + keyring + no_passphrase > 1:
        raise click.UsageError("Only one of --passphrase-file, --keyring and --no-passphrase.")
    arguments = [f"--home={session.home}"]
    if name:
        arguments.append(f"--name={name}")
    # The node's program reads the passphrase's line first, then the words.
    secrets: list[str] = []
    words = _ask_words() if recover else ""
    if keyring:
        arguments.append("--keyring")
    elif no_passphrase:
        arguments.append("--no-passphrase")
        session.screen.note(
            "Without a passphrase, whoever gets this device or a copy of its disk can read your "
            "messages and write in your name."
        )
    else:
        arguments.append("--passphrase-stdin")
        secrets.append(
            passphrase.ask_new()
            if passphrase_file is None
            else passphrase.from_file(passphrase_file)
        )
    if recover:
        arguments.append("--recover")
        secrets.append(words)
    _show(session, background.make_profile(session, arguments, secrets), recovered=recover)


def _ask_words() -> str:
    if passphrase.can_ask():
        text: str = click.prompt("The 24 words, with spaces between", err=True)
    else:
        text = sys.stdin.readline(_LINE_MAX_CHARACTERS)
    words = text.lower().split()
    if len(words) != WORDS:
        raise CommandFailed(
            f"An account has {WORDS} words; these are {len(words)}.", code="invalid-input"
        )
    return " ".join(words)


def _show(session: Session, said: bytes, *, recovered: bool) -> None:
    import msgspec

    from p2p.control.schema import InitAnswer

    try:
        made = msgspec.json.decode(said, type=InitAnswer)
    except msgspec.DecodeError as exc:
        raise CommandFailed("The profile was made, but not what it is was understood.") from exc
    screen = session.screen
    if screen.as_json:
        screen.value(made)
        return
    screen.fields(
        [
            ("profile", str(session.home)),
            ("account key", made.account_key),
            ("device key", made.device_key),
            ("peer id", made.peer_id),
        ]
    )
    if recovered:
        screen.line()
        screen.line(
            "Contacts and messages are not in the words. Give each contact a new invite, or add"
        )
        screen.line("one of theirs: what they have written since then comes too.")
    else:
        _show_words(screen, made)
    screen.line()
    screen.line("Next: molva node start")


def _show_words(screen: Screen, made: InitAnswer) -> None:
    screen.line()
    screen.line("The 24 words of your account, shown this once:")
    screen.line()
    for first in range(0, len(made.words), _WORDS_IN_A_ROW):
        numbered = enumerate(made.words[first : first + _WORDS_IN_A_ROW], first + 1)
        screen.line("  " + "".join(f"{number:>2} {word:<10}" for number, word in numbered).rstrip())
    screen.line()
    screen.line("Write them on paper, in this order. Whoever has them is you; without them a lost")
    screen.line("device is a lost account. Do not keep them as a photo or in a file.")
