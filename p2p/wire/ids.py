"""Names of things: distinct types for distinct identifiers, and how people see them."""

from __future__ import annotations

import hashlib
from typing import NewType

from p2p.errors import InvalidInput
from p2p.wire.limits import ENVELOPE_ID_SIZE_BYTES, STAMP_SIZE_BYTES, TAG_SIZE_BYTES

AccountKey = NewType("AccountKey", bytes)
"""Ed25519 public key of an account, 32 bytes: who a person is."""
DeviceKey = NewType("DeviceKey", bytes)
"""Ed25519 public key of one device of an account, 32 bytes."""
PeerId = NewType("PeerId", str)
"""libp2p peer id (base58) of a node on the network; independent of any account."""
EnvelopeId = NewType("EnvelopeId", bytes)
"""BLAKE2b-256 of an envelope without its stamp."""
Tag = NewType("Tag", bytes)
"""Recipient tag, or first-contact commitment: BLAKE2b-128 of a delivery proof, 16 bytes."""
Proof = NewType("Proof", bytes)
"""Delivery proof, 32 bytes: the preimage of a tag or commitment."""
MessageId = NewType("MessageId", bytes)
"""16 random bytes that name one message between two people, on both sides."""
SessionId = NewType("SessionId", bytes)
"""16 bytes that name one pairwise session on both sides."""
BundleHash = NewType("BundleHash", bytes)
"""BLAKE2b-256 of a prekey bundle's bytes."""
AuthorKey = NewType("AuthorKey", bytes)
"""Ed25519 public key of a record's author, 32 bytes; tied to no account."""
RecordId = NewType("RecordId", bytes)
"""BLAKE2b-256 of what a record's author signed."""
CommandId = NewType("CommandId", str)
"""A client's name for one command, by which answers and notices are matched."""


def envelope_id(envelope: bytes) -> EnvelopeId:
    """Give the id of an envelope: BLAKE2b-256 of all its bytes but the stamp."""
    body = memoryview(envelope)[:-STAMP_SIZE_BYTES]
    return EnvelopeId(hashlib.blake2b(body, digest_size=ENVELOPE_ID_SIZE_BYTES).digest())


def tag_of(proof: Proof) -> Tag:
    """Give the tag (or commitment) that a delivery proof opens: BLAKE2b-128."""
    return Tag(hashlib.blake2b(proof, digest_size=TAG_SIZE_BYTES).digest())


def bundle_hash(bundle: bytes) -> BundleHash:
    """Give the name of a prekey bundle: BLAKE2b-256 of its bytes as received."""
    return BundleHash(hashlib.blake2b(bundle, digest_size=32).digest())


def message_id_text(message_id: MessageId) -> str:
    """Give a message id as people see it: 32 lower-case hexadecimal digits."""
    return message_id.hex()


def parse_hex(text: str, size_bytes: int, what: str) -> bytes:
    """Read ``size_bytes`` bytes from hexadecimal digits.

    Raises:
        InvalidInput: other length, or a character that is no hexadecimal digit.
    """
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != size_bytes or len(text) != 2 * size_bytes:
        raise InvalidInput(
            f"{text[:80]!r} is no {what}: expected {2 * size_bytes} hexadecimal digits."
        )
    return value
