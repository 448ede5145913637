"""The holder's side: questions that were asked of us, and what we show in answer."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.contacts import printable
from p2p.core.effects import Effect, LearnAddresses, Noted, Notify
from p2p.core.exchange.events import (
    NOBODY_YET,
    AnswerGiven,
    AnswerMade,
    CredentialAnswered,
    EngagementScanned,
    RequestArrived,
    RequestState,
    RequestView,
)
from p2p.core.exchange.presentations import Presentations
from p2p.core.exchange.request_book import RequestBook, RequestRecord
from p2p.core.exchange.request_views import RequestViews
from p2p.core.inbox import Arrival
from p2p.core.introductions import Outcome
from p2p.core.outbox import LIFETIME_MIN_S, Outbox
from p2p.credentials.exchange_binding import engagement_context, session_context
from p2p.errors import Conflict, InvalidInput, NotReady, RemoteError, TooLarge, UnknownName
from p2p.sessions.book import SessionBook
from p2p.wire.addresses import peers_of
from p2p.wire.content import (
    DECLINED,
    CredentialAnswer,
    CredentialOutcome,
    CredentialRequest,
    encode_content,
)
from p2p.wire.engagement import decode_engagement
from p2p.wire.ids import AccountKey, BundleHash, EnvelopeId, bundle_hash
from p2p.wire.limits import CLOCK_TOLERANCE_S, CREDENTIAL_REQUEST_LIFETIME_MAX_S
from p2p.wire.qr_frames import make_frames


@dataclass(slots=True)
class Answering:
    """Takes questions in, and answers them as the person agreed."""

    account: AccountKey
    requests: RequestBook
    views: RequestViews
    presentations: Presentations
    book: SessionBook
    outbox: Outbox

    def scan(self, command: EngagementScanned, now_s: float) -> tuple[RequestView, Outcome]:
        """Take in a question from a code; one that is known is given as it stands.

        Raises:
            InvalidInput, VersionUnsupported: no question of ours.
            Conflict: its time is over, it is one of our own, or too many wait.
        """
        engagement = decode_engagement(command.text)
        request = engagement.asked()
        if engagement.account_key == self.account:
            raise Conflict("This question is your own.")
        known = self.requests.incoming(request.request_id)
        if known is not None:
            return self.views.view(known), Outcome()
        if not _is_timely(request, now_s):
            raise Conflict("The time of this question is over: ask for a new code.")
        record = RequestRecord(
            id=request.request_id,
            outgoing=0,
            order=0,
            state=RequestState.OPEN,
            contact=NOBODY_YET,
            verifier=engagement.account_key,
            context=engagement_context(engagement.bundle_hash),
            content=engagement.request,
            name=printable(engagement.name),
            bundle_hash=engagement.bundle_hash,
            lookup_secret=engagement.lookup_secret,
            addresses=engagement.addresses,
        )
        record = self.requests.add(record)
        # The node is dialled now: by the time the person has agreed, it is there.
        outcome = Outcome(effects=_ways(record))
        return self.views.view(record), outcome

    def answer(self, command: CredentialAnswered, now_s: float) -> tuple[AnswerMade, Outcome]:
        """Answer a question that was asked of us, or decline it.

        Raises:
            UnknownName: no such question, or no such credential.
            Conflict: it is answered or over, or no unused copy is left.
            InvalidInput: something that was not asked for, or that the credential lacks.
            TooLarge: the presentation fits into no envelope.
            NotReady: the verifier cannot be written to.
        """
        record = self.requests.incoming(command.request)
        if record is None:
            raise UnknownName("There is no such question.")
        if now_s >= record.asked().expires_at_s:
            raise Conflict("The time of this question is over.")
        if record.answer and command.as_frames and record.state is RequestState.ANSWERED:
            return AnswerMade(self.views.view(record), tuple(make_frames(record.answer))), Outcome()
        if record.state is not RequestState.OPEN:
            raise Conflict(f"This question is {record.state.value} already.")
        if command.as_frames and not record.face_to_face:
            raise InvalidInput("Only a question from a code is answered with codes.")
        if not command.credential:
            return self._decline(record, now_s)
        if not record.face_to_face and not self.book.can_seal(record.account, now_s):
            # Before a copy counts as shown: nothing takes that back.
            raise NotReady("The contact who asked cannot be written to now.")
        made, shown = self.presentations.make(record, command, now_s)
        content = encode_content(made)
        outcome = Outcome()
        frames: tuple[str, ...] = ()
        changes: dict[str, object] = {"state": RequestState.ANSWERED, "shown": shown}
        if command.as_frames:
            frames, changes["answer"] = tuple(make_frames(content)), content
        elif record.face_to_face:
            changes["answer"] = content
            outcome.effects += _ways(record)
            outcome.sought.append(BundleHash(record.bundle_hash))
        else:
            outcome.envelopes.append(self._send(record, made, now_s))
        record = self.requests.save(record, **changes)
        outcome.effects.append(Notify(AnswerGiven(self.views.view(record))))
        return AnswerMade(self.views.view(record), frames), outcome

    def sought(self, now_s: float) -> list[BundleHash]:
        """Give the bundles of verifiers for whom an answer waits."""
        return [BundleHash(record.bundle_hash) for record in self._waiting(now_s)]

    def found(self, bundle: bytes, now_s: float) -> Outcome:
        """Seal the answers that waited for this bundle; one that nobody sought is ignored."""
        outcome = Outcome()
        hash_ = bundle_hash(bundle)
        for record in self._waiting(now_s):
            if record.bundle_hash != hash_:
                continue
            try:
                sealed = self.book.seal_as_stranger(
                    AccountKey(record.verifier),
                    bundle,
                    record.lookup_secret,
                    record.answer,
                    _rest_s(record, now_s),
                    now_s,
                )
            except (RemoteError, NotReady, TooLarge):
                outcome.effects.append(Noted("credential-answer-unsealed"))
                continue
            verifier = AccountKey(record.verifier)
            outcome.envelopes.append(self.outbox.keep(verifier, sealed, now_s).id)
            self.requests.save(record, bundle_hash=b"")
        return outcome

    def asked(self, arrival: Arrival, request: CredentialRequest, now_s: float) -> list[Effect]:
        """Take in a contact's question; one that is known, over or one too many is let go."""
        if self.requests.incoming(request.request_id) is not None:
            return []
        if not _is_timely(request, now_s):
            return [Noted("credential-request-over")]
        record = RequestRecord(
            id=request.request_id,
            outgoing=0,
            order=0,
            state=RequestState.OPEN,
            contact=arrival.opened.contact,
            verifier=arrival.opened.contact,
            context=session_context(arrival.opened.session),
            content=arrival.opened.content,
        )
        try:
            record = self.requests.add(record)
        except Conflict:
            return [Noted("credential-request-too-many")]
        return [Notify(RequestArrived(self.views.view(record)))]

    def told(self, contact: AccountKey, told: CredentialOutcome) -> list[Effect]:
        """Take in what the verifier made of our answer."""
        record = self.requests.incoming(told.request_id)
        if record is None or record.account != contact or record.state is not RequestState.ANSWERED:
            return [Noted("credential-outcome-foreign")]
        state = RequestState.VERIFIED if told.verified else RequestState.REFUSED
        record = self.requests.save(record, state=state, rule=printable(told.rule))
        return [Notify(AnswerGiven(self.views.view(record)))]

    def expire(self, record: RequestRecord) -> list[Effect]:
        """End a question that we did not answer in time."""
        record = self.requests.save(record, state=RequestState.EXPIRED)
        return [Notify(AnswerGiven(self.views.view(record)))]

    def _decline(self, record: RequestRecord, now_s: float) -> tuple[AnswerMade, Outcome]:
        outcome = Outcome()
        if not record.face_to_face:
            declined = CredentialAnswer(record.id, DECLINED, "", b"")
            outcome.envelopes.append(self._send(record, declined, now_s))
        record = self.requests.save(record, state=RequestState.DECLINED)
        outcome.effects.append(Notify(AnswerGiven(self.views.view(record))))
        return AnswerMade(self.views.view(record), ()), outcome

    def _send(self, record: RequestRecord, answer: CredentialAnswer, now_s: float) -> EnvelopeId:
        lifetime_s = _rest_s(record, now_s)
        return self.outbox.seal_content(record.account, answer, lifetime_s, now_s)

    def _waiting(self, now_s: float) -> list[RequestRecord]:
        return [
            record
            for record in self.requests.all()
            if record.answer
            and record.bundle_hash
            and record.state is RequestState.ANSWERED
            and now_s < record.asked().expires_at_s
        ]


def _is_timely(request: CredentialRequest, now_s: float) -> bool:
    lifetime_s = request.expires_at_s - request.made_at_s
    return (
        now_s < request.expires_at_s
        and request.made_at_s <= now_s + CLOCK_TOLERANCE_S
        and lifetime_s <= CREDENTIAL_REQUEST_LIFETIME_MAX_S
    )


def _rest_s(record: RequestRecord, now_s: float) -> float:
    return max(LIFETIME_MIN_S, record.asked().expires_at_s - now_s)


def _ways(record: RequestRecord) -> list[Effect]:
    return [LearnAddresses(peer, found) for peer, found in peers_of(record.addresses).items()]
