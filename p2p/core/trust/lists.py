"""Lists of issuers (VICAL, LoTE): taken in under our own roots, newest only, and what they say.

A list is judged by who signed it, never by who brought it: the person and a stranger's record go
through the same door. What was authentic when it came is checked again, as of that moment, at
each start and whenever the anchors change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from p2p.core.trust.anchors import PinnedAnchor, PinnedAnchors, is_marked_test
from p2p.core.trust.documents import DOCUMENT_VERSION, ListDocument, TrustDocuments
from p2p.core.trust.events import ListView, Standing, TrustForm
from p2p.core.trust.names import LIST_ROLLBACK, VERSION_MAX, list_name, rank, version_of
from p2p.credentials.issuer import TEST_SOURCE
from p2p.credentials.rules import ISSUER_TRUST, SHAPE, refused
from p2p.credentials.signed_first import check_signature
from p2p.credentials.trust_lists import TrustList, read_lote, read_vical
from p2p.credentials.x509_trust import LOTE_SIGNER, VICAL_SIGNER, Anchor, TrustStore
from p2p.errors import CredentialError

ANY_TIME_AHEAD_S = 1 << 40
"""A list from the future is read all the same: it says that our own clock is behind."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A signed list as somebody brought it.

    ``author`` is the key of the record's author, empty where the person imports it.
    """

    form: TrustForm
    data: bytes
    author: bytes = b""
    private: bool = False


@dataclass(frozen=True, slots=True)
class ReadList:
    """An authentic list of issuers and the anchor of ours that it leads to."""

    name: bytes
    found: TrustList
    root: PinnedAnchor

    @property
    def test(self) -> bool:
        """Whether it proves nothing."""
        return bool(self.root.document.test)

    @property
    def version(self) -> int:
        """The number by which its issues are ordered."""
        return version_of(self.found.sequence, self.found.issued_at)


class TrustLists:
    """All lists of issuers."""

    def __init__(self, documents: TrustDocuments, pinned: PinnedAnchors) -> None:
        self._documents = documents
        self._pinned = pinned
        self._read: dict[bytes, ReadList] = {}
        self._rules: dict[bytes, str] = {}
        self.check_again()

    def check_again(self) -> None:
        """Check every list anew under the anchors of now."""
        self._read.clear()
        self._rules.clear()
        for name, document in self._documents.of_form(TrustForm.VICAL, TrustForm.LOTE):
            try:
                read = self.read(document.form, document.data, None, document.checked_s)
                if (read.found.sequence, read.found.issued_at) < self._documents.newest(name):
                    raise refused(LIST_ROLLBACK, "A newer issue of this list was seen before.")
                self._read[name] = read
            except CredentialError as exc:
                self._rules[name] = exc.rule

    def read(
        self, form: TrustForm, data: bytes, roots: list[PinnedAnchor] | None, now: int
    ) -> ReadList:
        """Give the authentic list in a blob, under some of our anchors (None: those for lists).

        Raises:
            CredentialError: the rule that does not hold.
        """
        store = self._store_of(roots)
        if form is TrustForm.VICAL:
            found = read_vical(data, store, now, ANY_TIME_AHEAD_S)
        else:
            text = data.decode("utf-8", "replace")
            found = read_lote(text, store, now, ANY_TIME_AHEAD_S)
        root = self._pinned.of(found.signer.anchor.certificate)
        assert root is not None, "a list verified under an anchor that is not pinned"
        if found.issued_at < 0 or max(found.sequence, found.next_update or 0) > VERSION_MAX:
            raise refused(SHAPE, "A list has a sequence or a time that is out of bounds.")
        return ReadList(list_name(form, found), found, root)

    def check_signature(self, form: TrustForm, data: bytes, now: int) -> None:
        """Refuse what no signer of lists has signed, before anything in it is parsed.

        Raises:
            CredentialError: the rule that does not hold.
        """
        purpose = VICAL_SIGNER if form is TrustForm.VICAL else LOTE_SIGNER
        check_signature(data, self._store_of(None), purpose, now)

    def is_news(self, read: ReadList, data: bytes) -> bool:
        """Tell whether an authentic list says more than the one that is kept.

        Of two copies of one issue the same one stays on every node.

        Raises:
            CredentialError: rule ``list-rollback``: a newer one was seen.
        """
        issue = (read.found.sequence, read.found.issued_at)
        newest = self._documents.newest(read.name)
        if issue < newest:
            raise refused(
                LIST_ROLLBACK,
                f"This is number {issue[0]} of the list; number {newest[0]} was seen before."
                if issue[0] != newest[0]
                else "A list that was issued later was seen before.",
            )
        kept = self._documents.lists.get(read.name)
        if kept is None or read.name not in self._read or issue > newest:
            return True
        return rank(data) < rank(kept.data)

    def keep(self, read: ReadList, offered: Offered, now_s: float) -> None:
        """Keep an authentic list in the place of its older issue."""
        found = read.found
        document = ListDocument(
            DOCUMENT_VERSION,
            offered.form,
            found.publisher,
            found.sequence,
            found.issued_at,
            offered.data,
            max(0, int(now_s)),
            offered.author,
            int(offered.private),
            now_s,
        )
        self._documents.put_list(read.name, document)
        self._documents.remember(read.name, found.sequence, found.issued_at, now_s)
        self._read[read.name] = read
        self._rules.pop(read.name, None)

    def forget(self, name: bytes) -> None:
        """Forget a list."""
        self._read.pop(name, None)
        self._rules.pop(name, None)
        self._documents.delete_list(name)

    def counting(self, now: int, stale_max_s: int) -> tuple[bytes, ...]:
        """Give the names of the lists that are not too old at ``now``."""
        return tuple(
            name
            for name, read in self._read.items()
            if _standing(read.found, now, stale_max_s) is not Standing.TOO_OLD
        )

    def anchors(self, names: tuple[bytes, ...] | None) -> list[Anchor]:
        """Give the anchors of some lists; of all of them for None."""
        return [
            anchor
            for name, read in self._read.items()
            if names is None or name in names
            for anchor in _anchors_of(read)
        ]

    def _store_of(self, roots: list[PinnedAnchor] | None) -> TrustStore:
        believed = self._pinned.list_roots() if roots is None else roots
        if not believed:
            raise refused(ISSUER_TRUST, "No root for lists of issuers is pinned here.")
        return TrustStore(one.anchor() for one in believed)

    def signed_s(self) -> int:
        """Give the latest time at which one of them was issued, 0 where there is none.

        A test proves nothing, the time neither.
        """
        issued = (read.found.issued_at for read in self._read.values() if not read.test)
        return max(issued, default=0)

    def view(self, name: bytes, now: int, stale_max_s: int) -> ListView:
        """Give a list as people see it."""
        document = self._documents.lists[name]
        read = self._read.get(name)
        blank = blank_view(name, document, self._rules.get(name, ""))
        if read is None:
            return blank
        return replace(
            blank,
            standing=_standing(read.found, now, stale_max_s),
            next_update_s=read.found.next_update or 0,
            entries=len(_anchors_of(read)),
            skipped=read.found.skipped + len(read.found.anchors) - len(_anchors_of(read)),
            root=read.root.label,
            test=read.test,
        )


def blank_view(name: bytes, document: ListDocument, rule: str) -> ListView:
    """Give what is known of a list that verifies no more."""
    return ListView(
        ref=name.hex(),
        form=document.form,
        name=document.name,
        standing=Standing.UNUSABLE,
        rule=rule,
        sequence=document.sequence,
        issued_s=document.issued_s,
        next_update_s=0,
        entries=0,
        skipped=0,
        root="",
        test=False,
        author=document.author.hex(),
        private=bool(document.private),
        seen_s=document.seen_s,
        size_bytes=len(document.data),
    )


def _anchors_of(read: ReadList) -> list[Anchor]:
    """Give a list's anchors: all of a test list are tests, and no real list brings a test in."""
    if read.test:
        return [replace(anchor, source=TEST_SOURCE) for anchor in read.found.anchors]
    return [anchor for anchor in read.found.anchors if not is_marked_test(anchor.certificate)]


def _standing(found: TrustList, now: int, stale_max_s: int) -> Standing:
    if not found.is_stale(now):
        return Standing.CURRENT
    assert found.next_update is not None, "only a list with a next update is stale"
    return Standing.STALE if now < found.next_update + stale_max_s else Standing.TOO_OLD
