"""The person's own credentials: kept in the encrypted store, shown one copy at a time.

A credential's salts and signature are the same whenever it is shown, so two verifiers who compare
notes would know one person by them. A credential may therefore come in many copies; each is shown
to one verifier only, and the wallet says so when none is left. Keys leave the store only to make
a presentation: nothing that this module gives for display has them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from p2p.core.exchange.events import CredentialView, ElementView, UsedCopy
from p2p.core.exchange.importing import COPIES_MAX, read_import
from p2p.core.exchange.verdicts import shown_value
from p2p.credentials.held import Held, read_held_mdoc, read_held_sd_jwt
from p2p.credentials.issuer import ORGANISATION
from p2p.credentials.limits import PRESENTATION_SIZE_MAX_BYTES
from p2p.credentials.presentation import MDOC_FORMAT, json_ready
from p2p.credentials.private_keys import KEY_SIZE_MAX_BYTES, read_private_key, stored_form
from p2p.errors import Conflict, CredentialError, InvalidInput, Malformed, StoreDamaged, UnknownName
from p2p.ports.store import DocumentKind, DocumentStore
from p2p.wire.codec import pack, unpack
from p2p.wire.ids import AccountKey

CREDENTIALS_MAX: Final = 128
_ID_BYTES: Final = 16
_ENTRY_MAX_BYTES: Final = 65_536
_COPY_MAX_BYTES: Final = PRESENTATION_SIZE_MAX_BYTES + KEY_SIZE_MAX_BYTES + 64
_UNUSED: Final = 0.0


class _CopyUse(Struct, frozen=True, array_like=True):
    """One copy: by its fingerprint, to whom it was shown, and when (0 for never)."""

    id: Annotated[bytes, Meta(min_length=_ID_BYTES, max_length=_ID_BYTES)]
    verifier: Annotated[bytes, Meta(max_length=32)]
    used_s: float


class _Entry(Struct, frozen=True, array_like=True):
    """One credential: what all of its copies have in common."""

    id: Annotated[bytes, Meta(min_length=_ID_BYTES, max_length=_ID_BYTES)]
    order: int
    format: str
    kind: str
    issuer: str
    imported_s: float
    copies: tuple[_CopyUse, ...]


class _Copy(Struct, frozen=True, array_like=True):
    """One copy's bytes, and its holder key in PKCS #8."""

    data: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Chosen:
    """A copy to be shown; ``copy`` names it for :meth:`Wallet.note_used`."""

    held: Held
    credential: bytes
    copy: bytes


class Wallet:
    """All credentials of the person. Loads their heads from the store; writes at once.

    Raises:
        StoreDamaged: what is kept cannot be read as ours.
    """

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        entries = [
            _read_entry(value)
            for key, value in store.documents(DocumentKind.CREDENTIAL)
            if len(key) == _ID_BYTES
        ]
        entries.sort(key=lambda entry: entry.order)
        self._entries = {entry.id: entry for entry in entries}

    def take_in(self, data: bytes, key: bytes, now_s: float) -> tuple[list[bytes], int]:
        """Keep what a file holds; give the credentials' ids, and how many copies are new.

        Raises:
            InvalidInput, CredentialError: as :func:`read_import`; also one that has expired, and
                more than the wallet holds. Nothing is kept then.
        """
        copies = read_import(data, key)
        for held, _ in copies:
            if held.valid_until is not None and held.valid_until <= now_s:
                raise InvalidInput(f"The credential of {held.issuer} has expired.")
        found: dict[bytes, list[tuple[Held, bytes]]] = {}
        for held, raw in copies:
            found.setdefault(_id_of(held), []).append((held, raw))
        self._require_room(found)
        new = sum(self._add(id_, copies, now_s) for id_, copies in found.items())
        return list(found), new

    def all(self) -> list[CredentialView]:
        """Give all credentials, in the order of import."""
        return [self.view(id_) for id_ in self._entries]

    def ids(self) -> list[bytes]:
        """Give the ids of all credentials, in the order of import."""
        return list(self._entries)

    def view(self, credential: bytes) -> CredentialView:
        """Give one credential as people see it.

        Raises:
            UnknownName: there is none such.
        """
        entry = self._require(credential)
        held = self.any_copy(credential)
        return CredentialView(
            id=entry.id,
            format=entry.format,
            kind=entry.kind,
            issuer=entry.issuer,
            elements=tuple(
                ElementView(element.name, shown_value(element.value), element.always_shown)
                for element in sorted(held.elements, key=lambda one: one.name)
            ),
            issued_s=held.issued_at or 0,
            valid_from_s=held.valid_from or 0,
            valid_until_s=held.valid_until or 0,
            names_status=held.names_status,
            copies=len(entry.copies),
            used=tuple(
                UsedCopy(AccountKey(copy.verifier), copy.used_s)
                for copy in entry.copies
                if copy.used_s > _UNUSED
            ),
            test=ORGANISATION in entry.issuer,
            imported_s=entry.imported_s,
        )

    def any_copy(self, credential: bytes) -> Held:
        """Give one copy, to see what is in it.

        Raises:
            UnknownName: there is no such credential.
        """
        entry = self._require(credential)
        return self._held(entry, entry.copies[0].id)

    def has_fresh_copy(self, credential: bytes, verifier: AccountKey) -> bool:
        """Tell whether a copy is left that no verifier, or only this one, was shown."""
        return self._free_copy(self._require(credential), verifier) is not None

    def choose(self, credential: bytes, verifier: AccountKey, *, reuse: bool) -> Chosen:
        """Give a copy to show to a verifier; an empty key is a verifier without a name.

        Raises:
            UnknownName: there is no such credential.
            Conflict: every copy was shown to another verifier, and ``reuse`` is false.
        """
        entry = self._require(credential)
        copy = self._free_copy(entry, verifier)
        if copy is None and not reuse:
            raise Conflict(
                "Every copy of this credential was shown to some other verifier. Shown again, "
                "the two could find out that you are one person. Get new copies from the "
                "issuer, or show one again with --reuse-copy."
            )
        if copy is None:
            copy = min(entry.copies, key=lambda one: one.used_s)
        return Chosen(self._held(entry, copy.id), credential, copy.id)

    def note_used(self, chosen: Chosen, verifier: AccountKey, now_s: float) -> None:
        """Remember to whom a copy was shown: the first one stays, since it knows the copy best."""
        entry = self._require(chosen.credential)
        copies = tuple(
            replace(copy, verifier=verifier, used_s=now_s)
            if copy.id == chosen.copy and copy.used_s == _UNUSED
            else copy
            for copy in entry.copies
        )
        self._save(replace(entry, copies=copies))

    def remove(self, credential: bytes) -> None:
        """Forget a credential with its copies and keys.

        Raises:
            UnknownName: there is none such.
        """
        entry = self._require(credential)
        for copy in entry.copies:
            self._store.delete_document(DocumentKind.CREDENTIAL, entry.id + copy.id)
        self._store.delete_document(DocumentKind.CREDENTIAL, entry.id)
        del self._entries[entry.id]

    # --- how -------------------------------------------------------------------------------------
    def _require_room(self, found: dict[bytes, list[tuple[Held, bytes]]]) -> None:
        fresh = [id_ for id_ in found if id_ not in self._entries]
        if len(self._entries) + len(fresh) > CREDENTIALS_MAX:
            raise InvalidInput(f"A wallet holds {CREDENTIALS_MAX} credentials; remove some.")
        for id_, copies in found.items():
            kept = self._entries.get(id_)
            if (len(kept.copies) if kept else 0) + len(copies) > COPIES_MAX:
                raise InvalidInput(f"A wallet holds {COPIES_MAX} copies of one credential.")

    def _add(self, id_: bytes, copies: list[tuple[Held, bytes]], now_s: float) -> int:
        first = copies[0][0]
        entry = self._entries.get(id_) or _Entry(
            id=id_,
            order=1 + max((one.order for one in self._entries.values()), default=0),
            format=first.format,
            kind=first.kind,
            issuer=first.issuer,
            imported_s=now_s,
            copies=(),
        )
        known = {copy.id: None for copy in entry.copies}
        for held, raw in copies:
            copy_id = held.fingerprint[:_ID_BYTES]
            if copy_id in known:
                continue
            known[copy_id] = None
            entry = replace(entry, copies=(*entry.copies, _CopyUse(copy_id, b"", _UNUSED)))
            self._store.put_document(
                DocumentKind.CREDENTIAL, id_ + copy_id, pack(_Copy(raw, stored_form(held.key)))
            )
        before = self._entries.get(id_)
        self._save(entry)
        return len(entry.copies) - (len(before.copies) if before else 0)

    def _free_copy(self, entry: _Entry, verifier: AccountKey) -> _CopyUse | None:
        """Give a copy that this verifier knows already, else one that nobody knows."""
        if verifier:
            for copy in entry.copies:
                if copy.used_s > _UNUSED and copy.verifier == verifier:
                    return copy
        return next((copy for copy in entry.copies if copy.used_s == _UNUSED), None)

    def _held(self, entry: _Entry, copy: bytes) -> Held:
        value = self._store.document(DocumentKind.CREDENTIAL, entry.id + copy) or b""
        try:
            kept = unpack(value, _Copy, _COPY_MAX_BYTES)
            read = read_held_mdoc if entry.format == MDOC_FORMAT else read_held_sd_jwt
            return read(kept.data, read_private_key(kept.key))
        except (Malformed, CredentialError, InvalidInput) as exc:
            raise StoreDamaged(f"A credential of the wallet cannot be read: {exc}") from exc

    def _require(self, credential: bytes) -> _Entry:
        entry = self._entries.get(credential)
        if entry is None:
            raise UnknownName("There is no such credential.")
        return entry

    def _save(self, entry: _Entry) -> None:
        self._entries[entry.id] = entry
        self._store.put_document(DocumentKind.CREDENTIAL, entry.id, pack(entry))


def _id_of(held: Held) -> bytes:
    """Give what copies of one credential share: everything but salts, keys and signatures."""
    digest = hashlib.blake2b(digest_size=_ID_BYTES, person=b"molva credential")
    # Issuers shuffle what they list, so that its order tells nothing; it tells no copies apart.
    values = sorted(
        (element.name, json.dumps(json_ready(element.value), sort_keys=True))
        for element in held.elements
    )
    for part in (held.format, held.kind, held.issuer, held.valid_until, values):
        digest.update(repr(part).encode("utf-8"))
    return digest.digest()


def _read_entry(value: bytes) -> _Entry:
    try:
        return unpack(value, _Entry, _ENTRY_MAX_BYTES)
    except Malformed as exc:
        raise StoreDamaged(f"The wallet cannot be read: {exc}") from exc
