"""``molva credential import``, ``list``, ``show`` and ``remove``: the wallet."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.context import Session, pass_session
from cli.credential_output import TEST_WARNING, credential_fields, end_text, short
from cli.failures import CommandFailed
from cli.grammar import MolvaCommand
from cli.output import safe_line
from cli.references import CREDENTIAL

if TYPE_CHECKING:
    from p2p.control.credential_schema import Credential

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_FILE_MAX_BYTES: Final = 2 * 1_048_576
_KEY_MAX_BYTES: Final = 8_192


@click.command(cls=MolvaCommand, name="import")
@click.argument("file", type=_FILE)
@click.option("--key", type=_FILE, default=None, help="The holder key in PEM; not for a bundle.")
@pass_session
def import_(session: Session, file: Path, key: Path | None) -> None:
    """Take credentials from FILE into the wallet.

    FILE is an SD-JWT VC, an mdoc's IssuerSigned structure in CBOR or base64url, or a bundle in
    JSON that has its keys in it. The keys stay in the encrypted store of this node.

    \b
    Examples:
      molva credential import erika.json
      molva credential import pid.sdjwt --key holder.pem
    """
    from p2p.control.credential_schema import ImportCredential

    data = _read(file, _FILE_MAX_BYTES)
    text = _text(data)
    pem = "" if key is None else _text(_read(key, _KEY_MAX_BYTES))
    page = session.client.credentials.take_in(ImportCredential(content=text, key=pem))
    if session.screen.as_json:
        session.screen.value(page)
        return
    for credential in page.credentials:
        session.screen.line(f"{short(credential.id)}  {_line(credential)}")
    copies = "1 new copy" if page.new == 1 else f"{page.new} new copies"
    session.screen.line(f"{copies} in the wallet." if page.new else "It was in the wallet already.")
    session.screen.note("Delete the file: whoever has it can show these credentials.")


@click.command(cls=MolvaCommand, name="list")
@pass_session
def list_(session: Session) -> None:
    """Show the credentials of the wallet.

    \b
    Example:
      molva credential list
    """
    page = session.client.credentials.wallet()
    if session.screen.as_json:
        session.screen.value(page)
        return
    if not page.credentials:
        session.screen.line("The wallet is empty. Begin with: molva credential import FILE")
        return
    rows = [
        (
            short(one.id),
            one.kind,
            one.issuer + (f" [{TEST_WARNING}]" if one.test else ""),
            f"{one.copies_left} of {one.copies}",
            end_text(one.valid_until_s),
        )
        for one in page.credentials
    ]
    session.screen.table(("ID", "TYPE", "ISSUER", "COPIES LEFT", "VALID UNTIL"), rows)


@click.command(cls=MolvaCommand)
@click.argument("ref", type=CREDENTIAL, metavar="ID")
@pass_session
def show(session: Session, ref: str) -> None:
    """Show what is in one credential, and to whom copies were shown.

    \b
    Example:
      molva credential show c1ed
    """
    found = session.client.credentials.credential(ref)
    if session.screen.as_json:
        session.screen.value(found)
        return
    session.screen.fields(credential_fields(found))


@click.command(cls=MolvaCommand)
@click.argument("ref", type=CREDENTIAL, metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, ref: str, yes: bool) -> None:  # noqa: FBT001
    """Forget a credential with all its copies and keys.

    \b
    Example:
      molva credential remove c1ed
    """
    found = session.client.credentials.credential(ref)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("There is no terminal to ask on: use --yes.")
        if not click.confirm(f"Forget {safe_line(_line(found))} with its keys?", err=True):
            raise CommandFailed("It is still in the wallet.", code="declined")
    gone = session.client.credentials.remove(found.id)
    if session.screen.as_json:
        session.screen.value(gone)
        return
    session.screen.line(f"{short(gone.id)} is forgotten, with its keys.")


def _line(credential: Credential) -> str:
    mark = f" [{TEST_WARNING}]" if credential.test else ""
    return f"{safe_line(credential.kind)} by {safe_line(credential.issuer)}{mark}"


def _read(path: Path, size_max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size_max_bytes + 1)
    except OSError as exc:
        raise CommandFailed(f"{path} cannot be read: {exc.strerror}.") from exc
    if len(data) > size_max_bytes:
        raise CommandFailed(f"{path} is larger than {size_max_bytes:,} bytes.", code="too-large")
    if not data.strip():
        raise CommandFailed(f"{path} is empty.", code="invalid-input")
    return data


def _text(data: bytes) -> str:
    """Give text as it is, and CBOR as base64url text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
