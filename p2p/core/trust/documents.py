"""Trust as it is kept: anchors and signed lists unchanged, and what was seen of each list.

One kind of document with three sorts of keys. What was seen outlives the list itself, so that
neither a removal nor a restart lets an older issue back in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, TypeVar

from msgspec import Meta, Struct

from p2p.core.trust.events import AnchorPurpose, TrustForm
from p2p.core.trust.floor import TrustFloor
from p2p.core.trust.names import NAME_SIZE_BYTES, VERSION_MAX, memory_name
from p2p.credentials.limits import CERTIFICATE_SIZE_MAX_BYTES
from p2p.errors import Malformed, StoreDamaged, VersionUnsupported, WrongVersion
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.wire.codec import pack, unpack_versioned

DOCUMENT_VERSION: Final = 1
SEEN_MAX: Final = 4_096
"""Lists of which the newest issue is remembered; only authentic ones get here."""
LIST_SIZE_MAX_BYTES: Final = 4 * 1_048_576
"""One list as it is kept and carried: the size of a record's body."""
_ANCHOR: Final = b"anchor/"
_LIST: Final = b"list/"
_SEEN: Final = b"seen/"
_SMALL_MAX_BYTES: Final = CERTIFICATE_SIZE_MAX_BYTES + 1_024
_LIST_DOCUMENT_MAX_BYTES: Final = LIST_SIZE_MAX_BYTES + 4_096

T = TypeVar("T")
Moment = Annotated[int, Meta(ge=0, le=VERSION_MAX)]


class AnchorDocument(Struct, frozen=True, array_like=True):
    """A pinned certificate; fields as in :class:`p2p.core.trust.events.AnchorView`."""

    version: int
    der: bytes
    label: str
    purpose: AnchorPurpose
    test: int
    added_s: float
    as_of_s: Moment


class ListDocument(Struct, frozen=True, array_like=True):
    """A signed list as it came.

    Attributes:
        name: the publisher or address that it told when it was taken.
        checked_s: the moment as of which it was found authentic, and is again at each start.
        author: key of the record's author; empty where the person imported it.
    """

    version: int
    form: TrustForm
    name: str
    sequence: Moment
    issued_s: Moment
    data: bytes
    checked_s: Moment
    author: bytes
    private: int
    seen_s: float


class _Seen(Struct, frozen=True, array_like=True):
    version: int
    sequence: Moment
    issued_s: Moment
    seen_s: Moment


def _read(data: bytes, shape: type[T], size_max_bytes: int) -> T:
    return unpack_versioned(data, shape, size_max_bytes, DOCUMENT_VERSION)


class TrustDocuments:
    """The documents of kind TRUST; every change is written at once, in the open transaction.

    Raises:
        StoreDamaged: a document is none of ours.
        VersionUnsupported: a newer Molva wrote it.
    """

    def __init__(self, store: DocumentStore, floor: TrustFloor) -> None:
        self._store = store
        self.anchors: dict[bytes, AnchorDocument] = {}
        self.lists: dict[bytes, ListDocument] = {}
        seen: list[tuple[bytes, _Seen]] = []
        try:
            for key, value in store.documents(DocumentKind.TRUST):
                self._load(key, value, seen)
        except WrongVersion as exc:
            raise VersionUnsupported(f"What this node trusts is of a newer Molva: {exc}") from exc
        except Malformed as exc:
            raise StoreDamaged(f"What this node trusts cannot be read: {exc}") from exc
        seen.sort(key=lambda one: one[1].seen_s)
        self._seen = dict(seen)
        self._floor = {entry.name: entry for entry in floor.lists}

    def _load(self, key: bytes, value: bytes, seen: list[tuple[bytes, _Seen]]) -> None:
        sort, slash, name = key.partition(b"/")
        if len(name) != NAME_SIZE_BYTES:
            raise Malformed("a document under an impossible name.")
        match sort + slash:
            case b"anchor/":
                self.anchors[name] = _read(value, AnchorDocument, _SMALL_MAX_BYTES)
            case b"list/":
                self.lists[name] = _read(value, ListDocument, _LIST_DOCUMENT_MAX_BYTES)
            case b"seen/":
                seen.append((name, _read(value, _Seen, _SMALL_MAX_BYTES)))
            case _:
                raise Malformed("a document of an unknown sort.")

    # --- anchors and lists -----------------------------------------------------------------------
    def put_anchor(self, name: bytes, document: AnchorDocument) -> None:
        """Keep an anchor under the hash of its certificate."""
        self.anchors[name] = document
        self._store.put_document(DocumentKind.TRUST, _ANCHOR + name, pack(document))

    def delete_anchor(self, name: bytes) -> None:
        """Forget an anchor."""
        del self.anchors[name]
        self._store.delete_document(DocumentKind.TRUST, _ANCHOR + name)

    def put_list(self, name: bytes, document: ListDocument) -> None:
        """Keep a list under its name, in the place of an older issue."""
        self.lists[name] = document
        self._store.put_document(DocumentKind.TRUST, _LIST + name, pack(document))

    def delete_list(self, name: bytes) -> None:
        """Forget a list; what was seen of it stays."""
        del self.lists[name]
        self._store.delete_document(DocumentKind.TRUST, _LIST + name)

    def of_form(self, *forms: TrustForm) -> Iterator[tuple[bytes, ListDocument]]:
        """Give the lists of some forms, in the order of their coming."""
        return ((name, one) for name, one in list(self.lists.items()) if one.form in forms)

    def size_bytes(self) -> int:
        """Give how many bytes all lists have."""
        return sum(len(one.data) for one in self.lists.values())

    # --- what was seen ---------------------------------------------------------------------------
    def newest(self, name: bytes) -> tuple[int, int]:
        """Give the newest (sequence, time of issue) that was ever seen of a list, or shipped."""
        seen, shipped = self._seen.get(name), self._floor.get(name)
        return max(
            (seen.sequence, seen.issued_s) if seen else (0, 0),
            (shipped.sequence, shipped.issued_s) if shipped else (0, 0),
        )

    def remember(self, name: bytes, sequence: int, issued_s: int, now_s: float) -> None:
        """Keep that this issue was seen, where it is the newest; the longest unseen makes room."""
        if (sequence, issued_s) <= self.newest(name):
            return
        self._seen.pop(name, None)
        if len(self._seen) >= SEEN_MAX:
            oldest = next((one for one in self._seen if one not in self.lists), None)
            if oldest is not None:
                del self._seen[oldest]
                self._store.delete_document(DocumentKind.TRUST, _SEEN + oldest)
        entry = _Seen(DOCUMENT_VERSION, sequence, issued_s, max(0, int(now_s)))
        self._seen[name] = entry
        self._store.put_document(DocumentKind.TRUST, _SEEN + name, pack(entry))


class IssueMemory:
    """The same as a status book wants it: :class:`p2p.credentials.status_book.StatusMemory`."""

    def __init__(self, documents: TrustDocuments) -> None:
        self._documents = documents

    def newest_issue(self, name: str) -> int:
        """Give the newest time of issue seen of a list, 0 where none was."""
        return self._documents.newest(memory_name(name))[1]

    def remember_issue(self, name: str, issued_at: int) -> None:
        """Keep a newer time of issue."""
        self._documents.remember(memory_name(name), 0, issued_at, issued_at)
