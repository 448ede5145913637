"""``molva credential issue-test``: an issuer for trying things out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from cli.context import Session, pass_session
from cli.grammar import DURATION, MolvaGroup

_FOLDER = click.Path(file_okay=False, path_type=Path)
_ISSUER = click.Path(exists=True, file_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
_INPUT = click.Path(exists=True, dir_okay=False)
_FORMATS: Final = ("dc+sd-jwt", "mso_mdoc")
_DAY_S: Final = 86_400


@click.group(cls=MolvaGroup)
def issue_test() -> None:
    """Issue test credentials that nobody trusts; needs no node.

    Everything it issues says MOLVA TEST ISSUER - NOT REAL. A verifier accepts it only where the
    issuer's own anchors folder is given as --trust, or its root was added to a node's anchors.

    \b
    Examples:
      molva credential issue-test new issuer/
      molva credential issue-test issue issuer/ --out erika.json --age 20 --status
      molva credential issue-test present erika.json --request request.json --out answer.txt
      molva credential verify answer.txt --request request.json --trust issuer/anchors \\
        --status issuer/status.jwt
      molva credential issue-test revoke issuer/ erika.json
    """


@issue_test.command()
@click.argument("folder", type=_FOLDER)
@click.option(
    "--valid-for", type=DURATION, default="365d", show_default=True, help="Life of its signers."
)
@pass_session
def new(session: Session, folder: Path, valid_for: float) -> None:
    """Make a test issuer in FOLDER: its keys, and the anchors that verifiers need.

    \b
    Example:
      molva credential issue-test new issuer/
    """
    from cli.stateless.issuer_folder import make_issuer_folder

    made = make_issuer_folder(folder, int(valid_for))
    anchors = made.folder / "anchors"
    if session.screen.as_json:
        session.screen.value({"issuer": str(made.folder), "trust": str(anchors)})
        return
    session.screen.line(f"A test issuer is in {made.folder}. Nobody trusts it by itself.")
    session.screen.line(f"Verifiers that are to accept it need: --trust {anchors}")


@issue_test.command()
@click.argument("folder", type=_ISSUER)
@click.option("--out", type=_OUT, required=True, metavar="FILE", help="Where the bundle goes.")
@click.option(
    "--format",
    "formats",
    type=click.Choice(_FORMATS),
    multiple=True,
    help="Only this format; both without it.",
)
@click.option("--age", type=click.IntRange(0, 150), default=20, show_default=True)
@click.option("--name", default="", help="Given and family name of the sample person.")
@click.option(
    "--claims", type=_INPUT, default=None, metavar="FILE", help="Claims in JSON, in place of these."
)
@click.option("--vct", default="urn:eudi:pid:1", show_default=True, help="Type of an SD-JWT VC.")
@click.option(
    "--doc-type", default="org.iso.18013.5.1.mDL", show_default=True, help="Type of an mdoc."
)
@click.option(
    "--copies",
    type=click.IntRange(1, 500),
    default=1,
    show_default=True,
    help="Copies for single use, in each format.",
)
@click.option("--status", is_flag=True, help="Name a status list, so that it can be revoked.")
@click.option(
    "--valid-for", type=DURATION, default="30d", show_default=True, help="Life of the credential."
)
@pass_session
def issue(
    session: Session,
    folder: Path,
    out: Path,
    formats: tuple[str, ...],
    age: int,
    name: str,
    claims: str | None,
    vct: str,
    doc_type: str,
    copies: int,
    status: bool,  # noqa: FBT001
    valid_for: float,
) -> None:
    """Issue a credential of a sample person, or of your own claims, by the issuer in FOLDER.

    The bundle holds the credential and its holder's private keys; `molva credential import` takes
    it. Claims in a file are one JSON object; for an mdoc they may be grouped by namespace.

    \b
    Examples:
      molva credential issue-test issue issuer/ --out erika.json --age 20 --status
      molva credential issue-test issue issuer/ --out guest.json --format dc+sd-jwt \\
        --claims claims.json --copies 10 --valid-for 1d
    """
    from cli.stateless.sample_issue import IssueOrder
    from cli.stateless.sample_issue import issue as issue_bundle

    order = IssueOrder(
        folder=folder,
        out=out,
        formats=tuple(dict.fromkeys(formats)) or _FORMATS,
        claims=claims or "",
        age=age,
        name=name,
        copies=copies,
        with_status=status,
        life_s=int(valid_for),
        kinds=(vct, doc_type),
    )
    _tell(session, issue_bundle(order))


@issue_test.command()
@click.argument("folder", type=_ISSUER)
@click.argument("bundle", type=_INPUT)
@click.option("--copy", type=click.IntRange(1), default=None, help="Only this copy; 1 is first.")
@click.option(
    "--state",
    type=click.Choice(["revoked", "suspended", "valid"]),
    default="revoked",
    show_default=True,
)
@pass_session
def revoke(session: Session, folder: Path, bundle: str, copy: int | None, state: str) -> None:
    """Revoke what is in BUNDLE, and write newer status list tokens into FOLDER.

    \b
    Example:
      molva credential issue-test revoke issuer/ erika.json --copy 1
    """
    from cli.stateless.sample_issue import set_status

    _tell(session, set_status(folder, bundle, copy or 0, state))


@issue_test.command()
@click.argument("folder", type=_ISSUER)
@pass_session
def status(session: Session, folder: Path) -> None:
    """Write the status list tokens in FOLDER anew, so that they are fresh.

    \b
    Example:
      molva credential issue-test status issuer/
    """
    from cli.stateless.sample_issue import renew_status

    _tell(session, renew_status(folder))


@issue_test.command()
@click.argument("bundle", type=_INPUT)
@click.option(
    "--request", type=_INPUT, required=True, metavar="REQUEST.json", help="What was asked for."
)
@click.option("--out", type=_OUT, required=True, metavar="FILE", help="Where the answer goes.")
@click.option(
    "--copy", type=click.IntRange(1), default=1, show_default=True, help="Which copy of the format."
)
@click.option(
    "--show", multiple=True, metavar="NAME", help="Show only this element; may be given again."
)
@pass_session
def present(
    session: Session, bundle: str, request: str, out: Path, copy: int, show: tuple[str, ...]
) -> None:
    """Answer a request with a copy in BUNDLE, without a wallet: for trying out a verifier.

    \b
    Example:
      molva credential issue-test present erika.json --request request.json --out answer.txt \\
        --show age_over_18
    """
    from cli.stateless.sample_issue import present_copy

    present_copy(bundle, copy, request, show, out)
    _tell(session, [out])


def _tell(session: Session, written: list[Path]) -> None:
    if session.screen.as_json:
        session.screen.value({"written": [str(path) for path in written]})
        return
    for path in written:
        session.screen.line(f"Written: {path}")
