"""``molva send``."""

from __future__ import annotations

import secrets
import sys
import time
from typing import TYPE_CHECKING, Final

import click

from cli.commands.message import other_side, short_id, state_in_words
from cli.context import Session, pass_session
from cli.failures import CommandFailed, ExitCode
from cli.grammar import DURATION, MolvaCommand
from cli.output import moment
from cli.references import CONTACT

if TYPE_CHECKING:
    from p2p.control.schema import Message

_STDIN_MAX_BYTES: Final = 1_048_576
"""More than any message holds: the node says how much fits, this bounds what is read for that."""
_FINAL_STATES: Final = ("delivered", "expired")


@click.command(cls=MolvaCommand)
@click.argument("contact", type=CONTACT)
@click.argument("text")
@click.option(
    "--wait",
    "wait_s",
    type=DURATION,
    default=None,
    help="Wait so long for the delivery proof: 30s, 5m. Exits with 4 when it has not come.",
)
@click.option(
    "--lifetime",
    "lifetime_s",
    type=DURATION,
    default="7d",
    show_default=True,
    help="How long carriers keep it, at most 30d.",
)
@pass_session
def send(session: Session, contact: str, text: str, wait_s: float | None, lifetime_s: float) -> int:
    """Write to a contact.

    TEXT is the message, or - to read it from standard input. The node keeps it at once; it
    leaves as soon as somebody is there who can deliver or carry it.

    \b
    Examples:
      molva send bob "See you at noon"
      molva send bob "Are you there?" --wait 30s
      fortune | molva send bob -
    """
    from p2p.control.schema import Send

    content = _from_stdin() if text == "-" else text
    if not content:
        raise click.UsageError("There is nothing to send: the text is empty.")
    # The id makes the request safe to repeat, should the answer get lost.
    request = Send(
        contact=contact, text=content, command_id=secrets.token_hex(8), lifetime_s=lifetime_s
    )
    message = session.client.send(request)
    if wait_s is None:
        _show(session, message)
        return int(ExitCode.DONE)
    message = _wait(session, message, wait_s)
    _show(session, message)
    match message.state:
        case "delivered":
            return int(ExitCode.DONE)
        case "expired":
            raise CommandFailed("It expired before a delivery proof was seen.")
        case _:
            raise CommandFailed(
                f"Not delivered within {wait_s:g} s: {state_in_words(message)}. "
                f"It stays under way until {moment(message.expires_s)}.",
                ExitCode.TIMED_OUT,
                "timed-out",
            )


def _from_stdin() -> str:
    data = sys.stdin.buffer.read(_STDIN_MAX_BYTES + 1)
    if len(data) > _STDIN_MAX_BYTES:
        raise CommandFailed("Standard input holds more than any message can.", code="too-large")
    try:
        return data.decode().rstrip("\n")
    except UnicodeDecodeError as exc:
        raise CommandFailed("Standard input is no UTF-8 text.", code="invalid-input") from exc


def _wait(session: Session, message: Message, wait_s: float) -> Message:
    """Give the message once it is delivered or expired, or as it is when the time is up."""
    from p2p.control.client import TimedOut

    deadline = time.monotonic() + wait_s
    while message.state not in _FINAL_STATES and (rest_s := deadline - time.monotonic()) > 0:
        try:
            with session.client.events(wait_s=rest_s) as stream:
                for event in stream:
                    # Asked for again at the beginning: it may have changed before we listened.
                    if event.event == "stream.opened" or event.message_id == message.id:
                        message = session.client.message(message.id)
                    if message.state in _FINAL_STATES:
                        break
        except TimedOut:
            break
    return session.client.message(message.id)


def _show(session: Session, message: Message) -> None:
    if session.screen.as_json:
        session.screen.value(message)
        return
    session.screen.line(f"{short_id(message)} to {other_side(message)}: {state_in_words(message)}")
