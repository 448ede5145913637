"""A question for a credential, as a QR code shows it (docs/spec/credential-exchange.md).

``molva-ask:1:<base64url without padding>``: one MessagePack array and a 4-byte BLAKE2b checksum,
like an invite. Beside the request's bytes as they are bound into the answer, it says how to reach
the verifier once: its account, the hash of a one-time bundle and where its node listens. It is no
invite: who uses it does not become a contact.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Final

from msgspec import Meta, Struct

from p2p.errors import InvalidInput, RemoteError, VersionUnsupported
from p2p.wire.bundle import Key32
from p2p.wire.codec import pack, unpack
from p2p.wire.content import Address, CredentialRequest, check_self_description, decode_content
from p2p.wire.limits import NAME_SIZE_MAX_BYTES

SCHEME: Final = "molva-ask"
ENGAGEMENT_VERSION: Final = 1
ENGAGEMENT_ADDRESSES_MAX: Final = 2
"""A QR code of more is hard to scan; the two devices are on one network, or have none."""
ENGAGEMENT_SIZE_MAX_BYTES: Final = 8_192
_CHECKSUM_BYTES: Final = 4


class Engagement(Struct, frozen=True, array_like=True):
    """Where and how to answer one question.

    Attributes:
        account_key: the verifier's account, which the holder's proof names.
        bundle_hash: BLAKE2b-256 of a one-time bundle made for this question alone.
        lookup_secret: from which the answer's recipient tag is derived.
        name: what the verifier calls itself; proves nothing.
        addresses: where its node can be met, possibly none.
        request: a CredentialRequest, as content bytes.
    """

    account_key: Key32
    bundle_hash: Key32
    lookup_secret: Annotated[bytes, Meta(min_length=16, max_length=16)]
    name: Annotated[str, Meta(max_length=NAME_SIZE_MAX_BYTES)]
    addresses: Annotated[tuple[Address, ...], Meta(max_length=ENGAGEMENT_ADDRESSES_MAX)]
    request: Annotated[bytes, Meta(min_length=1, max_length=ENGAGEMENT_SIZE_MAX_BYTES)]

    def asked(self) -> CredentialRequest:
        """Give the question.

        Raises:
            Malformed: the bytes are none.
        """
        content = decode_content(self.request)
        if not isinstance(content, CredentialRequest):
            raise InvalidInput("This code holds no question for a credential.")
        return content


def encode_engagement(engagement: Engagement) -> str:
    """Give the text for the QR code."""
    body = pack(engagement)
    text = base64.urlsafe_b64encode(body + _checksum(body)).decode("ascii").rstrip("=")
    return f"{SCHEME}:{ENGAGEMENT_VERSION}:{text}"


def decode_engagement(text: str) -> Engagement:
    """Read what was scanned or pasted; line breaks and spaces do no harm.

    Raises:
        VersionUnsupported: made by another version of Molva.
        InvalidInput: no question of ours, cut off, mistyped or out of bounds.
    """
    parts = "".join(text.split()).split(":", 2)
    if len(parts) != 3 or parts[0].lower() != SCHEME:
        raise InvalidInput(f"This is no question for a credential: it must begin with {SCHEME}:1:")
    if parts[1] != str(ENGAGEMENT_VERSION):
        raise VersionUnsupported(
            f"This code is of version {parts[1][:8]!r}; this Molva reads {ENGAGEMENT_VERSION}."
        )
    data = _from_text(parts[2])
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if checksum != _checksum(body):
        raise InvalidInput("This code is damaged: scan or copy it again, whole.")
    try:
        engagement = unpack(body, Engagement, ENGAGEMENT_SIZE_MAX_BYTES)
        check_self_description(engagement.name, engagement.addresses)
        engagement.asked()
    except RemoteError as exc:
        raise InvalidInput(f"This code holds no question for a credential: {exc}") from exc
    return engagement


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECKSUM_BYTES, person=b"molva ask").digest()


def _from_text(text: str) -> bytes:
    if len(text) > 2 * ENGAGEMENT_SIZE_MAX_BYTES:
        raise InvalidInput("This code is longer than any question.")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidInput("This code is damaged: it has characters that it cannot have.") from exc
