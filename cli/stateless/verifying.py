"""One verification from files: what ``molva credential verify`` does."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from cli.failures import ExitCode
from cli.output import Screen, safe_line
from cli.stateless.bounded_input import Oversized, Unreadable, read_bounded
from cli.stateless.trust_folder import read_trust_folder
from cli.stateless.verdict import show_refused, show_verified
from p2p.adapters.verifier_memory import VerifierMemory
from p2p.credentials import limits
from p2p.credentials.encoding import base64url_decode
from p2p.credentials.policy import RELEASED_AT, Policy, StatusPolicy
from p2p.credentials.presentation import Request, SdJwtRequest, Verified
from p2p.credentials.request_file import REQUEST_SIZE_MAX_BYTES, read_request
from p2p.credentials.rules import LENGTH, refused
from p2p.credentials.status_book import ShortStatusMemory, StatusBook, StatusMemory
from p2p.credentials.status_list import StatusReader
from p2p.credentials.verify import NonceMemory, ShortNonceMemory, verify
from p2p.credentials.x509_trust import Purpose, TrustStore
from p2p.errors import CredentialError, InvalidInput

_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DOTTED: Final = re.compile(r"[012](\.(0|[1-9]\d{0,20})){1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Order:
    """What a verification is asked for.

    ``at`` is RFC 3339 text, empty for now; ``home`` holds the memory, unless ``stateless``.
    """

    presentation: str
    request: str
    trust: Path
    statuses: tuple[str, ...]
    status_policy: str
    status_signer_usage: str
    at: str
    stateless: bool
    home: Path


@dataclass(frozen=True, slots=True)
class _Memory:
    nonces: NonceMemory
    lists: StatusMemory


def run_verification(order: Order, screen: Screen) -> int:
    """Check one presentation and show the verdict; give the exit code.

    Everything of our own is read first, so that a mistake of ours is never told as the holder's.
    The verdict is shown after the nonce was burned, and not at all where it could not be.

    Raises:
        click.UsageError: the order cannot be meant.
        EnvironmentFault: the memory of answered sessions cannot be used.
    """
    warnings.simplefilter("ignore")  # the libraries' opinions of certificates are no verdict
    now = _moment(order.at)
    request = _request(order.request)
    policy = Policy(
        status=StatusPolicy(order.status_policy), clock_floor=0 if order.at else RELEASED_AT
    )
    purpose = Purpose(_dotted(order.status_signer_usage), "status signer")
    trust = _trust(order.trust, now, screen)
    tokens = [_status_token(path) for path in order.statuses]
    try:
        presentation = _presentation(order.presentation, request)
        with _memory(order) as memory:
            book = StatusBook(memory.lists)
            book.add_all(tokens, StatusReader(trust, purpose), now)
            verified = _verify(presentation, request, trust, book, now, memory, policy)
    except CredentialError as error:
        show_refused(screen, error)
        return int(ExitCode.REFUSED)
    for refusal in book.refusals:
        _note(screen, f"A status list is not used: {refusal} (rule {refusal.rule})")
    show_verified(screen, verified)
    return int(ExitCode.DONE)


def _verify(
    presentation: bytes,
    request: Request,
    trust: TrustStore,
    book: StatusBook,
    now: int,
    memory: _Memory,
    policy: Policy,
) -> Verified:
    try:
        return verify(presentation, request, trust, book, now, nonces=memory.nonces, policy=policy)
    except InvalidInput as exc:
        raise click.UsageError(str(exc)) from exc


@contextmanager
def _memory(order: Order) -> Generator[_Memory, None, None]:
    if order.stateless:
        yield _Memory(ShortNonceMemory(), ShortStatusMemory())
        return
    with VerifierMemory(order.home, time.time()) as memory:
        yield _Memory(memory, memory)


def _moment(text: str) -> int:
    """Seconds since 1970 of ``--at``; of our clock where it is not given."""
    if not text:
        return int(time.time())
    try:
        plain = text.upper() if _RFC3339.fullmatch(text) else ""
        seconds = int(datetime.fromisoformat(plain).timestamp())
    except (ValueError, OverflowError) as exc:
        raise click.UsageError(
            f"--at takes a date and time with its zone, as 2026-11-21T12:00:00Z; not {text!r:.60}."
        ) from exc
    if seconds < 0:
        raise click.UsageError("--at is before 1970.")
    return seconds


def _dotted(text: str) -> str:
    if not _DOTTED.fullmatch(text):
        raise click.UsageError(f"--status-signer-eku takes numbers with dots; not {text!r:.60}.")
    return text


def _request(path: str) -> Request:
    try:
        return read_request(read_bounded(path, REQUEST_SIZE_MAX_BYTES))
    except (Oversized, Unreadable, InvalidInput) as exc:
        raise click.UsageError(f"The request cannot be used: {exc}") from exc


def _trust(folder: Path, now: int, screen: Screen) -> TrustStore:
    try:
        found = read_trust_folder(folder, now)
    except Unreadable as exc:
        raise click.UsageError(str(exc)) from exc
    for note in found.notes:
        _note(screen, note)
    if not found.store.anchors:
        raise click.UsageError(f"There is no trust anchor in {folder}.")
    return found.store


def _status_token(path: str) -> bytes:
    """A token's bytes; of one that is too large just enough for the reader to refuse it."""
    try:
        data = read_bounded(path, limits.STATUS_TOKEN_SIZE_MAX_BYTES)
    except Oversized:
        return bytes(limits.STATUS_TOKEN_SIZE_MAX_BYTES + 1)
    except Unreadable as exc:
        raise click.UsageError(str(exc)) from exc
    return data.strip() if data[:1].isspace() or data[:1] == b"e" else data


def _presentation(path: str, request: Request) -> bytes:
    """The presentation's bytes; white space around text is no part of it.

    An mdoc may be text too: OpenID4VP hands it over in base64url. Its CBOR begins with a map, so
    that it is never ASCII.
    """
    try:
        data = read_bounded(path, limits.PRESENTATION_SIZE_MAX_BYTES)
    except Oversized as exc:
        raise refused(LENGTH, str(exc)) from exc
    except Unreadable as exc:
        raise click.UsageError(str(exc)) from exc
    text = data.strip()
    if isinstance(request, SdJwtRequest):
        return text
    if not text or not text.isascii():
        return data
    return base64url_decode(text.decode("ascii").rstrip("="), "The device response")


def _note(screen: Screen, text: str) -> None:
    screen.note(f"note: {safe_line(text)}")
