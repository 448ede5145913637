"""Status lists: which credentials were revoked, kept newest only, whoever brought them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from p2p.core.trust.anchors import PinnedAnchors
from p2p.core.trust.documents import (
    DOCUMENT_VERSION,
    IssueMemory,
    ListDocument,
    TrustDocuments,
)
from p2p.core.trust.events import ListView, Standing, TrustForm
from p2p.core.trust.lists import ANY_TIME_AHEAD_S, Offered, blank_view
from p2p.core.trust.names import VERSION_MAX, rank, status_name
from p2p.credentials.issuer import TEST_SOURCE
from p2p.credentials.limits import STATUS_LISTS_MAX
from p2p.credentials.rules import SHAPE, STATUS_ROLLBACK, refused
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_list import StatusList, StatusReader
from p2p.credentials.x509_trust import Purpose, TrustStore
from p2p.errors import CredentialError


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """An authentic status list."""

    name: bytes
    found: StatusList

    @property
    def test(self) -> bool:
        """Whether it proves nothing."""
        return self.found.signer.anchor.source == TEST_SOURCE

    @property
    def version(self) -> int:
        """The number by which its issues are ordered."""
        return self.found.issued_at


class StatusLists:
    """All status lists, and the book that credentials are looked up in.

    ``signer`` is what a status signer's certificate must be made for.
    """

    def __init__(
        self,
        documents: TrustDocuments,
        pinned: PinnedAnchors,
        trust: TrustStore,
        signer: Purpose,
    ) -> None:
        self.signer = signer
        self._documents = documents
        self._pinned = pinned
        self._memory = IssueMemory(documents)
        self._rules: dict[bytes, str] = {}
        self._read: dict[bytes, ReadStatus] = {}
        self.book = StatusBook(self._memory)
        self.check_again(trust)

    def check_again(self, trust: TrustStore) -> None:
        """Make the book anew, of what verifies under the anchors of now."""
        self._rules.clear()
        self._read.clear()
        self.book = StatusBook(self._memory)
        for name, document in self._documents.of_form(TrustForm.STATUS):
            try:
                read = self.read(document.data, trust, document.checked_s)
                self.book.keep(read.found)
                self._read[name] = read
            except CredentialError as exc:
                self._rules[name] = exc.rule

    def read(self, data: bytes, trust: TrustStore, now: int) -> ReadStatus:
        """Give the authentic status list in a token.

        Raises:
            CredentialError: the rule that does not hold.
        """
        found = StatusReader(trust, self.signer, ANY_TIME_AHEAD_S).read(data, now)
        if max(found.issued_at, found.expires_at or 0) > VERSION_MAX:
            raise refused(SHAPE, "A status list has a time that is out of bounds.")
        return ReadStatus(status_name(found), found)

    def is_news(self, read: ReadStatus, data: bytes) -> bool:
        """Tell whether an authentic list says more than the one that is kept.

        Of two copies of one moment the same one stays on every node.

        Raises:
            CredentialError: rule ``status-rollback``: a newer one was seen.
        """
        _, newest = self._documents.newest(read.name)
        if read.found.issued_at < newest:
            raise refused(
                STATUS_ROLLBACK,
                f"A status list of this address that is {newest - read.found.issued_at} s newer "
                "was seen before.",
            )
        kept = self._documents.lists.get(read.name)
        if kept is None or read.name not in self._read or read.found.issued_at > newest:
            return True
        return rank(data) < rank(kept.data)

    def places_left(self) -> int:
        """Give for how many more addresses the book has room."""
        return STATUS_LISTS_MAX - len(self.book)

    def keep(self, read: ReadStatus, offered: Offered, now_s: float) -> None:
        """Keep an authentic list in the place of its older issue."""
        self.book.keep(read.found)
        document = ListDocument(
            DOCUMENT_VERSION,
            TrustForm.STATUS,
            read.found.uri,
            0,
            read.found.issued_at,
            offered.data,
            max(0, int(now_s)),
            offered.author,
            int(offered.private),
            now_s,
        )
        self._documents.put_list(read.name, document)
        self._read[read.name] = read
        self._rules.pop(read.name, None)

    def forget(self, name: bytes, trust: TrustStore) -> None:
        """Forget a list; the book is made anew, since it drops nothing by itself."""
        self._documents.delete_list(name)
        self.check_again(trust)

    def signed_s(self) -> int:
        """Give the latest time at which one of them was issued, 0 where there is none.

        A test proves nothing, the time neither.
        """
        issued = (read.found.issued_at for read in self._read.values() if not read.test)
        return max(issued, default=0)

    def view(self, name: bytes, now: int) -> ListView:
        """Give a status list as people see it."""
        document = self._documents.lists[name]
        read = self._read.get(name)
        blank = blank_view(name, document, self._rules.get(name, ""))
        if read is None:
            return blank
        anchor = read.found.signer.anchor.certificate
        pinned = self._pinned.of(anchor)
        return replace(
            blank,
            standing=_standing(read.found, now),
            next_update_s=_next_update(read.found),
            entries=len(read.found.bits),
            root=pinned.label if pinned else anchor.name,
            test=read.test,
        )


def _next_update(found: StatusList) -> int:
    """Give when a newer list is due: after its time to live, or when it ends; 0 for never."""
    ends = [] if found.expires_at is None else [found.expires_at]
    if found.ttl_s is not None:
        ends.append(found.issued_at + found.ttl_s)
    return min(ends, default=0)


def _standing(found: StatusList, now: int) -> Standing:
    if found.expires_at is not None and now >= found.expires_at:
        return Standing.EXPIRED
    due = _next_update(found)
    return Standing.STALE if due and now >= due else Standing.CURRENT
