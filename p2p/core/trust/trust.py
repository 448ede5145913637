"""What this node trusts: anchors that the person pinned, and what was signed under them.

One door for all that is signed, whoever brings it: the person from a file, or a stranger's node
in a record. It verifies under an anchor that was pinned here before, it is newer than all that
was seen, or it changes nothing. A credential is then verified with :meth:`Trust.store`,
:meth:`Trust.status_book` and :meth:`Trust.policy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from msgspec.structs import replace as replace_struct

from p2p.core.config import TrustConfig
from p2p.core.saved_clock import saved_clock
from p2p.core.trust.anchors import PinnedAnchor, PinnedAnchors, fits
from p2p.core.trust.documents import LIST_SIZE_MAX_BYTES, TrustDocuments
from p2p.core.trust.events import (
    AnchorsAdded,
    AnchorsTaken,
    ClockView,
    ListView,
    Standing,
    TrustForgotten,
    TrustForm,
    TrustView,
)
from p2p.core.trust.floor import SHIPPED, TrustFloor
from p2p.core.trust.lists import Offered, ReadList, TrustLists
from p2p.core.trust.statuses import ReadStatus, StatusLists
from p2p.credentials.policy import DAY_S, Policy, StatusPolicy
from p2p.credentials.rules import LENGTH, refused
from p2p.credentials.signed_first import check_signature
from p2p.credentials.status_book import StatusBook
from p2p.credentials.x509_trust import Purpose, TrustStore
from p2p.errors import InvalidInput, NotReady, UnknownName
from p2p.ports.store import DocumentStore

CLOCK_SLACK_S: Final = 60
"""Clocks of issuer and verifier differ by a little; so much is no reason to doubt ours."""
ALL_ROOTS: Final = "all"


class Use(Enum):
    """What a credential is asked for; how fresh its status must be depends on it."""

    AGE_CHECK = "age-check"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a signed list that somebody brought.

    Attributes:
        name: the list's name (:mod:`p2p.core.trust.names`).
        version: orders its issues.
        new: whether it changed anything.
        held: whether these very bytes are what is kept now.
    """

    name: bytes
    form: TrustForm
    version: int
    expires_s: int
    new: bool
    held: bool


class Trust:
    """All trust of one node. Loads itself from the store; every change is written at once.

    Raises:
        StoreDamaged: what is kept cannot be read as ours.
    """

    def __init__(
        self, store: DocumentStore, config: TrustConfig, floor: TrustFloor = SHIPPED
    ) -> None:
        self._store = store
        self._config = config
        self._floor = floor
        self._documents = TrustDocuments(store, floor)
        self._pinned = PinnedAnchors(self._documents)
        self._lists = TrustLists(self._documents, self._pinned)
        self._made_of: tuple[bytes, ...] | None = None
        self._made = TrustStore(())
        signer = Purpose(config.status_signer_eku, "status signer")
        self._statuses = StatusLists(self._documents, self._pinned, self._store_of(None), signer)

    # --- for the verifier ------------------------------------------------------------------------
    def store(self, now_s: float) -> TrustStore:
        """Give the anchors of issuers that count now: pinned ones, then those of lists.

        Anchors that prove nothing have :data:`~p2p.credentials.issuer.TEST_SOURCE` as source.
        """
        counting = self._lists.counting(int(now_s), self._config.stale_list_max_s)
        if counting != self._made_of:
            self._made = self._store_of(counting)
            self._made_of = counting
        return self._made

    def status_book(self) -> StatusBook:
        """Give the status lists that are kept; ask anew for each credential, it is replaced."""
        return self._statuses.book

    def policy(self, use: Use, status: StatusPolicy = StatusPolicy.REQUIRE) -> Policy:
        """Give how strict to be; a clock that is behind is refused by rule ``clock``."""
        age_max_s = {
            Use.AGE_CHECK: self._config.age_check_status_max_s,
            Use.CONTRACT: self._config.contract_status_max_s,
        }[use]
        return Policy(
            status=status,
            status_age_max_s=age_max_s,
            short_lived_s=DAY_S,
            clock_floor=self._clock_floor()[0] - CLOCK_SLACK_S,
        )

    def clock(self, now_s: float) -> ClockView:
        """Tell whether the clock can be right."""
        floor_s, why = self._clock_floor()
        return ClockView(now_s < floor_s - CLOCK_SLACK_S, now_s, floor_s, why)

    # --- anchors ---------------------------------------------------------------------------------
    def add_anchors(self, command: AnchorsAdded, now_s: float) -> AnchorsTaken:
        """Pin certificates.

        Raises:
            InvalidInput, Conflict: as :meth:`PinnedAnchors.add`.
        """
        found, new = self._pinned.add(command, now_s)
        self._check_again()
        return AnchorsTaken(tuple(one.view() for one in found), new)

    def forget(self, reference: str) -> TrustForgotten:
        """Forget an anchor or a list.

        Raises:
            UnknownName: nothing has this reference.
            InvalidInput: several have.
        """
        anchors = self._pinned.find(reference)
        lists = [name for name in self._documents.lists if fits(reference, name)]
        if len(anchors) + len(lists) > 1:
            raise InvalidInput(
                f"Several things are called {reference!r}: write the first digits of one's ref."
            )
        if anchors:
            self._pinned.remove(anchors[0])
            self._check_again()
            return TrustForgotten("anchor", anchors[0].ref, anchors[0].label)
        if lists:
            return self._forget_list(lists[0])
        raise UnknownName(f"No anchor and no list is called {reference!r}.")

    def list_roots(self, reference: str) -> list[PinnedAnchor]:
        """Give the anchors that a list may lead to, as the person named them.

        Raises:
            UnknownName, InvalidInput: nothing has this reference, or several have.
            NotReady: no root for lists is pinned.
        """
        if reference == ALL_ROOTS:
            found = self._pinned.all()
        elif reference:
            found = self._pinned.find(reference)
            if not found:
                raise UnknownName(f"No anchor is called {reference!r}.")
            if len(found) > 1:
                raise InvalidInput(f"Several anchors are called {reference!r}: write its ref.")
        else:
            found = self._pinned.list_roots()
        if not found:
            raise NotReady(
                "No root for lists of issuers is pinned. Pin it with `molva trust add FILE.pem "
                "--purpose lists`, or name one that is pinned with --root."
            )
        return found

    # --- what was signed -------------------------------------------------------------------------
    def take(
        self, offered: Offered, now_s: float, roots: list[PinnedAnchor] | None = None
    ) -> Taken:
        """Take in a signed list, if it is authentic and not older than what was seen.

        Args:
            offered: the list and who brought it.
            now_s: Unix seconds.
            roots: anchors that a list of issuers may lead to; None for those pinned for lists.

        Raises:
            CredentialError: the rule that does not hold.
        """
        if len(offered.data) > LIST_SIZE_MAX_BYTES:
            raise refused(LENGTH, f"A list that is kept has at most {LIST_SIZE_MAX_BYTES} bytes.")
        if offered.form is TrustForm.STATUS:
            return self._take_status(offered, now_s)
        read = self._lists.read(offered.form, offered.data, roots, int(now_s))
        new = self._lists.is_news(read, offered.data)
        if new:
            self._make_room(len(offered.data), read, now_s)
            self._lists.keep(read, offered, now_s)
            if roots is not None:
                self._pinned.believe_lists(read.root)
            self._check_again()
        else:
            self._adopt(read.name, offered)
        return self._taken(read, offered, read.found.next_update or 0, new=new)

    def authentic(self, offered: Offered, now_s: float) -> Taken:
        """Tell what :meth:`take` would do, and change nothing; for what strangers bring.

        Nothing in it is parsed before its signature holds.

        Raises:
            CredentialError: the rule that does not hold.
        """
        if offered.form is TrustForm.STATUS:
            signer = self._statuses.signer
            check_signature(offered.data, self.store(now_s), signer, int(now_s))
            status = self._statuses.read(offered.data, self.store(now_s), int(now_s))
            new = self._statuses.is_news(status, offered.data)
            return self._taken(status, offered, status.found.expires_at or 0, new=new)
        self._lists.check_signature(offered.form, offered.data, int(now_s))
        read = self._lists.read(offered.form, offered.data, None, int(now_s))
        new = self._lists.is_news(read, offered.data)
        return self._taken(read, offered, read.found.next_update or 0, new=new)

    def believes_anybody(self, form: TrustForm) -> bool:
        """Tell whether any list of this form could be authentic here."""
        if form is TrustForm.STATUS:
            return bool(self._pinned.all())
        return bool(self._pinned.list_roots())

    def holds(self, name: bytes, data: bytes) -> bool:
        """Tell whether these very bytes are the list that is kept under a name."""
        kept = self._documents.lists.get(name)
        return kept is not None and kept.data == data

    # --- for people ------------------------------------------------------------------------------
    def list_view(self, name: bytes, now_s: float) -> ListView:
        """Give one list as people see it."""
        if self._documents.lists[name].form is TrustForm.STATUS:
            return self._statuses.view(name, int(now_s))
        return self._lists.view(name, int(now_s), self._config.stale_list_max_s)

    def view(self, now_s: float) -> TrustView:
        """Give all that is known, and how old it is."""
        views = [self.list_view(name, now_s) for name in self._documents.lists]
        views.sort(key=lambda one: (one.form is TrustForm.STATUS, one.name, one.ref))
        return TrustView(
            anchors=tuple(one.view() for one in self._pinned.all()),
            lists=tuple(views),
            clock=self.clock(now_s),
            released_s=self._floor.released_s,
            floor_lists=len(self._floor.lists),
            age_check_status_max_s=self._config.age_check_status_max_s,
            contract_status_max_s=self._config.contract_status_max_s,
            stale_list_max_s=self._config.stale_list_max_s,
        )

    # --- how -------------------------------------------------------------------------------------
    def _take_status(self, offered: Offered, now_s: float) -> Taken:
        read = self._statuses.read(offered.data, self.store(now_s), int(now_s))
        new = self._statuses.is_news(read, offered.data)
        if new:
            self._make_room(len(offered.data), read, now_s)
            self._statuses.keep(read, offered, now_s)
        else:
            self._adopt(read.name, offered)
        return self._taken(read, offered, read.found.expires_at or 0, new=new)

    def _adopt(self, name: bytes, offered: Offered) -> None:
        """What a neighbour had brought before is now the person's own import."""
        if not offered.author and self.holds(name, offered.data):
            kept = self._documents.lists[name]
            own = replace_struct(kept, author=b"", private=int(offered.private))
            self._documents.put_list(name, own)

    def _taken(
        self, read: ReadList | ReadStatus, offered: Offered, expires_s: int, *, new: bool
    ) -> Taken:
        held = self.holds(read.name, offered.data)
        return Taken(read.name, offered.form, read.version, expires_s, new, held)

    def _make_room(self, size_bytes: int, read: ReadList | ReadStatus, now_s: float) -> None:
        """Forget lists that do not count any more, and tests for one that is none, until it fits.

        Raises:
            CredentialError: rule ``length``: it does not fit; nothing was forgotten.
        """
        kept = self._documents.lists.get(read.name)
        needed = self._documents.size_bytes() + size_bytes - (len(kept.data) if kept else 0)
        places = 0 if kept else 1 - self._statuses.places_left()
        useless = (Standing.UNUSABLE, Standing.EXPIRED, Standing.TOO_OLD)
        victims: list[bytes] = []
        for other in self._documents.lists:
            if needed <= self._config.lists_max_bytes and places <= 0:
                break
            view = self.list_view(other, now_s)
            if other != read.name and (view.standing in useless or view.test > read.test):
                victims.append(other)
                needed -= view.size_bytes
                places -= view.form is TrustForm.STATUS and view.standing is not Standing.UNUSABLE
        if needed > self._config.lists_max_bytes or places > 0:
            raise refused(LENGTH, "There is no room for another list; remove one.")
        for victim in victims:
            self._forget_list(victim)

    def _forget_list(self, name: bytes) -> TrustForgotten:
        document = self._documents.lists[name]
        if document.form is TrustForm.STATUS:
            self._statuses.forget(name, self._store_of(None))
        else:
            self._lists.forget(name)
            self._check_again()
        return TrustForgotten(document.form.value, name.hex(), document.name)

    def _check_again(self) -> None:
        """Anchors have changed: see anew what verifies under them."""
        self._lists.check_again()
        self._made_of = None
        self._statuses.check_again(self._store_of(None))

    def _store_of(self, counting: tuple[bytes, ...] | None) -> TrustStore:
        return TrustStore([*self._pinned.issuers(), *self._lists.anchors(counting)])

    def _clock_floor(self) -> tuple[int, str]:
        """Give the latest moment that has certainly passed, and how that is known."""
        moments = (
            (self._floor.released_s, "release"),
            (max(self._lists.signed_s(), self._statuses.signed_s()), "signed"),
            (int(saved_clock(self._store)), "saved"),
        )
        return max(moments, key=lambda one: one[0])
