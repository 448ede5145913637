"""Questions as people see them, with what the wallet could answer."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.exchange.events import (
    NOBODY_YET,
    Choice,
    NoVerdict,
    RequestState,
    RequestView,
)
from p2p.core.exchange.request_book import RequestRecord
from p2p.core.exchange.verdicts import accepted_kinds, decode_verdict
from p2p.core.exchange.wallet import Wallet
from p2p.credentials.element_names import match
from p2p.credentials.issuer import ORGANISATION
from p2p.wire.content import CredentialRequest
from p2p.wire.ids import AccountKey


@dataclass(slots=True)
class RequestViews:
    """Shows questions."""

    wallet: Wallet

    def view(self, record: RequestRecord) -> RequestView:
        """Give one question as it stands."""
        asked = record.asked()
        answerable = not record.outgoing and record.state is RequestState.OPEN
        return RequestView(
            id=record.id,
            outgoing=bool(record.outgoing),
            state=record.state,
            contact=record.account,
            name=record.name,
            purpose=asked.purpose,
            kinds=accepted_kinds(asked),
            elements=asked.elements,
            made_s=float(asked.made_at_s),
            expires_s=float(asked.expires_at_s),
            face_to_face=record.face_to_face,
            engagement=record.engagement,
            shown=record.shown,
            rule=record.rule,
            verdict=decode_verdict(record.verdict) if record.verdict else NoVerdict(),
            choices=tuple(self._choices(record, asked)) if answerable else (),
        )

    def _choices(self, record: RequestRecord, asked: CredentialRequest) -> list[Choice]:
        """Give the credentials that could answer: the ones with most of what is asked first."""
        kinds = accepted_kinds(asked)
        verifier = NOBODY_YET if record.face_to_face else AccountKey(record.verifier)
        choices: list[Choice] = []
        for credential in self.wallet.ids():
            held = self.wallet.any_copy(credential)
            kind = held.kind_of(kinds)
            if kind is None:
                continue
            own = {name: match(name, held.names(), held.format) for name in asked.elements}
            matched = [found for found in own.values() if found is not None]
            choices.append(
                Choice(
                    credential=credential,
                    kind=kind,
                    issuer=held.issuer,
                    has=tuple(name for name, found in own.items() if found is not None),
                    lacks=tuple(name for name, found in own.items() if found is None),
                    always_shown=tuple(held.shown_with(matched)),
                    fresh=self.wallet.has_fresh_copy(credential, verifier),
                    test=ORGANISATION in held.issuer,
                )
            )
        choices.sort(
            key=lambda one: (len(one.lacks), not one.fresh, kinds.index(_kind(one, kinds)))
        )
        return choices


def _kind(choice: Choice, kinds: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    return next(kind for kind in kinds if kind[1] == choice.kind)
