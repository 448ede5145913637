"""A credential in its holder's hands: what is in it, and which parts can be shown by themselves.

Read by the same strict readers as a presentation, so that what a wallet takes in, a verifier will
not refuse for its form. Whether its issuer is trusted is the verifier's question; here only the
signature under the certificate that came with it is checked, so that a damaged file is noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2p.credentials import limits
from p2p.credentials.certificates import read_certificate
from p2p.credentials.cose import certificate_chain as cose_chain
from p2p.credentials.cose import verify_sign1
from p2p.credentials.disclosure_index import DisclosureIndex
from p2p.credentials.disclosures import reveal
from p2p.credentials.element_names import SEPARATOR, flattened
from p2p.credentials.encoding import JsonObject, numeric_date, text_member
from p2p.credentials.established import NoStatus
from p2p.credentials.jose import certificate_chain as jose_chain
from p2p.credentials.jose import require_type, verify_token
from p2p.credentials.keys import signing_key
from p2p.credentials.mdoc import IssuedDocument, read_issuer_signed
from p2p.credentials.presentation import (
    MDOC_FORMAT,
    SD_JWT_FORMAT,
    ClaimValue,
    require_displayable,
    require_presentation_size,
)
from p2p.credentials.private_keys import PrivateKey, belongs
from p2p.credentials.rules import KEY_BINDING, LENGTH, SHAPE, refused
from p2p.credentials.sd_jwt import (
    CREDENTIAL_TYP,
    SdJwt,
    bound_key,
    credential_kinds,
    read_sd_jwt,
)
from p2p.errors import CredentialError

_WHAT: Final = "The credential"
_ABOUT_ITSELF: Final = frozenset(
    {"iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"}
)
"""Claims about the credential and not about a person."""


@dataclass(frozen=True, slots=True)
class HeldElement:
    """One element; one that is ``always_shown`` is read by everybody who is shown anything."""

    name: str
    value: ClaimValue
    always_shown: bool


@dataclass(frozen=True, slots=True)
class HeldSdJwt:
    """An SD-JWT VC as issued, with the way from each element to its disclosures."""

    parts: SdJwt
    index: DisclosureIndex


Body: TypeAlias = HeldSdJwt | IssuedDocument


@dataclass(frozen=True, slots=True)
class Held:
    """A credential with its holder's key. Times are seconds since 1970, None where not set.

    ``other_kinds`` are types that an SD-JWT VC is of as well (``aka_vcts``).
    ``fingerprint`` is SHA-256 of what the issuer signed: the same for the same copy, however its
    signature or its disclosures are written.
    """

    format: str
    kind: str
    issuer: str
    elements: tuple[HeldElement, ...]
    issued_at: int | None
    valid_from: int | None
    valid_until: int | None
    names_status: bool
    fingerprint: bytes
    key: PrivateKey
    body: Body
    other_kinds: tuple[str, ...] = ()

    def kind_of(self, wanted: Sequence[tuple[str, str]]) -> str | None:
        """The type under which it serves one of the wanted (format, type), its own one first."""
        for kind in (self.kind, *self.other_kinds):
            if (self.format, kind) in wanted:
                return kind
        return None

    def shown_with(self, names: Iterable[str]) -> list[str]:
        """Other elements that are read by whoever is shown these, in the credential's order."""
        listed = tuple(names)
        along = self.body.index.shown_with(listed) if isinstance(self.body, HeldSdJwt) else []
        return [
            element.name
            for element in self.elements
            if element.name not in listed and (element.always_shown or element.name in along)
        ]

    def names(self) -> tuple[str, ...]:
        """The names of all elements, in the credential's order."""
        return tuple(element.name for element in self.elements)


def read_held_sd_jwt(data: bytes, key: PrivateKey) -> Held:
    """An SD-JWT VC as its issuer handed it out, without a proof at its end.

    Raises:
        CredentialError: the rule that does not hold; ``key-binding`` where the key is not the
            one that the issuer bound.
    """
    require_presentation_size(data)
    parts = read_sd_jwt(data)
    if parts.binding:
        raise refused(SHAPE, "This is a presentation for one verifier, not a credential.")
    require_type(parts.token, CREDENTIAL_TYP, _WHAT)
    claims = reveal(parts.token.payload, parts.disclosures)
    kind, *others = credential_kinds(claims)
    _require_key(claims, key)
    index = DisclosureIndex(parts)
    elements = tuple(
        HeldElement(name, value, always_shown=not index.covers(name))
        for name, value in flattened(claims, SD_JWT_FORMAT).items()
        if name.partition(SEPARATOR)[0] not in _ABOUT_ITSELF
    )
    return Held(
        format=SD_JWT_FORMAT,
        kind=kind,
        issuer=_sd_jwt_issuer(parts, claims),
        elements=elements,
        issued_at=numeric_date(claims, "iat", _WHAT),
        valid_from=numeric_date(claims, "nbf", _WHAT),
        valid_until=numeric_date(claims, "exp", _WHAT),
        names_status="status" in claims,
        fingerprint=hashlib.sha256(parts.token.signed).digest(),
        key=key,
        body=HeldSdJwt(parts, index),
        other_kinds=tuple(others),
    )


def read_held_mdoc(data: bytes, key: PrivateKey) -> Held:
    """An mdoc's IssuerSigned structure as its issuer handed it out.

    Raises:
        CredentialError: the rule that does not hold; ``key-binding`` where the key is not the
            one that the issuer bound.
    """
    require_presentation_size(data)
    document = read_issuer_signed(data)
    signed = document.signed
    if len(signed.doc_type) > limits.KIND_SIZE_MAX_CHARS:
        raise refused(LENGTH, "The document's type is longer than a type may be.")
    if not belongs(key, signed.device_key):
        raise _wrong_key()
    chain = cose_chain(document.issuer_auth, _WHAT)
    if not chain:
        raise refused(SHAPE, "The credential does not show who signed it.")
    leaf = read_certificate(chain[0])
    payload = document.issuer_auth.payload or b""
    verify_sign1(document.issuer_auth, payload, signing_key(leaf.parsed.public_key(), _WHAT), _WHAT)
    elements = tuple(
        HeldElement(name, value, always_shown=False)
        for name, value in flattened(document.claims, MDOC_FORMAT).items()
    )
    return Held(
        format=MDOC_FORMAT,
        kind=signed.doc_type,
        issuer=require_displayable(leaf.name),
        elements=elements,
        issued_at=signed.signed,
        valid_from=signed.valid_from,
        valid_until=signed.valid_until,
        names_status=not isinstance(signed.status, NoStatus),
        fingerprint=hashlib.sha256(payload).digest(),
        key=key,
        body=document,
    )


def _require_key(claims: JsonObject, key: PrivateKey) -> None:
    if not belongs(key, bound_key(claims)):
        raise _wrong_key()


def _wrong_key() -> CredentialError:
    return refused(KEY_BINDING, "The key is not the one that the issuer bound to the credential.")


def _sd_jwt_issuer(parts: SdJwt, claims: JsonObject) -> str:
    chain = jose_chain(parts.token, _WHAT)
    if not chain:
        return require_displayable(text_member(claims, "iss", SHAPE, _WHAT))
    leaf = read_certificate(chain[0])
    verify_token(parts.token, signing_key(leaf.parsed.public_key(), _WHAT), _WHAT)
    return require_displayable(leaf.name)
