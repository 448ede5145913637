"""``molva trust``."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import click

from cli.context import Session, pass_session
from cli.failures import CommandFailed
from cli.grammar import MolvaGroup
from cli.output import Screen, moment, safe_line
from cli.references import LIST_ROOT, TRUSTED

if TYPE_CHECKING:
    from p2p.control.trust_schema import Anchor, Clock, ListAnswer, SignedList, TrustState

_PEM_MARK: Final = b"-----BEGIN"
_JWT_BEGINNING: Final = b"e"
_SHORT_REF_DIGITS: Final = 16
_MARK: Final = "TEST, proves nothing"

_PRIVATE: Final = click.option(
    "--keep-private", "private", is_flag=True, help="Do not give it to other nodes."
)
_ROOT: Final = click.option(
    "--root",
    type=LIST_ROOT,
    default="",
    metavar="REF",
    help="The anchor it must lead to: ref, label, or `all` for any; it signs lists from now on. "
    "Without this: anchors added for lists.",
)


@click.group(cls=MolvaGroup)
def trust() -> None:
    """Say which issuers you believe, and see how old that knowledge is.

    An anchor is a certificate that you add from a file. Lists of issuers (VICAL, LoTE) and status
    lists, which say what was revoked, count only if they were signed under an anchor, whoever
    brings them: you, or a neighbour's node. What you import is passed on over the mesh.

    \b
    Examples:
      molva trust add iaca.pem --label Utopia
      molva trust import-status statuslist.jwt
      molva trust status
    """


@trust.command()
@click.argument("file")
@click.option("--label", default="", help="What you call it; its own name by default.")
@click.option(
    "--purpose",
    type=click.Choice(["issuers", "lists", "both"]),
    default="issuers",
    show_default=True,
    help="Whether it stands above issuers, or above those who sign lists of issuers.",
)
@click.option("--as-of", default="", metavar="DATE", help="Since when it is known to be right.")
@click.option("--test", is_flag=True, help="It is a test issuer's: needed, and shown everywhere.")
@pass_session
def add(
    session: Session,
    file: str,
    label: str,
    purpose: Literal["issuers", "lists", "both"],
    as_of: str,
    test: bool,  # noqa: FBT001
) -> None:
    """Trust the certificates in a file.

    FILE is PEM or DER, or - for standard input. Get it over a way that you trust: whoever can
    exchange it can issue whatever you will believe.

    \b
    Examples:
      molva trust add iaca.pem --label Utopia
      molva trust add list-root.pem --purpose lists --as-of 2026-11-01
    """
    from p2p.control.trust_schema import PEM_SIZE_MAX_CHARACTERS, AddAnchors

    pem = _as_pem(_read(file, PEM_SIZE_MAX_CHARACTERS))
    if len(label.encode()) > 64:
        raise click.UsageError("A label has at most 64 bytes.")
    request = AddAnchors(
        pem=pem, label=label, purpose=purpose, test=test, as_of_s=_seconds_of(as_of)
    )
    answer = session.client.trust.add_anchors(request)
    if session.screen.as_json:
        session.screen.value(answer)
        return
    for one in answer.anchors:
        mark = f" ({_MARK})" if one.test else ""
        session.screen.line(
            f"{safe_line(one.label)}{mark} is trusted for {_for(one.purpose)}: "
            f"{one.ref[:_SHORT_REF_DIGITS]}"
        )
        session.screen.note(f"  {safe_line(one.subject)}, until {moment(one.valid_until_s)}")


@trust.command(name="list")
@pass_session
def list_(session: Session) -> None:
    """Show all anchors and lists.

    \b
    Example:
      molva trust list
    """
    state = session.client.trust.state()
    screen = session.screen
    if screen.as_json:
        screen.value(state)
        return
    if not state.anchors and not state.lists:
        screen.line("Nobody is trusted yet. Begin with: molva trust add FILE.pem")
        return
    anchors = [_anchor_row(one, state.clock.now_s) for one in state.anchors]
    screen.table(("ANCHOR", "LABEL", "FOR", "AS OF", "VALIDITY", "SUBJECT"), anchors)
    if state.lists:
        screen.line()
        rows = [
            (
                one.ref[:_SHORT_REF_DIGITS],
                one.form,
                one.title,
                _standing(one),
                str(one.entries),
                one.root,
            )
            for one in state.lists
        ]
        screen.table(("LIST", "FORM", "TITLE", "STANDING", "ENTRIES", "UNDER"), rows)


@trust.command()
@click.argument("reference", type=TRUSTED, metavar="REF")
@pass_session
def remove(session: Session, reference: str) -> None:
    """Forget an anchor or a list.

    REF is a ref, at least its 8 first digits, or an anchor's label. What leads to a forgotten
    anchor no longer counts. An older issue of a forgotten list stays refused.

    \b
    Example:
      molva trust remove Utopia
    """
    if not reference.strip():
        raise click.UsageError("The reference is empty.")
    gone = session.client.trust.remove(reference)
    if session.screen.as_json:
        session.screen.value(gone)
        return
    what = "anchor" if gone.kind == "anchor" else f"{gone.kind} list"
    session.screen.line(f"The {what} {safe_line(gone.name)} is forgotten.")


@trust.command()
@click.argument("file")
@_ROOT
@_PRIVATE
@pass_session
def import_vical(session: Session, file: str, root: str, private: bool) -> None:  # noqa: FBT001
    """Believe the issuers in a VICAL (ISO/IEC 18013-5).

    FILE is the signed list, or - for standard input.

    \b
    Examples:
      molva trust import-vical registry.vical --root Utopia
      molva trust import-vical registry.vical --root all --keep-private
    """
    _import_list(session, "vical", file, root, private=private)


@trust.command()
@click.argument("file")
@_ROOT
@_PRIVATE
@pass_session
def import_lote(session: Session, file: str, root: str, private: bool) -> None:  # noqa: FBT001
    """Believe the issuers in a list of trusted entities (ETSI TS 119 602).

    FILE is the signed list, or - for standard input.

    \b
    Example:
      molva trust import-lote pid-providers.jwt --root "EU list root"
    """
    _import_list(session, "lote", file, root, private=private)


@trust.command()
@click.argument("file")
@_PRIVATE
@pass_session
def import_status(session: Session, file: str, private: bool) -> None:  # noqa: FBT001
    """Take in a status list: what was revoked.

    FILE is a status list token, JWT or CWT, or - for standard input. It must be signed by a status
    signer under one of your anchors, and be no older than any that was seen.

    \b
    Example:
      molva trust import-status statuslist.jwt
    """
    from p2p.control.trust_schema import UPLOAD_SIZE_MAX_BYTES, ImportStatus

    data = _read(file, UPLOAD_SIZE_MAX_BYTES)
    if data.lstrip()[:1] == _JWT_BEGINNING:
        data = data.strip()  # an editor's last line break is not part of the token
    request = ImportStatus(data=data, private=private)
    _tell_import(session.screen, session.client.trust.import_status(request))


@trust.command()
@pass_session
def status(session: Session) -> None:
    """Show what is known of issuers, how old it is, and from whom.

    \b
    Example:
      molva trust status
    """
    state = session.client.trust.state()
    screen = session.screen
    if screen.as_json:
        screen.value(state)
        return
    screen.fields(_summary(state))
    if not state.lists:
        return
    screen.line()
    rows = [
        (
            one.form,
            one.title,
            _standing(one),
            _span(one.age_s),
            moment(one.next_update_s) if one.next_update_s else "not said",
            _good_for(one, state),
            _from(one),
        )
        for one in state.lists
    ]
    headings = ("FORM", "TITLE", "STANDING", "AGE", "NEXT DUE", "GOOD FOR", "FROM")
    screen.table(headings, rows)


# --- how -----------------------------------------------------------------------------------------
def _import_list(
    session: Session, form: Literal["vical", "lote"], file: str, root: str, *, private: bool
) -> None:
    from p2p.control.trust_schema import UPLOAD_SIZE_MAX_BYTES, ImportList

    data = _read(file, UPLOAD_SIZE_MAX_BYTES)
    if form == "lote":
        data = data.strip()
    request = ImportList(form=form, data=data, root=root, private=private)
    _tell_import(session.screen, session.client.trust.import_list(request))


def _tell_import(screen: Screen, answer: ListAnswer) -> None:
    if screen.as_json:
        screen.value(answer)
        return
    one = answer.list
    what = "statuses" if one.form == "status" else "issuers"
    known = "" if answer.new else " It was here already."
    shared = "passed on to other nodes" if answer.shared else "not passed on"
    screen.line(
        f"{safe_line(one.title)}: {one.entries} {what}, issued {moment(one.issued_s)} "
        f"({_span(one.age_s)} ago), {_standing(one)}, {shared}.{known}"
    )
    screen.note(f"Signed under {safe_line(one.root)}; ref {one.ref[:_SHORT_REF_DIGITS]}")
    if one.skipped:
        screen.note(f"{one.skipped} certificates in it cannot be anchors.")
    if answer.clock.doubtful:
        screen.note(f"The clock of this device is doubtful: {_clock(answer.clock)}.")


def _read(file: str, size_max_bytes: int) -> bytes:
    from cli.stateless.bounded_input import Oversized, Unreadable, read_bounded

    try:
        data = read_bounded(file, size_max_bytes)
    except Unreadable as exc:
        raise click.UsageError(str(exc)) from exc
    except Oversized as exc:
        raise CommandFailed(
            f"{exc} At most {size_max_bytes} bytes are taken.", code="too-large"
        ) from exc
    if not data:
        raise click.UsageError("The file is empty.")
    return data


def _as_pem(data: bytes) -> str:
    """Give certificates as PEM text; a file without its mark is taken for DER."""
    if _PEM_MARK in data:
        return data.decode("utf-8", "replace")
    body = base64.encodebytes(data).decode("ascii")
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


def _seconds_of(text: str) -> int:
    if not text:
        return 0
    try:
        found = datetime.fromisoformat(text)
        seconds = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as exc:
        raise click.UsageError(f"{text!r} is no date: write 2026-11-21.") from exc
    if seconds <= 0:
        raise click.UsageError("That date is before all certificates.")
    return seconds


def _summary(state: TrustState) -> list[tuple[str, str]]:
    policy = state.policy
    tests = sum(one.test for one in state.anchors)
    return [
        ("clock", _clock(state.clock)),
        ("release", f"{moment(state.floor.released_s)}, floor for {state.floor.lists} lists"),
        ("anchors", f"{len(state.anchors)}" + (f", {tests} of them {_MARK}" if tests else "")),
        ("carries", f"{state.carried} lists for others, under none of these anchors"),
        ("age check", f"takes a status up to {_span(policy.age_check_status_max_s)} old"),
        ("contract", f"takes a status up to {_span(policy.contract_status_max_s)} old"),
        ("stale lists", f"count for {_span(policy.stale_list_max_s)} after a newer one was due"),
    ]


def _clock(clock: Clock) -> str:
    why = {
        "release": "this release was made",
        "signed": "a trusted issuer has signed something",
        "saved": "this node has run",
    }.get(clock.floor_from, clock.floor_from)
    state = "DOUBTFUL" if clock.doubtful else "ok"
    return f"{state}: {moment(clock.now_s)}; {why} at {moment(clock.floor_s)}"


def _anchor_row(one: Anchor, now_s: float) -> tuple[str, ...]:
    validity = f"until {moment(one.valid_until_s)}"
    if now_s > one.valid_until_s:
        validity = f"EXPIRED {moment(one.valid_until_s)}"
    elif now_s < one.valid_from_s:
        validity = f"NOT BEFORE {moment(one.valid_from_s)}"
    label = f"{one.label} [TEST]" if one.test else one.label
    ref = one.ref[:_SHORT_REF_DIGITS]
    return (ref, label, one.purpose, moment(one.as_of_s), validity, one.subject)


def _standing(one: SignedList) -> str:
    said = f"unusable (rule {one.rule})" if one.rule else one.standing
    return f"{said} [TEST]" if one.test else said


def _good_for(one: SignedList, state: TrustState) -> str:
    """Say what a list may be used for by its age; bad news never ages."""
    if one.form != "status":
        return "issuers" if one.standing in ("current", "stale") else "nothing"
    if one.standing == "unusable":
        return "nothing"
    uses = [
        name
        for name, age_max_s in (
            ("age check", state.policy.age_check_status_max_s),
            ("contract", state.policy.contract_status_max_s),
        )
        if one.standing != "expired" and one.age_s <= age_max_s
    ]
    return ", ".join(uses) or "revocations only"


def _from(one: SignedList) -> str:
    if one.author:
        return f"record of {one.author[:_SHORT_REF_DIGITS]}, {moment(one.seen_s)}"
    return f"imported {moment(one.seen_s)}" + (", private" if one.private else "")


def _for(purpose: str) -> str:
    return {"issuers": "issuers", "lists": "lists of issuers"}.get(
        purpose, "issuers and lists of issuers"
    )


def _span(seconds: int) -> str:
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
