"""A certificate without the addresses in it, where those cannot be read.

Two extensions say where to complain about a certificate and where to ask whether it was revoked
(RFC 5280 sections 4.2.1.7 and 4.2.1.13). Nothing here looks at them, since no address inside a
credential is ever opened. Real issuers write them wrongly all the same: the EU's age
verification issuer does, and so did Multipaz until 2024. An extension that is not critical may be
ignored; the library, however, reads all of them or none.
"""

from __future__ import annotations

from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtensionOID

_ADDRESSES: Final = frozenset(
    {ExtensionOID.ISSUER_ALTERNATIVE_NAME, ExtensionOID.CRL_DISTRIBUTION_POINTS}
)


@asn1.sequence
class _Extension:
    oid: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class _Body:
    version: Annotated[int, asn1.Explicit(0)]
    serial: int
    algorithm: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    key: asn1.TLV
    extensions: Annotated[list[_Extension], asn1.Explicit(3)]


@asn1.sequence
class _Certificate:
    body: _Body
    algorithm: asn1.TLV
    signature: asn1.BitString


def copy_without_addresses(der: bytes) -> x509.Certificate:
    """The certificate without those two extensions, where they are not critical.

    What else it says is as in the original. Its signature is not: check that of the original.

    Raises:
        ValueError: it is not of version 3, or not DER.
    """
    found = asn1.decode_der(_Certificate, der)
    found.body.extensions = [
        extension
        for extension in found.body.extensions
        if extension.critical or extension.oid not in _ADDRESSES
    ]
    return x509.load_der_x509_certificate(asn1.encode_der(found))
