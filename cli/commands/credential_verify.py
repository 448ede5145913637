"""``molva credential verify``."""

from __future__ import annotations

from pathlib import Path

import click

from cli.context import Session, pass_session
from cli.grammar import MolvaCommand

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)
STATUS_SIGNER = "1.3.6.1.5.5.7.3.30"


@click.command(cls=MolvaCommand)
@click.argument("file", type=_FILE)
@click.option(
    "--request",
    type=click.Path(exists=True, dir_okay=False),
    required=True,
    metavar="REQUEST.json",
    help="What was asked for; docs/reference/credential-verify.md.",
)
@click.option(
    "--trust",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder of trust anchors: certificates, .vical and LoTE files.",
)
@click.option(
    "--status",
    "statuses",
    type=click.Path(exists=True, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="A status list token, JWT or CWT; may be given more than once.",
)
@click.option(
    "--status-policy",
    type=click.Choice(["require", "report"]),
    default="require",
    show_default=True,
    help="Refuse what is revoked or unknown, or only say so.",
)
@click.option(
    "--status-signer-eku",
    default=STATUS_SIGNER,
    show_default=True,
    metavar="OID",
    help="Extended key usage that a status signer's certificate must have.",
)
@click.option("--at", default="", metavar="RFC3339", help="Verify as of this time, not of now.")
@click.option("--stateless", is_flag=True, help="Neither look up nor remember the nonce.")
@pass_session
def verify(
    session: Session,
    file: str,
    request: str,
    trust: Path,
    statuses: tuple[str, ...],
    status_policy: str,
    status_signer_eku: str,
    at: str,
    stateless: bool,  # noqa: FBT001
) -> int:
    """Check a presentation from a file; needs no node.

    FILE is an SD-JWT VC presentation as text, or an mdoc device response as CBOR or its base64url
    text; - is standard input. Nothing is fetched, and no file is opened but those named here and
    the memory of answered requests in the profile's folder. Exit code 0: verified; 1: refused,
    with the rule.

    \b
    Examples:
      molva credential verify answer.txt --request request.json --trust anchors/
      molva credential verify answer.cbor --request request.json --trust anchors/ \\
        --status list.jwt --at 2026-11-21T12:00:00Z --json
    """
    from cli.stateless.verifying import Order, run_verification

    order = Order(
        presentation=file,
        request=request,
        trust=trust,
        statuses=statuses,
        status_policy=status_policy,
        status_signer_usage=status_signer_eku,
        at=at,
        stateless=stateless,
        home=session.home,
    )
    return run_verification(order, session.screen)
