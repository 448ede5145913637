"""The status lists we hold, and what they say about one credential.

A list travels through strangers' hands, so the book keeps the newest one of each address and
refuses an older: otherwise a revocation could be undone by replaying last week's list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Protocol

from p2p.credentials import limits
from p2p.credentials.established import Established, NoStatus, OtherStatus, StatusReference
from p2p.credentials.issuer import TEST_SOURCE
from p2p.credentials.policy import Policy, StatusPolicy
from p2p.credentials.presentation import StatusReport, StatusState
from p2p.credentials.rules import (
    LENGTH,
    STATUS_REVOKED,
    STATUS_ROLLBACK,
    STATUS_SUBJECT,
    STATUS_UNKNOWN,
    refused,
)
from p2p.credentials.status_list import StatusList, StatusReader
from p2p.credentials.x509_trust import Anchor, Signer
from p2p.errors import CredentialError

_VALID: Final = 0
PINNED_SOURCE: Final = "pem"
"""Source of an anchor that a person took from a file."""
_PINNED: Final = "pinned"
_MEANINGS: Final = {1: "it was revoked", 2: "it was suspended"}


class StatusMemory(Protocol):
    """What outlives a book: the newest time of issue seen for each list.

    A list's name is an opaque key: who may sign it, and its address.
    """

    def newest_issue(self, name: str) -> int:
        """Seconds since 1970 of the newest list seen, 0 where none was."""
        ...

    def remember_issue(self, name: str, issued_at: int) -> None:
        """Keep a newer time of issue."""
        ...


class ShortStatusMemory:
    """A memory that lasts as long as the process: for tests and the stateless tool."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}

    def newest_issue(self, name: str) -> int:
        """Seconds since 1970 of the newest list seen, 0 where none was."""
        return self._newest.get(name, 0)

    def remember_issue(self, name: str, issued_at: int) -> None:
        """Keep a newer time of issue."""
        self._newest[name] = issued_at


class StatusBook:
    """Authentic status lists by address."""

    def __init__(self, memory: StatusMemory | None = None) -> None:
        self._memory: StatusMemory = ShortStatusMemory() if memory is None else memory
        self._lists: dict[tuple[str, str], StatusList] = {}
        self._refusals: list[CredentialError] = []

    def __len__(self) -> int:
        return len(self._lists)

    @property
    def refusals(self) -> tuple[CredentialError, ...]:
        """Why tokens that :meth:`add_all` was given are not kept, in their order."""
        return tuple(self._refusals)

    def add(self, data: bytes, reader: StatusReader, now: int) -> StatusList:
        """Check a token and keep its list.

        Raises:
            CredentialError: what :meth:`StatusReader.read` refuses, or rule
                ``status-rollback`` where a newer list of this address was seen before.
        """
        return self.keep(reader.read(data, now))

    def keep(self, found: StatusList) -> StatusList:
        """Keep a list that was checked already.

        Raises:
            CredentialError: rules ``status-rollback`` or ``length``, as :meth:`add`.
        """
        scope = scope_of(found.signer)
        name = f"{scope} {found.uri}"
        if found.issued_at < self._memory.newest_issue(name):
            raise refused(STATUS_ROLLBACK, "A newer status list of this address was seen before.")
        if (scope, found.uri) not in self._lists and len(self._lists) >= limits.STATUS_LISTS_MAX:
            raise refused(LENGTH, f"More than {limits.STATUS_LISTS_MAX} status lists.")
        self._memory.remember_issue(name, found.issued_at)
        self._lists[scope, found.uri] = found
        return found

    def add_for(self, uri: str, data: bytes, reader: StatusReader, now: int) -> StatusList:
        """Like :meth:`add`, for a token that was asked for as the list of one address.

        Raises:
            CredentialError: as :meth:`add`, or rule ``status-subject`` for another list.
        """
        found = reader.read(data, now)
        if found.uri != uri:
            raise refused(STATUS_SUBJECT, f"This is the list of {found.uri!r:.120}.")
        return self.keep(found)

    def add_all(self, tokens: Iterable[bytes], reader: StatusReader, now: int) -> None:
        """Keep what is authentic among tokens from anywhere; remember why others were not."""
        for data in tokens:
            try:
                self.add(data, reader, now)
            except CredentialError as exc:
                self._refusals.append(exc)

    def report(self, credential: Established, policy: Policy, now: int) -> StatusReport:
        """What the lists say about a credential; refuses as the policy demands.

        Raises:
            CredentialError: rules ``status-index`` always; ``status-unknown`` and
                ``status-revoked`` where the policy requires a good status. Where every list
                that :meth:`add_all` was given is refused, the rule that the last one broke
                stands in place of ``status-unknown``.
        """
        report = self._look_up(credential, policy, now)
        if policy.status is StatusPolicy.REPORT or report.state is StatusState.VALID:
            return report
        if report.state is StatusState.REVOKED:
            raise refused(STATUS_REVOKED, f"The credential is not valid: {report.reason}.")
        if isinstance(credential.status, NoStatus) or _is_short_lived(credential, policy):
            return report
        why = "".join(f" One list was refused: {error}" for error in self._refusals[-1:])
        message = f"The credential's status is unknown: {report.reason}.{why}"
        if self._refusals and not self._lists:  # then it is that list's fault, and its rule
            raise CredentialError(self._refusals[-1].rule, message)
        raise refused(STATUS_UNKNOWN, message)

    def _find(self, uri: str, issuer: Signer) -> StatusList | None:
        """The newest list of an address whose signer may judge this issuer's credentials."""
        pinned = self._lists.get((_PINNED, uri))
        own = self._lists.get((_authority(issuer.anchor), uri))
        if pinned is None or (own is not None and own.issued_at > pinned.issued_at):
            return own
        return pinned

    def _look_up(self, credential: Established, policy: Policy, now: int) -> StatusReport:
        match credential.status:
            case NoStatus():
                return _unknown("it names no status list")
            case OtherStatus():
                return _unknown("it names no kind of list that we know")
            case StatusReference(uri, index):
                found = self._find(uri, credential.signer)
        if found is None:
            return _unknown("there is no authentic list for it")
        age_s = max(0, now - found.issued_at)
        code = found.bits.at(index)
        if code != _VALID:  # bad news does not age
            reason = _MEANINGS.get(code, f"its status is {code}")
            return StatusReport(StatusState.REVOKED, reason, age_s)
        if age_s > policy.status_age_max_s or (
            found.expires_at is not None and now >= found.expires_at
        ):
            return StatusReport(StatusState.UNKNOWN, f"its list is {age_s} s old", age_s)
        return StatusReport(StatusState.VALID, "it is in good standing", age_s)


def scope_of(signer: Signer) -> str:
    """Whom a status signer may judge: its country, its authority, or whom we pinned it for.

    Without this the status signer of any trusted country could un-revoke what another issued,
    or push the other's list out of the book (draft-20 section 11.3 expects issuer and status
    signer under one authority). A signer that a list brought is none that we pinned, and what
    proves nothing judges only what proves nothing.
    """
    anchor = signer.anchor
    if anchor.certificate.der == signer.certificate.der and anchor.source == PINNED_SOURCE:
        return _PINNED
    return _authority(anchor)


def _authority(anchor: Anchor) -> str:
    country = anchor.certificate.country or hashlib.sha256(anchor.certificate.der).hexdigest()
    return f"{TEST_SOURCE} {country}" if anchor.source == TEST_SOURCE else country


def _unknown(reason: str) -> StatusReport:
    return StatusReport(StatusState.UNKNOWN, reason)


def _is_short_lived(credential: Established, policy: Policy) -> bool:
    begins, ends = credential.issued_at, credential.valid_until
    return begins is not None and ends is not None and ends - begins <= policy.short_lived_s
