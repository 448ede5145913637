"""Issuing, revoking and presenting test credentials: what ``molva credential issue-test`` does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from cli.failures import CommandFailed
from cli.stateless.bounded_input import Oversized, Unreadable, read_bounded
from cli.stateless.issuer_folder import IssuerFolder, copy_name, open_issuer_folder, replace_file
from cli.stateless.sample_claims import MDL, PID, by_namespace, mdoc_sample, sd_jwt_sample
from p2p.adapters.system import SystemEntropy
from p2p.credentials import limits
from p2p.credentials.bundle_file import IssuedMdoc, IssuedSdJwt, read_bundle, write_bundle
from p2p.credentials.element_names import match
from p2p.credentials.encoding import JsonObject, decode_json_object
from p2p.credentials.established import NoStatus, StatusReference
from p2p.credentials.held import Held, read_held_mdoc, read_held_sd_jwt
from p2p.credentials.issuer import new_holder_key
from p2p.credentials.issuing import Terms, issue_mdoc, issue_sd_jwt
from p2p.credentials.presentation import SdJwtRequest
from p2p.credentials.presenting import present
from p2p.credentials.request_file import REQUEST_SIZE_MAX_BYTES, read_request
from p2p.credentials.status_issuing import REVOKED, SUSPENDED, VALID
from p2p.errors import CredentialError, InvalidInput

BUNDLE_MAX_BYTES: Final = 64 << 20
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
STATES: Final = {"valid": VALID, "revoked": REVOKED, "suspended": SUSPENDED}


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """What a test credential is to be.

    ``claims`` is a JSON file, empty for a sample person of the given age and name; ``kinds`` are
    the ``vct`` and the document type.
    """

    folder: Path
    out: Path
    formats: tuple[str, ...]
    claims: str
    age: int
    name: str
    copies: int
    with_status: bool
    life_s: int
    kinds: tuple[str, str] = (PID, MDL)


def issue(order: IssueOrder) -> list[Path]:
    """Issue a bundle; give the files that were written.

    Raises:
        CommandFailed: there is no issuer, or the file is there.
        InvalidInput: the claims cannot be used.
    """
    if order.out.exists():
        raise CommandFailed(f"{order.out} is there already, and may hold keys: name another file.")
    issuer = open_issuer_folder(order.folder)
    _require_outlived(order, issuer)
    claims = _claims_of(order.claims) if order.claims else {}
    copies: list[IssuedSdJwt | IssuedMdoc] = []
    for format_ in order.formats:
        make = _sd_jwt if format_ == "dc+sd-jwt" else _mdoc
        for _ in range(order.copies):
            copies.append(make(order, issuer, claims))
    replace_file(order.out, write_bundle(copies))
    written = [order.out, *(issuer.write_status() if order.with_status else [])]
    issuer.save()
    return written


def _require_outlived(order: IssueOrder, issuer: IssuerFolder) -> None:
    """Refuse a credential that would be valid for longer than the one who signs it."""
    ends = issuer.issuer.signer.certificate.not_valid_after_utc.timestamp()
    if time.time() + order.life_s > ends:
        raise CommandFailed(
            f"The issuer's own certificate ends in {max(0, int(ends - time.time())) // _DAY_S} "
            "days: issue for less, with --valid-for, or make a new issuer."
        )


def set_status(folder: Path, bundle: str, number: int, state: str) -> list[Path]:
    """Give copies of a bundle a status, all for number 0; give the tokens that were written.

    Raises:
        CommandFailed: the bundle is not this issuer's, or names no status list.
    """
    issuer = open_issuer_folder(folder)
    copies = _bundle(bundle)
    if number > len(copies):
        raise CommandFailed(f"The bundle has {len(copies)} copies.")
    for copy in copies[number - 1 : number] if number else copies:
        index = issuer.copies.get(copy_name(copy))
        if index is None:
            raise CommandFailed(
                "A copy was not issued here with a status: issue it with --status to revoke it."
            )
        issuer.statuses[index] = STATES[state]
    written = issuer.write_status()
    issuer.save()
    return written


def renew_status(folder: Path) -> list[Path]:
    """Write the status list tokens anew; give their paths."""
    issuer = open_issuer_folder(folder)
    written = issuer.write_status()
    issuer.save()
    return written


def present_copy(bundle: str, number: int, request: str, names: tuple[str, ...], out: Path) -> None:
    """Write a presentation of one copy that answers a request; for trying out a verifier.

    Raises:
        CommandFailed: no copy fits.
        InvalidInput: it has no such element.
        CredentialError: the copy itself is damaged.
    """
    try:
        asked = read_request(read_bounded(request, REQUEST_SIZE_MAX_BYTES))
    except (Oversized, Unreadable, InvalidInput) as exc:
        raise click.UsageError(f"The request cannot be used: {exc}") from exc
    textual = isinstance(asked, SdJwtRequest)
    fitting = [c for c in _bundle(bundle) if isinstance(c, IssuedSdJwt) is textual]
    if not 1 <= number <= len(fitting):
        raise CommandFailed(f"The bundle has {len(fitting)} copies in the format asked for.")
    held = _held(fitting[number - 1])
    presentation = present(held, _own_names(held, names), asked, int(time.time()))
    replace_file(out, presentation)


def _own_names(held: Held, names: tuple[str, ...]) -> tuple[str, ...]:
    """The credential's names for what is to be shown; all of them where none is named."""
    return tuple(match(name, held.names(), held.format) or name for name in names) or held.names()


def _held(copy: IssuedSdJwt | IssuedMdoc) -> Held:
    if isinstance(copy, IssuedSdJwt):
        return read_held_sd_jwt(copy.text.encode("utf-8"), copy.holder)
    return read_held_mdoc(copy.issuer_signed, copy.holder)


def _claims_of(path: str) -> JsonObject:
    try:
        return decode_json_object(
            read_bounded(path, limits.PRESENTATION_SIZE_MAX_BYTES), "The file of claims"
        )
    except (Oversized, Unreadable) as exc:
        raise click.UsageError(str(exc)) from exc
    except CredentialError as exc:
        raise click.UsageError(str(exc)) from exc


def _bundle(path: str) -> list[IssuedSdJwt | IssuedMdoc]:
    try:
        return read_bundle(read_bounded(path, BUNDLE_MAX_BYTES))
    except (Oversized, Unreadable, InvalidInput) as exc:
        raise click.UsageError(f"The bundle cannot be used: {exc}") from exc


def _sd_jwt(order: IssueOrder, issuer: IssuerFolder, claims: JsonObject) -> IssuedSdJwt:
    terms = _terms(order, issuer, order.kinds[0])
    key = new_holder_key()
    shown = claims or sd_jwt_sample(order.age, order.name, terms.issued_at)
    signer = issuer.issuer.signer
    copy = IssuedSdJwt(issue_sd_jwt(shown, terms, signer, key.public_key(), SystemEntropy()), key)
    _remember(issuer, terms, copy)
    return copy


def _mdoc(order: IssueOrder, issuer: IssuerFolder, claims: JsonObject) -> IssuedMdoc:
    terms = _terms(order, issuer, order.kinds[1])
    key = new_holder_key()
    shown = by_namespace(claims) if claims else mdoc_sample(order.age, order.name, terms.issued_at)
    signer = issuer.issuer.signer
    copy = IssuedMdoc(issue_mdoc(shown, terms, signer, key.public_key(), SystemEntropy()), key)
    _remember(issuer, terms, copy)
    return copy


def _remember(issuer: IssuerFolder, terms: Terms, copy: IssuedSdJwt | IssuedMdoc) -> None:
    if isinstance(terms.status, StatusReference):
        issuer.copies[copy_name(copy)] = terms.status.index


def _terms(order: IssueOrder, issuer: IssuerFolder, kind: str) -> Terms:
    """The terms of one copy; times to the hour, so that they do not tell copies of one person."""
    now = int(time.time())
    issued_at = now - now % _HOUR_S if order.life_s >= _DAY_S else now
    status: StatusReference | NoStatus = NoStatus()
    if order.with_status:
        status = StatusReference(issuer.status_uri, issuer.take_index())
    return Terms(kind, issued_at, issued_at + order.life_s, status)
