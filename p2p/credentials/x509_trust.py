"""Our trust anchors, and the only way from them to a signer's key.

A chain inside a token is a hint about the way, never a reason to trust: roots in it are ignored,
and every path ends at a certificate that was pinned here before. An anchor is an authority
(an IACA root) or one pinned signer. Sources: RFC 5280 section 6, ISO/IEC 18013-5 section 9.3.3
and annex B.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from p2p.credentials import limits
from p2p.credentials.certificates import (
    CERTIFICATE_SIGN,
    CONTENT_COMMITMENT,
    DIGITAL_SIGNATURE,
    Certificate,
    is_issued_by,
    read_certificate,
)
from p2p.credentials.keys import SigningKey, signing_key
from p2p.credentials.rules import CERTIFICATE, ISSUER_TRUST, refused
from p2p.errors import CredentialError, InvalidInput


class Purpose(msgspec.Struct, frozen=True):
    """What a signer's certificate must be made for.

    ``usage`` is the one extended key usage, dotted, and ``also`` has others that mean the same;
    ``name`` is for messages. A signer that was itself pinned by one of the sources
    ``pinned_without_usage`` may leave unsaid what its key is for, but may not say something else.
    One of ``key_usages`` must be among the certificate's.
    """

    usage: str
    name: str
    pinned_without_usage: frozenset[str] = frozenset()
    key_usages: frozenset[str] = frozenset({DIGITAL_SIGNATURE})
    also: frozenset[str] = frozenset()

    def fits(self, usages: frozenset[str]) -> bool:
        """Whether a certificate with exactly these extended key usages is made for this."""
        return len(usages) == 1 and usages <= self.also | {self.usage}


DOCUMENT_SIGNER: Final = Purpose(
    "1.0.18013.5.1.2",
    "document signer",
    frozenset({"pem", "lote"}),
    also=frozenset({"1.3.130.2.0.0.1.2"}),
)
"""ISO/IEC 18013-5 annex B; the other number is of the EU's PID rulebook, annex 4.2, and is what
the EU's own issuers have."""
READER: Final = Purpose("1.0.18013.5.1.6", "reader")
_COMMITTING: Final = frozenset({DIGITAL_SIGNATURE, CONTENT_COMMITMENT})
VICAL_SIGNER: Final = Purpose("1.0.18013.5.1.8", "VICAL signer", key_usages=_COMMITTING)
LOTE_SIGNER: Final = Purpose("0.4.0.2231.3.0", "trust list signer", key_usages=_COMMITTING)
"""Publishers of lists sign with either bit: the RDW's real list has content commitment alone."""
STATUS_SIGNER_USAGE: Final = "1.3.6.1.5.5.7.3.30"
"""A stand-in for id-kp-oauthStatusSigning, whose number draft-20 leaves open."""
STATUS_SIGNER: Final = Purpose(STATUS_SIGNER_USAGE, "status signer")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A certificate that we trust, where it came from and as of when (seconds since 1970).

    ``as_of`` is None where nobody dated it; ``doc_types`` limits an authority to some types of
    credentials, empty meaning all.
    """

    certificate: Certificate
    source: str
    as_of: int | None = None
    doc_types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that may sign for a purpose, and the anchor it leads to."""

    key: SigningKey
    certificate: Certificate
    anchor: Anchor
    valid_from: int
    valid_until: int
    """The time in which every certificate of the path is valid, both ends included."""


class TrustStore:
    """Trust anchors and a bounded memory of chains that verified under them.

    Only what does not depend on time is remembered; validity is compared at every use.
    """

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self.anchors: tuple[Anchor, ...] = tuple(anchors)
        self._by_subject: dict[bytes, list[Anchor]] = {}
        self._pinned: dict[bytes, list[Anchor]] = {}
        self._verified: dict[tuple[Purpose, tuple[bytes, ...]], tuple[Signer, ...]] = {}
        for anchor in self.anchors:
            if anchor.certificate.is_authority:
                self._by_subject.setdefault(anchor.certificate.subject, []).append(anchor)
            else:
                self._pinned.setdefault(anchor.certificate.der, []).append(anchor)

    @classmethod
    def from_pem(cls, texts: Iterable[bytes], as_of: int | None = None) -> TrustStore:
        """A store of the certificates in PEM texts; raises as :func:`anchors_from_pem`."""
        return cls(anchor for text in texts for anchor in anchors_from_pem(text, as_of))

    def signer(
        self, chain: Sequence[bytes], purpose: Purpose, now: int, signed_at: int, kind: str = ""
    ) -> Signer:
        """The signer whose certificate heads the chain, if a path leads to one of our anchors.

        One authority may be among our anchors more than once: renewed under its old key, or in
        several lists. The first path that serves is taken.

        Args:
            chain: DER certificates, leaf first; the others may help to find the path.
            purpose: what the leaf must be made for.
            now: seconds since 1970; every certificate of the path must be valid.
            signed_at: when the token was signed; the leaf must have been valid then too.
            kind: the type of the credential that was signed, which its authority must be
                trusted for; nothing where it is no credential.

        Raises:
            CredentialError: rules ``issuer-trust`` or ``certificate``.
        """
        failure: CredentialError | None = None
        for signer in self._signers(purpose, tuple(chain)):
            try:
                _require_valid(signer, purpose, now, signed_at)
                _require_kind(signer.anchor, kind)
            except CredentialError as exc:
                failure = failure or exc
            else:
                return signer
        raise failure or refused(ISSUER_TRUST, f"The {purpose.name} shows no certificate.")

    def pinned_signers(
        self, address: str, purpose: Purpose, now: int, signed_at: int, kind: str = ""
    ) -> list[Signer]:
        """Pinned signers whose certificate carries this address as a subject alternative name.

        For tokens without a chain, whose only word about their signer is an issuer address.

        Raises:
            CredentialError: rule ``certificate``, where such a certificate cannot be used.
        """
        return [
            self.signer((der,), purpose, now, signed_at, kind)
            for der, (anchor, *_) in self._pinned.items()
            if address in anchor.certificate.addresses
        ]

    def pinned_for(self, purpose: Purpose, now: int, signed_at: int) -> list[Signer]:
        """Pinned signers that may serve a purpose now, for tokens that show no chain."""
        usable: list[Signer] = []
        for der, (anchor, *_) in self._pinned.items():
            if purpose.usage not in anchor.certificate.usages:
                continue
            try:
                usable.append(self.signer((der,), purpose, now, signed_at))
            except CredentialError:
                continue
        return usable[: limits.PINNED_TRIES_MAX]

    def _signers(self, purpose: Purpose, chain: tuple[bytes, ...]) -> tuple[Signer, ...]:
        """The signer by every path, what depends on time left out; from memory where known."""
        key = (purpose, chain)  # two purposes may name one usage
        signers = self._verified.get(key)
        if signers is None:
            signers = self._find(chain, purpose)
            if len(self._verified) >= limits.CHAIN_CACHE_ENTRIES:
                del self._verified[next(iter(self._verified))]
            self._verified[key] = signers
        return signers

    def _find(self, chain: tuple[bytes, ...], purpose: Purpose) -> tuple[Signer, ...]:
        if not chain:
            raise refused(ISSUER_TRUST, f"The {purpose.name} shows no certificate.")
        leaf = read_certificate(chain[0])
        pinned = self._pinned.get(leaf.der)
        if pinned is not None:
            return tuple(_pinned_signer(anchor, purpose) for anchor in pinned)
        pool = [read_certificate(der) for der in chain[1:]]
        helpers = [other for other in pool if not other.self_issued and other.der != leaf.der]
        signers: list[Signer] = []
        failure: CredentialError | None = None
        for path, anchor in self._paths((leaf,), helpers):
            try:
                signers.append(_signer_of(path, anchor, purpose))
            except CredentialError as exc:
                failure = exc
        if not signers:
            raise failure or refused(
                ISSUER_TRUST,
                f"The {purpose.name}'s certificate leads to none of our trust anchors.",
            )
        return tuple(signers)

    def _paths(
        self, path: tuple[Certificate, ...], helpers: list[Certificate]
    ) -> Iterator[tuple[tuple[Certificate, ...], Anchor]]:
        last = path[-1]
        for anchor in self._by_subject.get(last.issuer, ()):
            if is_issued_by(last, anchor.certificate):
                yield path, anchor
        for helper in helpers:
            if last.issuer == helper.subject and is_issued_by(last, helper):
                others = [other for other in helpers if other is not helper]
                yield from self._paths((*path, helper), others)


def anchors_from_pem(text: bytes, as_of: int | None = None) -> list[Anchor]:
    """The certificates of a PEM text as anchors.

    Raises:
        InvalidInput: no certificate, or one that cannot be an anchor. The file is our own.
    """
    try:
        parsed = x509.load_pem_x509_certificates(text)
        ders = [certificate.public_bytes(serialization.Encoding.DER) for certificate in parsed]
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise InvalidInput(f"This is no certificate in PEM: {exc}") from exc
    return [anchor_from_der(der, as_of) for der in ders]


def anchor_from_der(data: bytes, as_of: int | None = None) -> Anchor:
    """One certificate in DER as an anchor.

    Raises:
        InvalidInput: it is none, or cannot be an anchor. The file is our own.
    """
    try:
        return Anchor(read_certificate(data), "pem", as_of)
    except CredentialError as exc:
        raise InvalidInput(f"This is not a usable certificate: {exc}") from exc


def _pinned_signer(anchor: Anchor, purpose: Purpose) -> Signer:
    leaf = anchor.certificate
    by_hand = anchor.source in purpose.pinned_without_usage
    # Who pinned it decided what it is for: that the word of it is critical adds nothing, and
    # ETSI TS 119 612 section 5.7.1 does not ask it of publishers of lists.
    fits = purpose.fits(leaf.usages) and anchor.source in purpose.pinned_without_usage | {"pem"}
    if not fits and (leaf.usages or not by_hand):
        _require_usage(leaf, purpose)
    _require_leaf(leaf, purpose, key_usage_stated=leaf.states_key_usage or not by_hand)
    key = signing_key(leaf.parsed.public_key(), f"The {purpose.name}'s key")
    return Signer(key, leaf, anchor, leaf.not_before, leaf.not_after)


def _signer_of(path: tuple[Certificate, ...], anchor: Anchor, purpose: Purpose) -> Signer:
    leaf = path[0]
    _require_usage(leaf, purpose)
    _require_leaf(leaf, purpose, key_usage_stated=True)
    for below, authority in enumerate((*path[1:], anchor.certificate)):
        _require_authority(authority, below)
    if leaf.country != anchor.certificate.country:
        raise refused(
            CERTIFICATE,
            f"The {purpose.name} is of country {leaf.country!r:.12}, "
            f"its authority of {anchor.certificate.country!r:.12}.",
        )
    every = (*path, anchor.certificate)
    return Signer(
        signing_key(leaf.parsed.public_key(), f"The {purpose.name}'s key"),
        leaf,
        anchor,
        max(certificate.not_before for certificate in every),
        min(certificate.not_after for certificate in every),
    )


def _require_usage(leaf: Certificate, purpose: Purpose) -> None:
    if not purpose.fits(leaf.usages_critical):
        raise refused(
            CERTIFICATE,
            f"The certificate is not made for a {purpose.name}: extended key usage must be "
            f"critical and exactly {purpose.usage}.",
        )


def _require_leaf(leaf: Certificate, purpose: Purpose, *, key_usage_stated: bool) -> None:
    if leaf.is_authority or CERTIFICATE_SIGN in leaf.key_usages:
        raise refused(CERTIFICATE, f"The {purpose.name}'s certificate is an authority's.")
    if key_usage_stated and not leaf.key_usages & purpose.key_usages:
        raise refused(CERTIFICATE, f"The {purpose.name}'s key usage is not to sign data.")


def _require_authority(authority: Certificate, below: int) -> None:
    """``below`` counts the authorities between this one and the leaf."""
    if not authority.is_authority or CERTIFICATE_SIGN not in authority.key_usages:
        raise refused(CERTIFICATE, "A certificate was issued by one that is no authority.")
    if authority.path_length is not None and below > authority.path_length:
        raise refused(CERTIFICATE, "The chain is longer than its authority allows.")


def _require_kind(anchor: Anchor, kind: str) -> None:
    if kind and anchor.doc_types and kind not in anchor.doc_types:
        raise refused(ISSUER_TRUST, "The authority is not trusted for this document type.")


def _require_valid(signer: Signer, purpose: Purpose, now: int, signed_at: int) -> None:
    if not signer.valid_from <= now <= signer.valid_until:
        raise refused(CERTIFICATE, f"The {purpose.name}'s chain is not valid at this time.")
    leaf = signer.certificate
    if not leaf.not_before <= signed_at <= leaf.not_after:
        raise refused(CERTIFICATE, f"The signature was made outside the {purpose.name}'s validity.")
