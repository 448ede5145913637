"""``molva message``, and how a message is shown anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from cli.context import Session, pass_session
from cli.grammar import MolvaGroup
from cli.output import moment, safe_line, safe_text
from cli.references import CONTACT, MESSAGE

if TYPE_CHECKING:
    from p2p.control.schema import Message

SHORT_ID_DIGITS: Final = 8


def state_in_words(message: Message) -> str:
    """Give a message's state as a person says it; docs/reference/message-states.md."""
    match message.state:
        case "queued":
            return "queued: only this device has it"
        case "carried":
            nodes = "1 other node" if message.carriers == 1 else f"{message.carriers} other nodes"
            return f"carried by {nodes}"
        case "expired":
            return f"expired {moment(message.expires_s)}, not known to be delivered"
        case other:
            return other


def short_id(message: Message) -> str:
    """Give the part of an id that people type."""
    return message.id[:SHORT_ID_DIGITS]


def other_side(message: Message) -> str:
    """Give the contact's name, or the beginning of the key where it is no contact any more."""
    return safe_line(message.contact_name) or message.contact[:16]


@click.group(cls=MolvaGroup)
def message() -> None:
    """Find out what became of a message.

    Messages go by their id; its first 4 digits are enough where no other begins so.

    \b
    Example:
      molva message why 3f2a
    """


@message.command()
@click.argument("id_", type=MESSAGE, metavar="ID")
@pass_session
def show(session: Session, id_: str) -> None:
    """Show one message with its present state.

    \b
    Example:
      molva message show 3f2a
    """
    found = session.client.message(id_)
    if session.screen.as_json:
        session.screen.value(found)
        return
    session.screen.fields(_head(found))
    session.screen.line()
    session.screen.line("    " + safe_text(found.text))


@message.command()
@click.argument("id_", type=MESSAGE, metavar="ID")
@pass_session
def why(session: Session, id_: str) -> None:
    """Tell everything that happened to a message.

    \b
    Example:
      molva message why 3f2a
    """
    found = session.client.history(id_)
    if session.screen.as_json:
        session.screen.value(found)
        return
    session.screen.fields(_head(found.message))
    session.screen.line()
    rows = [(moment(entry.at_s), entry.kind, entry.detail) for entry in found.history]
    session.screen.table(("WHEN", "WHAT", "DETAIL"), rows)


@message.command(name="list")
@click.option("--contact", type=CONTACT, default="", help="Only with this contact.")
@click.option("--direction", type=click.Choice(["in", "out"]), default=None, help="Only one way.")
@click.option(
    "--state",
    default="",
    metavar="STATE[,STATE]",
    help="Only in these states, the oldest first.",
)
@click.option("--limit", type=click.IntRange(1, 256), default=20, show_default=True)
@pass_session
def list_(session: Session, contact: str, direction: str | None, state: str, limit: int) -> None:
    """Show the newest messages, both ways.

    \b
    Examples:
      molva message list --contact bob
      molva message list --direction out --state queued,carried
    """
    from p2p.control.schema import MessagePage

    way = direction or ""
    if state:
        page = session.client.messages(direction=way, contact=contact, state=state, limit=limit)
    else:
        newest = session.client.newest_messages(direction=way, contact=contact, limit=limit)
        page = MessagePage(messages=newest)
    if session.screen.as_json:
        session.screen.value(page)
        return
    if not page.messages:
        session.screen.line("No messages.")
        return
    rows = [
        (
            short_id(m),
            moment(m.created_s),
            ("to " if m.direction == "out" else "from ") + other_side(m),
            state_in_words(m),
            m.text if len(m.text) <= 40 else m.text[:39] + "…",
        )
        for m in page.messages
    ]
    session.screen.table(("ID", "WHEN", "WITH", "STATE", "TEXT"), rows)


def _head(found: Message) -> list[tuple[str, str]]:
    outgoing = found.direction == "out"
    return [
        ("id", found.id),
        ("to" if outgoing else "from", f"{other_side(found)} ({found.contact[:16]}…)"),
        ("written", moment(found.sent_s)),
        ("sent from here" if outgoing else "opened here", moment(found.created_s)),
        ("expires", moment(found.expires_s)),
        ("state", state_in_words(found)),
    ]
