"""``molva credential requests`` and ``answer``: the holder's side."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from cli.context import Session, pass_session
from cli.credential_output import (
    TEST_WARNING,
    question_fields,
    short,
    state_in_words,
    who_asks,
)
from cli.failures import CommandFailed
from cli.grammar import MolvaCommand
from cli.output import safe_line
from cli.references import CREDENTIAL, QUESTION_TO_US

if TYPE_CHECKING:
    from p2p.control.credential_schema import (
        CredentialAnswerMade,
        CredentialChoice,
        CredentialRequest,
    )

_ENGAGEMENT_MAX_CHARACTERS: Final = 16_384
_FRAME_S: Final = 0.5
_CLEAR: Final = "\x1b[2J\x1b[H"


@click.command(cls=MolvaCommand)
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
@pass_session
def requests(session: Session, everything: bool) -> None:  # noqa: FBT001
    """Show who asks you to prove what.

    \b
    Example:
      molva credential requests
    """
    from p2p.control.credential_schema import CredentialRequestPage

    state = "" if everything else "open"
    found = session.client.credentials.requests(direction="in", state=state)
    screen = session.screen
    if screen.as_json:
        screen.value(CredentialRequestPage(requests=found))
        return
    if not found:
        screen.line("Nobody asks you for anything.")
        return
    for number, request in enumerate(found):
        if number:
            screen.line()
        screen.fields(question_fields(request))
        if request.state == "open":
            screen.line(f"Answer it with: molva credential answer {short(request.id)}")


@click.command(cls=MolvaCommand)
@click.argument("ref", type=QUESTION_TO_US, metavar="[ID]", required=False, default="")
@click.option("--engagement", default="", metavar="TEXT", help="A code's text, or - for stdin.")
@click.option(
    "--credential",
    "chosen",
    type=CREDENTIAL,
    default="",
    metavar="ID",
    help="Answer with this one.",
)
@click.option("--only", default="", metavar="NAME[,NAME]", help="Show these elements; do not ask.")
@click.option("--yes", is_flag=True, help="Do not ask: show all, or what --only names.")
@click.option("--decline", is_flag=True, help="Show nothing, and say so.")
@click.option("--reuse-copy", is_flag=True, help="Show a copy that somebody else has seen.")
@click.option("--qr-frames", is_flag=True, help="Show the answer as QR codes, without any link.")
@pass_session
def answer(
    session: Session,
    ref: str,
    engagement: str,
    chosen: str,
    only: str,
    yes: bool,  # noqa: FBT001
    decline: bool,  # noqa: FBT001
    reuse_copy: bool,  # noqa: FBT001
    qr_frames: bool,  # noqa: FBT001
) -> None:
    """Answer a question that was asked of you.

    You are told who asks, for what and which elements, and agree to each by itself. The answer
    serves this one question of this one verifier. Without a terminal nothing is shown but what
    --only names, or with --yes.

    \b
    Examples:
      molva credential answer 4a5e
      molva credential answer 4a5e --only age_over_18
      molva credential answer --engagement molva-ask:1:lMQg...
    """
    if bool(ref) == bool(engagement):
        raise click.UsageError("Either the ID of a question or --engagement.")
    if decline and (only or yes or chosen or qr_frames):
        raise click.UsageError("--decline goes alone.")
    credentials = session.client.credentials
    question = credentials.scan(_code(engagement)) if engagement else credentials.request(ref)
    if question.direction != "in":
        raise CommandFailed("This question is your own.", code="conflict")
    if decline:
        _send(session, question)
    elif question.state == "answered" and qr_frames:
        _send(session, question, as_frames=True)
    else:
        choice = _choose(question, chosen)
        if not session.screen.as_json:
            _explain(session, question, choice)
        elements = _agreed(session, choice, only, yes=yes)
        reuse = reuse_copy or (not choice.fresh and _agrees_to_reuse(session))
        _send(session, question, choice.credential, elements, reuse=reuse, as_frames=qr_frames)


def _send(
    session: Session,
    question: CredentialRequest,
    credential: str = "",
    elements: Sequence[str] = (),
    *,
    reuse: bool = False,
    as_frames: bool = False,
) -> None:
    """Give the answer to the node, and say what became of it; without a credential, decline."""
    from p2p.control.credential_schema import AnswerCredential

    answered = AnswerCredential(
        credential=credential,
        elements=list(elements),
        reuse_copy=reuse,
        as_frames=as_frames,
    )
    _tell(session, session.client.credentials.answer(question.id, answered))


def _code(text: str) -> str:
    given = sys.stdin.readline(_ENGAGEMENT_MAX_CHARACTERS) if text == "-" else text
    if not given.strip():
        raise click.UsageError("The code is empty.")
    return given.strip()


def _choose(question: CredentialRequest, chosen: str) -> CredentialChoice:
    if question.state != "open":
        raise CommandFailed(f"This question is {state_in_words(question)}.", code="conflict")
    fitting = [one for one in question.choices if one.credential.startswith(chosen.lower())]
    if not fitting and question.choices:
        raise CommandFailed(f"Credential {chosen!r} does not fit this question.", code="conflict")
    if not fitting:
        kinds = ", ".join(safe_line(kind.name) for kind in question.kinds)
        raise CommandFailed(f"The wallet has no credential of: {kinds}.", code="not-ready")
    choice = fitting[0]
    if not choice.has:
        lacks = ", ".join(safe_line(name) for name in choice.lacks)
        raise CommandFailed(f"Your credential does not have: {lacks}.", code="not-ready")
    return choice


def _explain(session: Session, question: CredentialRequest, choice: CredentialChoice) -> None:
    screen = session.screen
    screen.line(f"{who_asks(question)} asks you to prove something.")
    screen.fields(question_fields(question)[2:-1])
    mark = f" [{TEST_WARNING}]" if choice.test else ""
    screen.line(f"Your credential: {safe_line(choice.kind)} by {safe_line(choice.issuer)}{mark}")
    for name in choice.lacks:
        screen.line(f"It does not have {safe_line(name)}: that stays unanswered.")
    if choice.always_shown:
        names = ", ".join(safe_line(name) for name in choice.always_shown)
        screen.line(f"Whoever is shown it reads besides: {names}")
    screen.line()


def _agreed(session: Session, choice: CredentialChoice, only: str, *, yes: bool) -> list[str]:
    """Give what the person agrees to show, element by element."""
    if only:
        names = [name.strip() for name in only.split(",") if name.strip()]
        strange = [name for name in names if name not in choice.has]
        if strange:
            raise CommandFailed(
                f"{strange[0]!r} was not asked for, or the credential lacks it.",
                code="invalid-input",
            )
        return names
    if yes:
        return list(choice.has)
    if session.screen.as_json or not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: use --only, --yes or --decline.")
    agreed = [name for name in choice.has if click.confirm(f"Show {safe_line(name)}?", err=True)]
    if not agreed:
        raise CommandFailed(
            "Nothing was shown, and the question stays open; --decline says no.", code="declined"
        )
    return agreed


def _agrees_to_reuse(session: Session) -> bool:
    """Ask about a second use of a copy; without a terminal the node says no in its own words."""
    if session.screen.as_json or not sys.stdin.isatty():
        return False
    session.screen.note(
        "Every copy of this credential was shown to some other verifier. Shown again, the two "
        "could find out that you are one person."
    )
    return click.confirm("Show one again?", err=True)


def _tell(session: Session, made: CredentialAnswerMade) -> None:
    screen = session.screen
    if screen.as_json:
        screen.value(made)
        return
    if made.frames:
        _show_frames(session, made.frames)
        return
    request = made.request
    if request.state == "declined":
        screen.line(f"Declined. {who_asks(request)} gets nothing.")
        return
    screen.line(f"Shown to {who_asks(request)}: {', '.join(map(safe_line, request.shown))}")
    if request.face_to_face:
        again = f"molva credential answer {short(request.id)} --qr-frames"
        screen.note(f"It goes over a link between the two devices. Where none comes about: {again}")


def _show_frames(session: Session, frames: list[str]) -> None:
    """Show codes one after the other until Ctrl-C; where nobody looks, their texts."""
    screen = session.screen
    if not sys.stdout.isatty():
        for frame in frames:
            screen.line(frame)
        return
    import segno

    codes = [segno.make(frame, error="l", micro=False) for frame in frames]
    try:
        while True:
            for number, code in enumerate(codes, start=1):
                sys.stdout.write(_CLEAR)
                code.terminal(compact=True, border=2)
                screen.line(f"{number} of {len(codes)}; Ctrl-C when the other side has all.")
                time.sleep(_FRAME_S)
    except KeyboardInterrupt:
        screen.line()
