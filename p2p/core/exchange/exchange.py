"""Credentials in one node: the wallet, the questions both ways, and what arrives about them.

docs/spec/credential-exchange.md is the protocol; ``asking`` is the verifier's side,
``answering`` the holder's.
"""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.effects import Effect
from p2p.core.exchange.answering import Answering
from p2p.core.exchange.asking import Asking
from p2p.core.exchange.events import (
    CredentialAnswered,
    CredentialAsked,
    CredentialCommand,
    CredentialImported,
    CredentialList,
    CredentialRemoved,
    CredentialResult,
    CredentialsListed,
    EngagementScanned,
    FramesCollected,
    RequestList,
    RequestsListed,
)
from p2p.core.exchange.presentations import Presentations
from p2p.core.exchange.request_book import RequestBook
from p2p.core.exchange.request_views import RequestViews
from p2p.core.exchange.wallet import Wallet
from p2p.core.inbox import Arrival
from p2p.core.introductions import Introductions, Outcome
from p2p.core.trust.trust import Trust
from p2p.ports.entropy import Entropy
from p2p.ports.store import DocumentStore
from p2p.wire.content import CredentialAnswer, CredentialOutcome, CredentialRequest
from p2p.wire.ids import AccountKey, BundleHash


@dataclass(slots=True)
class Exchange:
    """All that a node has to do with credentials, but for trust."""

    wallet: Wallet
    requests: RequestBook
    views: RequestViews
    asking: Asking
    answering: Answering

    def carry_out(
        self, command: CredentialCommand, now_s: float, outcome: Outcome
    ) -> CredentialResult:
        """Do what the person asked, and append what the network is asked for.

        Raises:
            LocalError, CredentialError: it was refused, and nothing of it happened.
        """
        match command:
            case CredentialImported(_, data, key):
                ids, new = self.wallet.take_in(data, key, now_s)
                return CredentialList(tuple(self.wallet.view(id_) for id_ in ids), new)
            case CredentialsListed():
                return CredentialList(tuple(self.wallet.all()))
            case CredentialRemoved(_, credential):
                gone = self.wallet.view(credential)
                self.wallet.remove(credential)
                return CredentialList((gone,))
            case RequestsListed():
                records = self.requests.all()
                return RequestList(tuple(self.views.view(record) for record in records))
            case CredentialAsked() | EngagementScanned() | CredentialAnswered() | FramesCollected():
                result, asked = self._exchange(command, now_s)
                outcome.add(asked)
                return result

    def _exchange(
        self,
        command: CredentialAsked | EngagementScanned | CredentialAnswered | FramesCollected,
        now_s: float,
    ) -> tuple[CredentialResult, Outcome]:
        match command:
            case CredentialAsked():
                return self.asking.ask(command, now_s)
            case FramesCollected():
                return self.asking.collect(command, now_s)
            case EngagementScanned():
                return self.answering.scan(command, now_s)
            case CredentialAnswered():
                return self.answering.answer(command, now_s)

    # --- what arrives ----------------------------------------------------------------------------
    def takes(self, arrival: Arrival) -> bool:
        """Tell whether a letter came through a code of ours, from nobody that becomes a contact."""
        return self.asking.takes(arrival)

    def from_stranger(self, arrival: Arrival, now_s: float) -> Outcome:
        """Take in such a letter."""
        return self.asking.from_stranger(arrival, now_s)

    def arrived(self, arrival: Arrival, now_s: float) -> Outcome:
        """Take in what a contact said about credentials; other content is none of ours."""
        contact = arrival.opened.contact
        match arrival.content:
            case CredentialRequest() as request:
                return Outcome(self.answering.asked(arrival, request, now_s))
            case CredentialAnswer() as answer:
                return self.asking.answered(contact, answer, now_s)
            case CredentialOutcome() as told:
                return Outcome(self.answering.told(contact, told))
            case _:
                return Outcome()

    def sought(self, now_s: float) -> list[BundleHash]:
        """Give the bundles of verifiers for whom an answer waits."""
        return self.answering.sought(now_s)

    def found(self, bundle: bytes, now_s: float) -> Outcome:
        """Seal the answers that waited for this bundle."""
        return self.answering.found(bundle, now_s)

    # --- time ------------------------------------------------------------------------------------
    def expire(self, now_s: float) -> list[Effect]:
        """End the questions whose time is over."""
        effects: list[Effect] = []
        for record in self.requests.over(now_s):
            effects += (
                self.asking.expire(record, now_s)
                if record.outgoing
                else self.answering.expire(record)
            )
        return effects

    def next_expiry(self) -> float | None:
        """Give when the next open question is over (Unix s)."""
        return self.requests.next_end()

    def forget(self, contact: AccountKey) -> None:
        """Forget every question asked of a contact or by it."""
        self.requests.forget(contact)


def make_exchange(
    introductions: Introductions, trust: Trust, entropy: Entropy, store: DocumentStore
) -> Exchange:
    """Give the exchange of a node, loaded from its store."""
    wallet, requests = Wallet(store), RequestBook(store)
    views, book, outbox = RequestViews(wallet), introductions.book, introductions.outbox
    asking = Asking(introductions, requests, views, trust, book, outbox, entropy)
    presentations = Presentations(wallet)
    answering = Answering(introductions.account, requests, views, presentations, book, outbox)
    return Exchange(wallet, requests, views, asking, answering)
