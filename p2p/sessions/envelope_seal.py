"""Envelopes from the inside: how a ratchet message is framed, padded and sealed (docs/spec).

A ratchet message in the plaintext of either body, integers big-endian::

    off len
    0    2  L: content length
    2   32  ratchet key
    34   4  length of the sender's previous chain
    38   4  number in the sender's chain
    42  L+16 AES-256-GCM-SIV text
    ..  zeros up to the end
"""

from __future__ import annotations

import struct
from typing import Final

from p2p.crypto.hpke import KemPublic
from p2p.errors import Malformed, NotAuthentic, TooLarge
from p2p.sessions.handshake import HANDSHAKE_BYTES, Handshake, decode_handshake
from p2p.sessions.suite import RATCHET_MAC_BYTES, RatchetMessage, Suite
from p2p.wire.envelope import (
    EMPTY_STAMP,
    ENCAPSULATED_AT,
    ENCAPSULATED_SIZE_BYTES,
    NONCE_AT,
    NONCE_SIZE_BYTES,
    SESSION_BODY_AT,
    EnvelopeHeader,
    class_for,
    size_of_class,
)
from p2p.wire.ids import BundleHash, Proof, Tag, tag_of
from p2p.wire.limits import (
    ENVELOPE_HEADER_BYTES,
    ENVELOPE_OVERHEAD_BYTES,
    ENVELOPE_SIZE_MAX_BYTES,
    PROOF_SIZE_BYTES,
    STAMP_SIZE_BYTES,
    TAG_SIZE_BYTES,
)

_FRAME = struct.Struct(">H32sII")
_OUTER_MAC_BYTES: Final = 16
_INFO: Final = b"molva first contact 1"
FIRST_CONTACT_OVERHEAD_BYTES: Final = (
    ENVELOPE_HEADER_BYTES
    + TAG_SIZE_BYTES
    + ENCAPSULATED_SIZE_BYTES
    + PROOF_SIZE_BYTES
    + HANDSHAKE_BYTES
    + _FRAME.size
    + RATCHET_MAC_BYTES
    + _OUTER_MAC_BYTES
    + STAMP_SIZE_BYTES
)
"""What a first contact adds to its content."""
SESSION_ROOM_BYTES: Final = ENVELOPE_SIZE_MAX_BYTES - ENVELOPE_OVERHEAD_BYTES
FIRST_CONTACT_ROOM_BYTES: Final = ENVELOPE_SIZE_MAX_BYTES - FIRST_CONTACT_OVERHEAD_BYTES

assert FIRST_CONTACT_OVERHEAD_BYTES == 1_506
assert SESSION_ROOM_BYTES < 1 << 16
assert (
    SESSION_BODY_AT + _FRAME.size + RATCHET_MAC_BYTES + _OUTER_MAC_BYTES + STAMP_SIZE_BYTES
    == ENVELOPE_OVERHEAD_BYTES
)


def size_class_for(content_bytes: int, overhead_bytes: int) -> int:
    """Give the smallest class that holds the content.

    Raises:
        TooLarge: none does.
    """
    size_class = class_for(content_bytes + overhead_bytes)
    if size_class is None:
        room = ENVELOPE_SIZE_MAX_BYTES - overhead_bytes
        raise TooLarge(f"{content_bytes} bytes, where the largest envelope holds {room}.")
    return size_class


def seal_session(
    suite: Suite, key: bytes, nonce: bytes, header: EnvelopeHeader, message: RatchetMessage
) -> bytes:
    """Give a whole session envelope of the header's class."""
    head = header.encode()
    total = size_of_class(header.size_class)
    plain_bytes = total - SESSION_BODY_AT - _OUTER_MAC_BYTES - STAMP_SIZE_BYTES
    body = suite.seal_outer(key, nonce, head, _framed(message).ljust(plain_bytes, b"\0"))
    return b"".join((head, nonce, body, EMPTY_STAMP))


def open_session(suite: Suite, key: bytes, envelope: bytes) -> RatchetMessage:
    """Give the ratchet message of a session envelope.

    Raises:
        NotAuthentic: forged, altered, or of another session.
        Malformed: authentic, but no ratchet message.
    """
    plaintext = suite.open_outer(
        key,
        envelope[NONCE_AT : NONCE_AT + NONCE_SIZE_BYTES],
        envelope[:ENVELOPE_HEADER_BYTES],
        envelope[SESSION_BODY_AT:-STAMP_SIZE_BYTES],
    )
    return _unframed(plaintext)


def seal_first_contact(
    suite: Suite,
    kem: KemPublic,
    bundle: BundleHash,
    header: EnvelopeHeader,
    proof: Proof,
    handshake: Handshake,
    message: RatchetMessage,
) -> bytes:
    """Give a whole first-contact envelope of the header's class; its commitment opens to proof."""
    head = header.encode() + tag_of(proof)
    sealed_bytes = size_of_class(header.size_class) - ENCAPSULATED_AT - STAMP_SIZE_BYTES
    plain_bytes = sealed_bytes - ENCAPSULATED_SIZE_BYTES - _OUTER_MAC_BYTES
    plaintext = b"".join((proof, handshake.encode(), _framed(message))).ljust(plain_bytes, b"\0")
    return head + suite.seal_to_bundle(kem, _info(bundle, head), plaintext) + EMPTY_STAMP


def open_first_contact(
    suite: Suite, kem_secret: bytes, bundle: BundleHash, envelope: bytes
) -> tuple[Proof, Handshake, RatchetMessage]:
    """Give what a first-contact envelope holds; who sealed it, only the ratchet will prove.

    Raises:
        NotAuthentic: for another bundle, altered, or its commitment is of another proof.
        Malformed: sealed to us, but no first contact.
    """
    head = envelope[:ENCAPSULATED_AT]
    if len(envelope) < FIRST_CONTACT_OVERHEAD_BYTES:
        raise NotAuthentic("An envelope too small for a first contact under a first-contact tag.")
    plaintext = suite.open_for_bundle(
        kem_secret, _info(bundle, head), envelope[ENCAPSULATED_AT:-STAMP_SIZE_BYTES]
    )
    proof = Proof(plaintext[:PROOF_SIZE_BYTES])
    if tag_of(proof) != Tag(head[ENVELOPE_HEADER_BYTES:]):
        raise NotAuthentic("A first contact whose commitment is of another proof.")
    message_at = PROOF_SIZE_BYTES + HANDSHAKE_BYTES
    handshake = decode_handshake(plaintext[PROOF_SIZE_BYTES:message_at])
    return proof, handshake, _unframed(plaintext[message_at:])


def _info(bundle: BundleHash, head: bytes) -> bytes:
    return _INFO + bundle + head


def _framed(message: RatchetMessage) -> bytes:
    length = len(message.text) - RATCHET_MAC_BYTES
    return _FRAME.pack(length, message.key, message.previous, message.number) + message.text


def _unframed(plaintext: bytes) -> RatchetMessage:
    length, key, previous, number = _FRAME.unpack_from(plaintext)
    end = _FRAME.size + length + RATCHET_MAC_BYTES
    if end > len(plaintext) or plaintext.count(0, end) != len(plaintext) - end:
        raise Malformed("An envelope whose padding is not what its length says.")
    return RatchetMessage(key, previous, number, plaintext[_FRAME.size : end])
