"""The certificates that the person pinned: where all trust in others' signatures begins."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final

from msgspec.structs import replace as replace_struct

from p2p.core.trust.documents import DOCUMENT_VERSION, AnchorDocument, TrustDocuments
from p2p.core.trust.events import AnchorPurpose, AnchorsAdded, AnchorView
from p2p.credentials.certificates import Certificate, read_certificate
from p2p.credentials.issuer import ORGANISATION, TEST_SOURCE
from p2p.credentials.x509_trust import Anchor, anchors_from_pem
from p2p.errors import Conflict, CredentialError, InvalidInput, StoreDamaged
from p2p.wire.limits import NAME_SIZE_MAX_BYTES

PEM_SIZE_MAX_BYTES: Final = 256 << 10
ANCHORS_MAX: Final = 256
"""Pinned by hand; lists bring their own."""
_REFERENCE_DIGITS_MIN: Final = 8
_COMMON_NAME: Final = re.compile(r"(?:^|,)CN=((?:[^,\\]|\\.)*)")
_ESCAPED: Final = re.compile(r"\\(.)")
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class PinnedAnchor:
    """A pinned certificate; ``name`` is SHA-256 of it."""

    name: bytes
    document: AnchorDocument
    certificate: Certificate

    @property
    def ref(self) -> str:
        """The reference in full."""
        return self.name.hex()

    @property
    def label(self) -> str:
        """What the person calls it."""
        return self.document.label

    def anchor(self) -> Anchor:
        """The anchor as the verifier takes it."""
        source = TEST_SOURCE if self.document.test else "pem"
        return Anchor(self.certificate, source, self.document.as_of_s)

    def view(self) -> AnchorView:
        """The anchor as people see it."""
        return AnchorView(
            ref=self.ref,
            label=self.label,
            name=self.certificate.name,
            purpose=self.document.purpose,
            authority=self.certificate.is_authority,
            test=bool(self.document.test),
            added_s=self.document.added_s,
            as_of_s=self.document.as_of_s,
            valid_from_s=self.certificate.not_before,
            valid_until_s=self.certificate.not_after,
        )


def is_marked_test(certificate: Certificate) -> bool:
    """Tell whether a certificate says of itself that it belongs to a test issuer."""
    return ORGANISATION in certificate.name


def fits(reference: str, name: bytes) -> bool:
    """Tell whether a reference is the name's hexadecimal digits, or their beginning."""
    digits = reference.lower()
    if len(digits) < _REFERENCE_DIGITS_MIN or not set(digits) <= _HEX:
        return False
    return name.hex().startswith(digits)


class PinnedAnchors:
    """All pinned anchors, in the order of their adding.

    Raises:
        StoreDamaged: one of them is no certificate any more.
    """

    def __init__(self, documents: TrustDocuments) -> None:
        self._documents = documents
        self._pinned: dict[bytes, PinnedAnchor] = {}
        kept = sorted(documents.anchors.items(), key=lambda one: (one[1].added_s, one[0]))
        for name, document in kept:
            try:
                certificate = read_certificate(document.der)
            except CredentialError as exc:
                raise StoreDamaged(f"A pinned certificate cannot be read: {exc}") from exc
            self._pinned[name] = PinnedAnchor(name, document, certificate)

    def all(self) -> list[PinnedAnchor]:
        """Give all anchors."""
        return list(self._pinned.values())

    def issuers(self) -> list[Anchor]:
        """Give those that issuers are believed under."""
        return [
            one.anchor()
            for one in self._pinned.values()
            if one.document.purpose is not AnchorPurpose.LISTS
        ]

    def list_roots(self) -> list[PinnedAnchor]:
        """Give those that lists of issuers are believed under."""
        return [
            one
            for one in self._pinned.values()
            if one.document.purpose is not AnchorPurpose.ISSUERS
        ]

    def of(self, certificate: Certificate) -> PinnedAnchor | None:
        """Give the pinned anchor that is this certificate, or None."""
        return self._pinned.get(hashlib.sha256(certificate.der).digest())

    def find(self, reference: str) -> list[PinnedAnchor]:
        """Give the anchors that a reference fits: a label goes before digits."""
        labelled = [one for one in self._pinned.values() if one.label == reference]
        return labelled or [one for one in self._pinned.values() if fits(reference, one.name)]

    def add(self, command: AnchorsAdded, now_s: float) -> tuple[list[PinnedAnchor], int]:
        """Pin the certificates of a PEM text; give them, and how many are new. All or none.

        Raises:
            InvalidInput: no certificates, too many, or a test issuer's without saying so.
            Conflict: nothing about them is new.
        """
        certificates = _certificates(command)
        if command.label and len(certificates) > 1:
            raise InvalidInput(
                f"A label is for one certificate, and this file has {len(certificates)}."
            )
        found = [self._planned(command, certificate, now_s) for certificate in certificates]
        new = sum(one.name not in self._pinned for one in found)
        if all(self._pinned.get(one.name) == one for one in found):
            raise Conflict(f"This is an anchor already: {found[0].label}.")
        if len(self._pinned) + new > ANCHORS_MAX:
            raise InvalidInput(f"A node pins at most {ANCHORS_MAX} certificates.")
        for one in found:
            self._put(one)
        return found, new

    def believe_lists(self, pinned: PinnedAnchor) -> None:
        """Let an anchor sign lists of issuers from now on: the person named it for one."""
        if pinned.document.purpose is AnchorPurpose.ISSUERS:
            document = replace_struct(pinned.document, purpose=AnchorPurpose.BOTH)
            self._put(replace(pinned, document=document))

    def remove(self, pinned: PinnedAnchor) -> None:
        """Forget an anchor."""
        del self._pinned[pinned.name]
        self._documents.delete_anchor(pinned.name)

    def _planned(
        self, command: AnchorsAdded, certificate: Certificate, now_s: float
    ) -> PinnedAnchor:
        """Give the anchor as it would be, with what is known of it already."""
        name = hashlib.sha256(certificate.der).digest()
        known = self._pinned.get(name)
        purpose = command.purpose
        if known is not None and known.document.purpose is not purpose:
            purpose = AnchorPurpose.BOTH
        label = command.label or (known.label if known else _own_label(certificate, name))
        as_of_s = command.as_of_s or (known.document.as_of_s if known else int(now_s))
        document = AnchorDocument(
            DOCUMENT_VERSION,
            certificate.der,
            label,
            purpose,
            int(command.test),
            known.document.added_s if known else now_s,
            as_of_s,
        )
        return PinnedAnchor(name, document, certificate)

    def _put(self, pinned: PinnedAnchor) -> None:
        self._pinned[pinned.name] = pinned
        self._documents.put_anchor(pinned.name, pinned.document)


def _certificates(command: AnchorsAdded) -> list[Certificate]:
    if len(command.pem) > PEM_SIZE_MAX_BYTES:
        raise InvalidInput(f"A file of certificates has at most {PEM_SIZE_MAX_BYTES} bytes.")
    label = _printable(command.label)
    if label != command.label or len(label.encode()) > NAME_SIZE_MAX_BYTES:
        raise InvalidInput(
            f"A label has at most {NAME_SIZE_MAX_BYTES} bytes, no control characters and no "
            "blanks around it."
        )
    unique = {one.certificate.der: one.certificate for one in anchors_from_pem(command.pem)}
    for certificate in unique.values():
        if is_marked_test(certificate) and not command.test:
            raise InvalidInput(
                "This certificate belongs to a test issuer, which proves nothing about anybody. "
                "To try things out with it, add it with --test."
            )
    return list(unique.values())


def _printable(text: str) -> str:
    """Give a text without what could deceive on a terminal, and without outer blanks."""
    return "".join(char for char in text if char.isprintable()).strip()


def _own_label(certificate: Certificate, name: bytes) -> str:
    """Give the certificate's common name, or its beginning, as a label that shows as it is."""
    found = _COMMON_NAME.search(certificate.name)
    label = _printable(_ESCAPED.sub(r"\1", found[1])) if found else ""
    while len(label.encode()) > NAME_SIZE_MAX_BYTES:
        label = label[:-1]
    return label.strip() or name.hex()[:16]
