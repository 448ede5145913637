"""The answer to one question, out of the wallet: only what was asked, agreed to and there."""

from __future__ import annotations

from dataclasses import dataclass

from p2p.core.exchange.events import CredentialAnswered
from p2p.core.exchange.request_book import RequestRecord
from p2p.core.exchange.verdicts import accepted_kinds
from p2p.core.exchange.wallet import Wallet
from p2p.credentials.element_names import match
from p2p.credentials.exchange_binding import FORMAT_NUMBERS, bound_request
from p2p.credentials.held import Held
from p2p.credentials.presenting import present
from p2p.errors import InvalidInput, TooLarge
from p2p.wire.content import CredentialAnswer
from p2p.wire.ids import AccountKey
from p2p.wire.limits import PRESENTATION_SIZE_MAX_BYTES


@dataclass(slots=True)
class Presentations:
    """Makes presentations, and remembers to whom a copy was shown."""

    wallet: Wallet

    def make(
        self, record: RequestRecord, command: CredentialAnswered, now_s: float
    ) -> tuple[CredentialAnswer, tuple[str, ...]]:
        """Give the answer, and the names of the question that it shows.

        Raises:
            UnknownName: there is no such credential.
            Conflict: no copy is left that no other verifier has seen.
            InvalidInput: another kind than was asked for, or an element that was not asked for,
                or that the credential lacks, or nothing at all.
            TooLarge: the presentation fits into no envelope.
        """
        asked = record.asked()
        held = self.wallet.any_copy(command.credential)
        kind = held.kind_of(accepted_kinds(asked))
        if kind is None:
            raise InvalidInput(f"A credential of {held.kind} was not asked for.")
        names = _own_names(held, command.elements, asked.elements)
        # Whoever asks face to face has no name that would make a second look at one copy harmless.
        verifier = AccountKey(b"") if record.face_to_face else AccountKey(record.verifier)
        chosen = self.wallet.choose(command.credential, verifier, reuse=bool(command.reuse))
        request = bound_request(
            held.format,
            kind,
            AccountKey(record.verifier),
            record.context,
            record.content,
            asked.nonce,
        )
        shown = present(chosen.held, names, request, int(now_s))
        if len(shown) > PRESENTATION_SIZE_MAX_BYTES:
            raise TooLarge(
                f"The answer has {len(shown):,} bytes; {PRESENTATION_SIZE_MAX_BYTES:,} fit into "
                "an envelope. Leave out what is large, such as the photograph."
            )
        self.wallet.note_used(chosen, verifier, now_s)
        number = FORMAT_NUMBERS[held.format]
        return CredentialAnswer(record.id, number, kind, shown), command.elements


def _own_names(held: Held, agreed: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Give the credential's names of what was agreed to."""
    if not agreed:
        raise InvalidInput("There is nothing to show: agree to an element, or decline.")
    names: list[str] = []
    for name in agreed:
        if name not in asked:
            raise InvalidInput(f"{name!r} was not asked for.")
        own = match(name, held.names(), held.format)
        if own is None:
            raise InvalidInput(f"The credential has no {name!r}.")
        names.append(own)
    return tuple(names)
