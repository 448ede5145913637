"""Invites: the link or QR by which two people become contacts (docs/spec/invite.md).

``molva:1:<base64url without padding>`` where 1 is the version and the payload is one MessagePack
array followed by a 4-byte BLAKE2b checksum, so that a link cut off in a chat is noticed. The long
form carries the one-time bundle and needs nothing else; the short form (for a QR code) carries
only its hash, and the node asks its neighbours for the bundle.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Final

from msgspec import Meta, Struct

from p2p.errors import InvalidInput, RemoteError, TooLarge, VersionUnsupported
from p2p.wire.bundle import Key32
from p2p.wire.codec import pack, unpack
from p2p.wire.content import Address, check_self_description
from p2p.wire.limits import (
    ADDRESSES_MAX,
    BUNDLE_SIZE_MAX_BYTES,
    INVITE_SIZE_MAX_BYTES,
    INVITE_VERSION,
    NAME_SIZE_MAX_BYTES,
)

SCHEME: Final = "molva"
_CHECKSUM_BYTES: Final = 4


class Invite(Struct, frozen=True, array_like=True):
    """One-time permission to write to somebody.

    Attributes:
        account_key: whom it reaches (Ed25519).
        bundle_hash: BLAKE2b-256 of the one-time bundle.
        lookup_secret: 16 bytes; first-contact tags and DHT keys are derived from it.
        name: what the inviter calls herself; a suggestion.
        addresses: where the inviter's node can be met, possibly none.
        bundle: the one-time bundle's bytes; empty in the short form.
    """

    account_key: Key32
    bundle_hash: Key32
    lookup_secret: Annotated[bytes, Meta(min_length=16, max_length=16)]
    name: Annotated[str, Meta(max_length=NAME_SIZE_MAX_BYTES)]
    addresses: Annotated[tuple[Address, ...], Meta(max_length=ADDRESSES_MAX)]
    bundle: Annotated[bytes, Meta(max_length=BUNDLE_SIZE_MAX_BYTES)] = b""

    def without_bundle(self) -> Invite:
        """Give the short form."""
        return Invite(
            self.account_key, self.bundle_hash, self.lookup_secret, self.name, self.addresses
        )


def encode_invite(invite: Invite) -> str:
    """Give the link of an invite.

    Raises:
        TooLarge: its name, addresses and bundle together are more than a link may hold.
        InvalidInput: a text in it has no encoding.
    """
    body = pack(invite)
    if len(body) > INVITE_SIZE_MAX_BYTES:
        raise TooLarge(f"An invite of {len(body)} bytes; a link holds {INVITE_SIZE_MAX_BYTES}.")
    return f"{SCHEME}:{INVITE_VERSION}:{_to_text(body + _checksum(body))}"


def decode_invite(link: str) -> Invite:
    """Read a link that somebody pasted; line breaks and spaces that a chat put in do no harm.

    Raises:
        VersionUnsupported: the link was made by another version of Molva.
        InvalidInput: no link of ours, cut off, mistyped or out of bounds.
    """
    parts = "".join(link.split()).split(":", 2)
    if len(parts) != 3 or parts[0].lower() != SCHEME:
        raise InvalidInput(f"This is no Molva link: it must begin with {SCHEME}:{INVITE_VERSION}:")
    if parts[1] != str(INVITE_VERSION):
        raise VersionUnsupported(
            f"This link is of version {parts[1][:8]!r}; this Molva reads version {INVITE_VERSION}."
        )
    data = _from_text(parts[2])
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if checksum != _checksum(body):
        raise InvalidInput("This link is damaged: copy it again, whole.")
    try:
        invite = unpack(body, Invite, INVITE_SIZE_MAX_BYTES)
        check_self_description(invite.name, invite.addresses)
    except RemoteError as exc:
        raise InvalidInput(f"This link holds no invite: {exc}") from exc
    return invite


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECKSUM_BYTES, person=b"molva invite").digest()


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _from_text(text: str) -> bytes:
    if len(text) > 2 * INVITE_SIZE_MAX_BYTES:
        raise InvalidInput("This link is longer than any invite.")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidInput("This link is damaged: copy it again, whole.") from exc
