"""What contacts have proven to this node: bounded, and never more than a verdict said."""

from __future__ import annotations

import json
from typing import Final

from msgspec import Struct

from p2p.core.exchange.events import ProvenView, RequestState, VerdictView
from p2p.credentials.encoding import decode_json
from p2p.credentials.presentation import StatusState
from p2p.errors import CredentialError, Malformed, StoreDamaged
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.wire.codec import pack, unpack
from p2p.wire.ids import AccountKey

PROVEN_PER_CONTACT_MAX: Final = 32
VALUE_MAX_BYTES: Final = 1_024
"""A longer value (a portrait) is shown with its verdict and not kept with the contact; so is one
that is nested too deep to be read again."""
_DOCUMENT_MAX_BYTES: Final = 262_144


class _Item(Struct, frozen=True, array_like=True):
    name: str
    value: str
    kind: str
    issuer: str
    proven_s: float
    valid_until_s: int
    status_state: str
    status_age_s: int | None
    trust_as_of_s: int | None
    test: int


class _Document(Struct, frozen=True, array_like=True):
    items: tuple[_Item, ...]


class Proven:
    """Claims by contact. Loads itself from the store; every change is written at once.

    Raises:
        StoreDamaged: what is kept cannot be read as ours.
    """

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        try:
            self._items = {
                AccountKey(key): {
                    item.name: _view(item)
                    for item in unpack(value, _Document, _DOCUMENT_MAX_BYTES).items
                }
                for key, value in store.documents(DocumentKind.PROVEN)
            }
        except (Malformed, CredentialError) as exc:
            raise StoreDamaged(f"What contacts have proven cannot be read: {exc}") from exc

    def of(self, contact: AccountKey) -> tuple[ProvenView, ...]:
        """Give what a contact has proven, the latest last."""
        return tuple(self._items.get(contact, {}).values())

    def holds(self, contact: AccountKey, name: str, now_s: float) -> bool:
        """Tell whether a contact has proven that this is so: a claim whose value is true.

        What a test issuer says proves nothing, and what a credential says that is over by now
        proves nothing any more; not every credential ends.
        """
        found = self._items.get(contact, {}).get(name)
        if found is None or found.value is not True or found.test:
            return False
        return not found.valid_until_s or now_s < found.valid_until_s

    def note(self, contact: AccountKey, verdict: VerdictView) -> None:
        """Keep the claims of a verdict; the newest of a name replaces the older.

        A verdict that only reports a revocation proves nothing.
        """
        revoked = verdict.status_state == StatusState.REVOKED.value
        if verdict.state is not RequestState.VERIFIED or revoked:
            return
        items = self._items.setdefault(contact, {})
        for name, value in verdict.claims:
            items.pop(name, None)
            if _is_kept(value):
                items[name] = _proven(name, value, verdict)
        while len(items) > PROVEN_PER_CONTACT_MAX:
            del items[next(iter(items))]
        document = _Document(tuple(_item(view) for view in items.values()))
        self._store.put_document(DocumentKind.PROVEN, contact, pack(document))

    def forget(self, contact: AccountKey) -> None:
        """Forget what a contact has proven."""
        if self._items.pop(contact, None) is not None:
            self._store.delete_document(DocumentKind.PROVEN, contact)


def _is_kept(value: object) -> bool:
    """Whether a value is short, and nested no deeper than it can be read again."""
    text = json.dumps(value).encode()
    if len(text) > VALUE_MAX_BYTES:
        return False
    try:
        decode_json(text, "A proven value")
    except CredentialError:
        return False
    return True


def _proven(name: str, value: object, verdict: VerdictView) -> ProvenView:
    return ProvenView(
        name=name,
        value=value,
        kind=verdict.kind,
        issuer=verdict.issuer,
        proven_s=verdict.decided_s,
        valid_until_s=verdict.valid_until_s,
        status_state=verdict.status_state,
        status_age_s=verdict.status_age_s,
        trust_as_of_s=verdict.trust_as_of_s,
        test=verdict.test,
    )


def _item(view: ProvenView) -> _Item:
    return _Item(
        view.name,
        json.dumps(view.value),
        view.kind,
        view.issuer,
        view.proven_s,
        view.valid_until_s,
        view.status_state,
        view.status_age_s,
        view.trust_as_of_s,
        int(view.test),
    )


def _view(item: _Item) -> ProvenView:
    return ProvenView(
        item.name,
        decode_json(item.value.encode(), "A proven value"),
        item.kind,
        item.issuer,
        item.proven_s,
        item.valid_until_s,
        item.status_state,
        item.status_age_s,
        item.trust_as_of_s,
        bool(item.test),
    )
