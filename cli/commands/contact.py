"""``molva contact``."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Final

import click

from cli.context import Session, pass_session
from cli.credential_output import proven_text
from cli.failures import CommandFailed
from cli.grammar import MolvaGroup
from cli.output import moment, safe_line
from cli.references import CONTACT

if TYPE_CHECKING:
    from p2p.control.schema import Contact

_LINK_MAX_CHARACTERS: Final = 16_384


@click.group(cls=MolvaGroup)
def contact() -> None:
    """Invite, add, verify and block people.

    CONTACT is a name, an account key, or at least its 8 first digits.

    \b
    Example:
      molva contact invite
    """


@contact.command()
@click.option("--qr", is_flag=True, help="Draw a QR code of the short link.")
@click.option("--short", is_flag=True, help="Give the short link, which needs the mesh to be used.")
@pass_session
def invite(session: Session, qr: bool, short: bool) -> None:  # noqa: FBT001
    """Make a one-time invite.

    Whoever uses the link first becomes your contact, so give it to one person only, over a way
    that you trust. The long link carries all that is needed; the QR code is of the short one,
    with which the other node asks its neighbours for the rest.

    \b
    Examples:
      molva contact invite
      molva contact invite --qr
    """
    made = session.client.invite()
    screen = session.screen
    if screen.as_json:
        screen.value(made)
        return
    if qr:
        import segno

        segno.make(made.short_link, error="l", micro=False).terminal(compact=True, border=2)
        screen.line(made.short_link)
    else:
        screen.line(made.short_link if short else made.link)
    screen.note(f"For one person, until {moment(made.expires_s)}.")


@contact.command()
@click.argument("link")
@click.option("--name", required=True, help="What you call this person.")
@pass_session
def add(session: Session, link: str, name: str) -> None:
    """Make a contact of an invite.

    LINK is the invite link, or - to read it from standard input.

    \b
    Examples:
      molva contact add molva:1:lMQg... --name bob
      xclip -o | molva contact add - --name bob
    """
    from p2p.control.schema import AddContact

    given = sys.stdin.readline(_LINK_MAX_CHARACTERS).strip() if link == "-" else link.strip()
    if not given:
        raise click.UsageError("The link is empty.")
    _within_limits(link=given, name=name)
    added = session.client.add_contact(AddContact(link=given, name=name))
    if session.screen.as_json:
        session.screen.value(added)
        return
    session.screen.line(f"{safe_line(added.name)} is a contact now ({_state(added)}).")
    quoted = shlex.quote(safe_line(added.name))
    session.screen.line(f"Compare safety numbers: molva contact verify {quoted}")


@contact.command(name="list")
@pass_session
def list_(session: Session) -> None:
    """Show all contacts.

    \b
    Example:
      molva contact list
    """
    from p2p.control.schema import ContactList

    contacts = session.client.contacts()
    if session.screen.as_json:
        session.screen.value(ContactList(contacts=contacts))
        return
    if not contacts:
        session.screen.line("No contacts yet. Begin with: molva contact invite")
        return
    rows = [
        (c.name, c.account_key[:16], _state(c), moment(c.last_heard_s), c.suggested_name)
        for c in contacts
    ]
    session.screen.table(("NAME", "KEY", "STATE", "LAST HEARD", "CALLS ITSELF"), rows)


@contact.command()
@click.argument("contact_name", type=CONTACT, metavar="CONTACT")
@pass_session
def show(session: Session, contact_name: str) -> None:
    """Show one contact.

    \b
    Example:
      molva contact show bob
    """
    found = session.client.contact(contact_name)
    if session.screen.as_json:
        session.screen.value(found)
        return
    session.screen.fields(
        [
            ("name", found.name),
            ("calls itself", found.suggested_name),
            ("account key", found.account_key),
            ("state", _state(found)),
            ("safety number", found.safety_number),
            ("added", moment(found.added_s)),
            ("last heard", moment(found.last_heard_s)),
            *(("listens at", address) for address in found.addresses),
            *(("has proven", proven_text(claim)) for claim in found.proven),
        ]
    )


@contact.command()
@click.argument("contact_name", type=CONTACT, metavar="CONTACT")
@click.option("--yes", is_flag=True, help="They are equal: do not ask.")
@click.option("--withdraw", is_flag=True, help="Take an earlier verification back.")
@pass_session
def verify(session: Session, contact_name: str, yes: bool, withdraw: bool) -> None:  # noqa: FBT001
    """Compare safety numbers with a contact.

    Read the number to each other, in person or on a call. If both devices show the same, nobody
    sits between you. Without a terminal it is shown, and nothing is marked without --yes.

    \b
    Examples:
      molva contact verify bob
      molva contact verify bob --yes
    """
    from p2p.control.schema import VerifyContact

    if yes and withdraw:
        raise click.UsageError("Either --yes or --withdraw.")
    found = session.client.contact(contact_name)
    screen = session.screen
    if not screen.as_json:
        screen.line(f"Safety number with {safe_line(found.name)}:")
        screen.line()
        screen.line("  " + safe_line(found.safety_number))
        screen.line()
    if withdraw:
        found = session.client.verify_contact(found.account_key, VerifyContact(verified=False))
    elif yes or _says_equal(session):
        found = session.client.verify_contact(found.account_key, VerifyContact())
    if screen.as_json:
        screen.value(found)
        return
    screen.line("Verified." if found.verified else "Not verified.")


@contact.command()
@click.argument("contact_name", type=CONTACT, metavar="CONTACT")
@pass_session
def block(session: Session, contact_name: str) -> None:
    """Drop a contact's mail unread, and send none.

    \b
    Example:
      molva contact block bob
    """
    _tell(session, session.client.block_contact(contact_name), "is blocked")


@contact.command()
@click.argument("contact_name", type=CONTACT, metavar="CONTACT")
@pass_session
def unblock(session: Session, contact_name: str) -> None:
    """Let a blocked contact write again.

    \b
    Example:
      molva contact unblock bob
    """
    _tell(session, session.client.unblock_contact(contact_name), "may write again")


@contact.command()
@click.argument("contact_name", type=CONTACT, metavar="CONTACT")
@click.argument("new_name")
@pass_session
def rename(session: Session, contact_name: str, new_name: str) -> None:
    """Call a contact by another name.

    \b
    Example:
      molva contact rename bob robert
    """
    _within_limits(name=new_name)
    _tell(session, session.client.rename_contact(contact_name, new_name), "is the name now")


@contact.command()
@click.argument("contact_name", type=CONTACT, metavar="CONTACT")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, contact_name: str, yes: bool) -> None:  # noqa: FBT001
    """Forget a contact with all messages.

    \b
    Example:
      molva contact remove bob
    """
    found = session.client.contact(contact_name)
    name = safe_line(found.name)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("There is no terminal to ask on: use --yes.")
        if not click.confirm(f"Forget {name} with all messages?", err=True):
            raise CommandFailed(f"{name} is still a contact.", code="declined")
    session.client.remove_contact(found.account_key)
    _tell(session, found, "is forgotten, with all messages")


def _tell(session: Session, changed: Contact, what: str) -> None:
    if session.screen.as_json:
        session.screen.value(changed)
    else:
        session.screen.line(f"{safe_line(changed.name)} {what}.")


def _says_equal(session: Session) -> bool:
    if session.screen.as_json or not sys.stdin.isatty():
        return False
    return click.confirm("Does the other device show the same number?", err=True)


def _state(found: Contact) -> str:
    marks = [found.state]
    if found.verified:
        marks.append("verified")
    if found.blocked:
        marks.append("blocked")
    return ", ".join(marks)


def _within_limits(*, name: str, link: str = "") -> None:
    """Refuse here what the node would refuse less plainly."""
    if not name.strip():
        raise click.UsageError("The name is empty.")
    if len(link) >= _LINK_MAX_CHARACTERS:
        raise click.UsageError("This link is longer than any invite.")
