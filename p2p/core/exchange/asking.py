"""The verifier's side: questions to contacts and to whoever scans a code, and their verdicts.

An answer is bound to its question and its meeting (:mod:`p2p.credentials.exchange_binding`), judged
on arrival under this node's own trust, and its nonce is burned in the same transaction as the
verdict is kept: nobody hears of a verdict that a crash could undo.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from p2p.core.contacts import Contacts, printable
from p2p.core.effects import Effect, Noted, Notify
from p2p.core.exchange.events import (
    NOBODY_YET,
    CredentialAsked,
    FramesCollected,
    Question,
    RequestState,
    RequestView,
    VerdictReached,
    VerdictView,
)
from p2p.core.exchange.request_book import RequestBook, RequestRecord
from p2p.core.exchange.request_views import RequestViews
from p2p.core.exchange.verdicts import REQUEST_EXPIRED, encode_verdict, judge, undecided
from p2p.core.inbox import Arrival
from p2p.core.introductions import Introductions, Outcome
from p2p.core.outbox import LIFETIME_MIN_S, Outbox
from p2p.core.trust.trust import Trust
from p2p.credentials.exchange_binding import (
    FORMAT_NUMBERS,
    engagement_context,
    session_context,
)
from p2p.errors import Conflict, InvalidInput, Malformed, NotReady, RemoteError, UnknownName
from p2p.ports.entropy import Entropy
from p2p.sessions.book import SessionBook
from p2p.wire.content import (
    DECLINED,
    CredentialAnswer,
    CredentialKind,
    CredentialOutcome,
    CredentialRequest,
    decode_content,
    encode_content,
)
from p2p.wire.engagement import ENGAGEMENT_ADDRESSES_MAX, Engagement, encode_engagement
from p2p.wire.ids import AccountKey, BundleHash
from p2p.wire.limits import (
    CREDENTIAL_NONCE_SIZE_BYTES,
    CREDENTIAL_REQUEST_LIFETIME_MAX_S,
    LIFETIME_DEFAULT_S,
    REQUEST_ID_SIZE_BYTES,
)
from p2p.wire.qr_frames import collect_frames


@dataclass(slots=True)
class Asking:
    """Asks, and judges what comes back."""

    introductions: Introductions
    requests: RequestBook
    views: RequestViews
    trust: Trust
    book: SessionBook
    outbox: Outbox
    entropy: Entropy

    @property
    def contacts(self) -> Contacts:
        """The people this node knows."""
        return self.introductions.contacts

    def ask(self, command: CredentialAsked, now_s: float) -> tuple[RequestView, Outcome]:
        """Ask a contact, or make a code for whoever scans it.

        Raises:
            InvalidInput: a question that cannot be.
            UnknownName, NotReady: no such contact, or no prekeys of it.
            Conflict: a blocked contact, or too many questions of ours are open.
        """
        request = self._make_request(command.question, now_s)
        content = encode_content(request)
        record = RequestRecord(
            id=request.request_id,
            outgoing=1,
            order=0,
            state=RequestState.OPEN,
            contact=command.contact,
            verifier=self.introductions.account,
            context=b"",
            content=content,
            use=command.question.use.value,
            status=command.question.status.value,
        )
        if command.contact == NOBODY_YET:
            return self._engage(record, request, now_s), Outcome()
        contact = self.contacts.require(command.contact)
        if contact.blocked:
            raise Conflict(f"You blocked {contact.name}; unblock this contact to ask it.")
        self.requests.require_room(record)
        lifetime_s = request.expires_at_s - now_s
        sealed = self.book.seal(command.contact, content, max(LIFETIME_MIN_S, lifetime_s), now_s)
        envelope = self.outbox.keep(command.contact, sealed, now_s).id
        record = self.requests.add(replace(record, context=session_context(sealed.session)))
        return self.views.view(record), Outcome(envelopes=[envelope])

    def collect(self, command: FramesCollected, now_s: float) -> tuple[RequestView, Outcome]:
        """Judge an answer that was read from QR codes.

        Raises:
            InvalidInput: frames that are not whole, or hold no answer.
            UnknownName: the answer is to no question of ours that was shown as a code.
            Conflict: the question is decided already, or over.
        """
        try:
            content = decode_content(collect_frames(command.frames))
        except RemoteError as exc:
            raise InvalidInput(f"The frames hold no answer: {exc}") from exc
        if not isinstance(content, CredentialAnswer):
            raise InvalidInput("The frames hold no answer.")
        record = self.requests.outgoing(content.request_id)
        if record is None or not record.face_to_face:
            raise UnknownName("This answers no question that was shown as a code here.")
        if record.state is not RequestState.OPEN:
            raise Conflict(f"This question is {record.state.value} already.")
        if now_s >= record.asked().expires_at_s:
            raise Conflict("The time of this question is over: ask again.")
        outcome = Outcome()
        record = self._decide(record, content, now_s, outcome)
        return self.views.view(record), outcome

    def takes(self, arrival: Arrival) -> bool:
        """Tell whether a letter came through the one-time bundle of a code of ours.

        Its writer is a stranger and stays one: no contact is made of it.
        """
        invite = arrival.opened.invite
        return bool(invite) and any(
            record.outgoing and record.bundle_hash == invite for record in self.requests.all()
        )

    def from_stranger(self, arrival: Arrival, now_s: float) -> Outcome:
        """Take in what came through a code of ours: the answer to its question, or nothing."""
        content, outcome = arrival.content, Outcome()
        self.book.forget(arrival.opened.contact)
        if isinstance(content, CredentialAnswer):
            record = self.requests.outgoing(content.request_id)
            if record is not None and record.bundle_hash == arrival.opened.invite:
                self._answered(record, content, now_s, outcome)
                return outcome
        outcome.effects.append(Noted("credential-answer-foreign"))
        return outcome

    def answered(self, contact: AccountKey, answer: CredentialAnswer, now_s: float) -> Outcome:
        """Take in a contact's answer; one to nothing that it was asked changes nothing."""
        outcome = Outcome()
        record = self.requests.outgoing(answer.request_id)
        if record is None or record.account != contact:
            outcome.effects.append(Noted("credential-answer-foreign"))
        else:
            self._answered(record, answer, now_s, outcome)
        return outcome

    def expire(self, record: RequestRecord, now_s: float) -> list[Effect]:
        """End a question that nobody answered in time."""
        verdict = undecided(RequestState.EXPIRED, "", "No answer came in time.", ("", ""), now_s)
        return self._end(record, verdict)

    def _make_request(self, question: Question, now_s: float) -> CredentialRequest:
        if not 1 <= question.lifetime_s <= CREDENTIAL_REQUEST_LIFETIME_MAX_S:
            days = CREDENTIAL_REQUEST_LIFETIME_MAX_S // 86_400
            raise InvalidInput(f"A question lives from one second to {days} days.")
        unknown = [name for name, _ in question.kinds if name not in FORMAT_NUMBERS]
        if unknown:
            known = " or ".join(FORMAT_NUMBERS)
            raise InvalidInput(f"{unknown[0]!r:.80} is no format of credentials: {known}.")
        request = CredentialRequest(
            request_id=self.entropy.random_bytes(REQUEST_ID_SIZE_BYTES),
            nonce=self.entropy.random_bytes(CREDENTIAL_NONCE_SIZE_BYTES),
            made_at_s=int(now_s),
            expires_at_s=int(now_s + max(question.lifetime_s, 1.0)),
            purpose=printable(question.purpose),
            kinds=tuple(CredentialKind(FORMAT_NUMBERS[f], name) for f, name in question.kinds),
            elements=question.elements,
        )
        try:
            decode_content(encode_content(request))
        except Malformed as exc:
            raise InvalidInput(f"This cannot be asked: {exc}") from exc
        return request

    def _engage(
        self, record: RequestRecord, request: CredentialRequest, now_s: float
    ) -> RequestView:
        self.requests.require_room(record)
        issued = self.book.issue_one_time_bundle(now_s)
        engagement = Engagement(
            account_key=self.introductions.account,
            bundle_hash=issued.hash,
            lookup_secret=issued.lookup_secret,
            name=self.introductions.config.name,
            addresses=self.introductions.addresses[:ENGAGEMENT_ADDRESSES_MAX],
            request=record.content,
        )
        record = self.requests.add(
            replace(
                record,
                context=engagement_context(issued.hash),
                bundle_hash=issued.hash,
                engagement=encode_engagement(engagement),
            )
        )
        assert request.request_id == record.id, "the code shows the question that is kept"
        return self.views.view(record)

    def _answered(
        self, record: RequestRecord, answer: CredentialAnswer, now_s: float, outcome: Outcome
    ) -> None:
        """Judge the answer to a question of ours; a second one, or a late one, changes nothing."""
        if record.state not in (RequestState.OPEN, RequestState.EXPIRED):
            outcome.effects.append(Noted("credential-answer-again"))
            return
        if record.state is RequestState.EXPIRED or now_s >= record.asked().expires_at_s:
            outcome.effects.append(Noted("credential-answer-late"))
            if record.rule != REQUEST_EXPIRED:  # who repeats itself is not answered again
                self._tell(record, 0, REQUEST_EXPIRED, now_s, outcome)
                self.requests.save(record, rule=REQUEST_EXPIRED)
            return
        self._decide(record, answer, now_s, outcome)

    def _decide(
        self, record: RequestRecord, answer: CredentialAnswer, now_s: float, outcome: Outcome
    ) -> RequestRecord:
        if answer.format == DECLINED:
            verdict = undecided(RequestState.DECLINED, "", "The holder declined.", ("", ""), now_s)
            outcome.effects += self._end(record, verdict)
        else:
            verdict = judge(record, answer, self.trust, now_s, lambda: self._burn(record.id))
            outcome.effects += self._end(record, verdict)
            self._tell(
                record, int(verdict.state is RequestState.VERIFIED), verdict.rule, now_s, outcome
            )
            if not record.face_to_face:
                self.contacts.note_proven(record.account, verdict)
        found = self.requests.outgoing(record.id)
        assert found is not None, "a question that was just decided is kept"
        return found

    def _burn(self, id_: bytes) -> bool:
        """Write that a question's nonce has served; False where it had."""
        record = self.requests.outgoing(id_)
        if record is None or record.burned:
            return False
        self.requests.save(record, burned=1)
        return True

    def _end(self, record: RequestRecord, verdict: VerdictView) -> list[Effect]:
        current = self.requests.outgoing(record.id) or record
        if current.face_to_face:
            self.book.withdraw_bundle(BundleHash(current.bundle_hash))
        ended = self.requests.save(
            current, state=verdict.state, burned=1, verdict=encode_verdict(verdict)
        )
        return [Notify(VerdictReached(self.views.view(ended)))]

    def _tell(
        self, record: RequestRecord, verified: int, rule: str, now_s: float, outcome: Outcome
    ) -> None:
        """Tell a contact what became of its answer, where it can be told; nobody face to face."""
        if record.face_to_face:
            return
        told = CredentialOutcome(record.id, verified, rule)
        try:
            envelope = self.outbox.seal_content(record.account, told, LIFETIME_DEFAULT_S, now_s)
        except NotReady:
            return
        outcome.envelopes.append(envelope)
