"""``molva credential request``, ``verdicts`` and ``collect``: the verifier's side."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from cli.context import Session, pass_session
from cli.credential_output import short, show_request, state_in_words, who_asks
from cli.failures import CommandFailed, ExitCode
from cli.grammar import DURATION, MolvaCommand
from cli.output import moment
from cli.references import CONTACT, QUESTION_OF_OURS

if TYPE_CHECKING:
    from p2p.control.credential_schema import CredentialRequest, KindAsked

_DECIDED: Final = ("verified", "refused", "declined", "expired")
_NAME: Final = ("family_name", "given_name")
_FRAME: Final = re.compile(r"MF1/[0-9A-F]{16}/(\d{1,3})/(\d{1,3})/", re.ASCII)
_LINES_MAX: Final = 1_024
_LINE_MAX_CHARACTERS: Final = 600


@click.command(cls=MolvaCommand)
@click.option("--age-over", type=click.IntRange(1, 99), default=None, help="Ask for an age.")
@click.option(
    "--claims", default="", metavar="NAME[,NAME]", help="Ask for these; `name` is both names."
)
@click.option("--purpose", default="", help="What the answer is for; the holder reads it.")
@click.option("--to", "contact", type=CONTACT, default="", help="Ask this contact.")
@click.option("--qr", is_flag=True, help="Draw a code for whoever stands before you.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="FORMAT:TYPE",
    help="Accept this type, such as dc+sd-jwt:urn:eudi:pid:1; the well-known ones without it.",
)
@click.option("--contract", is_flag=True, help="The status must be of the last 24 hours, not week.")
@click.option(
    "--status-policy",
    type=click.Choice(["require", "report"]),
    default="require",
    show_default=True,
    help="Refuse an unknown status, or only report it.",
)
@click.option(
    "--lifetime",
    "lifetime_s",
    type=DURATION,
    default=None,
    help="How long an answer is taken: 24h, with --qr 5m; at most 7d.",
)
@click.option("--wait", "wait_s", type=DURATION, default=None, help="Wait so long for the verdict.")
@pass_session
def request(
    session: Session,
    age_over: int | None,
    claims: str,
    purpose: str,
    contact: str,
    qr: bool,  # noqa: FBT001
    kinds: tuple[str, ...],
    contract: bool,  # noqa: FBT001
    status_policy: str,
    lifetime_s: float | None,
    wait_s: float | None,
) -> int:
    """Ask a contact, or who stands before you, to prove something.

    An age is asked for as yes or no: a birthday is never needed. With --wait the exit code is 0
    only if everything asked for was shown and verified, and the age is reached.

    \b
    Examples:
      molva credential request --age-over 18 --to bob --wait 60s
      molva credential request --age-over 18 --qr --wait 5m
      molva credential request --claims name,document_number --purpose "hotel check-in" --to bob
    """
    from p2p.control.credential_schema import AskCredential

    if bool(contact) == qr:
        raise click.UsageError("Either --to CONTACT or --qr.")
    asked = session.client.credentials.ask(
        AskCredential(
            elements=_elements(age_over, claims),
            contact=contact,
            purpose=purpose.strip() or ("age check" if age_over is not None else ""),
            kinds=[_kind(text) for text in kinds],
            use="contract" if contract else "age-check",
            status_policy=status_policy,
            lifetime_s=lifetime_s or 0.0,
        )
    )
    if qr:
        _draw(session, asked)
    if wait_s is None:
        _say_asked(session, asked, qr=qr)
        return int(ExitCode.DONE)
    return conclude(session, _wait(session, asked, wait_s), wait_s)


@click.command(cls=MolvaCommand)
@click.argument("ref", type=QUESTION_OF_OURS, metavar="[ID]", required=False, default="")
@pass_session
def verdicts(session: Session, ref: str) -> None:
    """Show what became of the questions that you asked, or of the one with this ID.

    \b
    Examples:
      molva credential verdicts
      molva credential verdicts a5ce
    """
    from p2p.control.credential_schema import CredentialRequestPage

    if ref:
        show_request(session.screen, session.client.credentials.request(ref))
        return
    found = session.client.credentials.requests(direction="out")
    if session.screen.as_json:
        session.screen.value(CredentialRequestPage(requests=found))
        return
    if not found:
        session.screen.line("Nothing was asked yet. Begin with: molva credential request --help")
        return
    rows = [
        (
            short(one.id),
            moment(one.made_s),
            who_asks(one),
            ", ".join(element.name for element in one.elements),
            state_in_words(one),
            one.verdict.rule if one.verdict else "",
        )
        for one in found
    ]
    session.screen.table(("ID", "ASKED", "OF", "FOR", "VERDICT", "RULE"), rows)


@click.command(cls=MolvaCommand)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@pass_session
def collect(session: Session, file: str) -> int:
    """Take the answer that a holder shows as a series of QR codes.

    FILE, or standard input, has the text of one code on each line, in any order and as often as
    your scanner gives it. Reading ends as soon as none is missing.

    \b
    Examples:
      molva credential collect < scanned.txt
      zbarcam --raw | molva credential collect
    """
    if file == "-":
        frames = _read_frames(session, sys.stdin)
    else:
        try:
            with Path(file).open(encoding="utf-8", errors="replace") as lines:
                frames = _read_frames(session, lines)
        except OSError as exc:
            raise CommandFailed(f"{file} cannot be read: {exc.strerror}.") from exc
    return conclude(session, session.client.credentials.collect(frames), None)


def conclude(session: Session, asked: CredentialRequest, waited_s: float | None) -> int:
    """Show a verdict; give exit code 0 only where all that was asked for is proven.

    Raises:
        CommandFailed: it was refused, declined, not given in time, or does not prove it.
    """
    show_request(session.screen, asked)
    verdict = asked.verdict
    if verdict is None:
        raise CommandFailed(
            f"No answer within {waited_s or 0:g} s. The question stays open until "
            f"{moment(asked.expires_s)}: molva credential verdicts {short(asked.id)}",
            ExitCode.TIMED_OUT,
            "timed-out",
        )
    match verdict.verdict:
        case "verified":
            short_of = [
                name
                for element in asked.elements
                if (name := element.name) in verdict.missing or verdict.claims.get(name) is False
            ]
            if not short_of and verdict.status.state != "revoked":
                return int(ExitCode.DONE)
            what = ", ".join(short_of) or "it was revoked"
            raise CommandFailed(f"Verified, but it does not prove: {what}.", code="not-proven")
        case "declined":
            raise CommandFailed("The holder declined.", code="declined")
        case "expired":
            raise CommandFailed("No answer came in time.", ExitCode.TIMED_OUT, "timed-out")
        case _:
            raise CommandFailed(
                f"Refused ({verdict.rule}): {verdict.message}", code="credential-refused"
            )


def _elements(age_over: int | None, claims: str) -> list[str]:
    names = [name.strip() for name in claims.split(",") if name.strip()]
    elements = [f"age_over_{age_over:02d}"] if age_over is not None else []
    for name in names:
        elements += _NAME if name == "name" else (name,)
    if not elements:
        raise click.UsageError("Ask for something: --age-over N, --claims NAME, or both.")
    if len(elements) != len(dict.fromkeys(elements)):
        raise click.UsageError("One element is asked for twice.")
    return elements


def _kind(text: str) -> KindAsked:
    from p2p.control.credential_schema import KindAsked

    format_, colon, name = text.partition(":")
    if not colon or not name:
        raise click.UsageError(f"{text!r} is no kind: write FORMAT:TYPE.")
    return KindAsked(format=format_, name=name)


def _draw(session: Session, asked: CredentialRequest) -> None:
    if session.screen.as_json:
        return
    import segno

    code = segno.make(asked.engagement, error="l", micro=False)
    code.terminal(compact=True, border=2)
    session.screen.line(asked.engagement)


def _say_asked(session: Session, asked: CredentialRequest, *, qr: bool) -> None:
    screen = session.screen
    if screen.as_json:
        screen.value(asked)
        return
    if qr:
        screen.note(f"For one holder, until {moment(asked.expires_s)}.")
    else:
        screen.line(f"{short(asked.id)} to {who_asks(asked)}: asked.")
    screen.note(f"The verdict: molva credential verdicts {short(asked.id)}")


def _wait(session: Session, asked: CredentialRequest, wait_s: float) -> CredentialRequest:
    """Give the question once it is decided, or as it is when the time is up."""
    from p2p.control.client import TimedOut

    if not session.screen.as_json:
        session.screen.note(f"Waiting for {who_asks(asked)}; Ctrl-C leaves the question open.")
    deadline = time.monotonic() + wait_s
    credentials = session.client.credentials
    while asked.state not in _DECIDED and (rest_s := deadline - time.monotonic()) > 0:
        try:
            with session.client.events(wait_s=rest_s) as stream:
                for event in stream:
                    about = event.credential_request
                    # Asked for again at the beginning: it may have come before we listened.
                    if event.event == "stream.opened" or (about and about.id == asked.id):
                        asked = credentials.request(asked.id)
                    if asked.state in _DECIDED:
                        break
        except TimedOut:
            break
    return credentials.request(asked.id)


def _read_frames(session: Session, file: TextIO) -> list[str]:
    frames: dict[str, None] = {}
    seen: dict[str, None] = {}
    for _ in range(_LINES_MAX):
        line = file.readline(_LINE_MAX_CHARACTERS + 2)
        if not line:
            break
        text = line.rstrip("\r\n")
        found = _FRAME.match(text)
        if found is None or text in frames:
            continue
        frames[text] = None
        seen[found[1]] = None
        if file is sys.stdin and not session.screen.as_json:
            session.screen.note(f"{len(seen)} of {found[2]}")
        if len(seen) == int(found[2]):
            break
    if not frames:
        raise click.UsageError("There is no frame of an answer: each begins with MF1/.")
    return list(frames)
