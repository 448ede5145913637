"""Who wrote a record: the author's key of a device, signing, and checking (docs/spec/record.md)."""

from __future__ import annotations

from msgspec.structs import replace

from p2p.crypto.kdf import hkdf
from p2p.crypto.signing import SEED_SIZE_BYTES, check_signature, public_key_of, sign
from p2p.wire.ids import AuthorKey
from p2p.wire.record import RecordHeader

_SEED_LABEL = b"molva record author 1"


def author_seed_of(device_seed: bytes) -> bytes:
    """Give the 32-byte seed with which a device signs its records.

    Its own, so that records do not show which device or account made them.
    """
    return hkdf(device_seed, b"", _SEED_LABEL, SEED_SIZE_BYTES)


def author_key_of(author_seed: bytes) -> AuthorKey:
    """Give the public key that an author's records carry."""
    return AuthorKey(public_key_of(author_seed))


def sign_record(author_seed: bytes, header: RecordHeader) -> RecordHeader:
    """Give the header with its author's signature; what was in that field does not matter."""
    return replace(header, signature=sign(author_seed, header.signed_bytes()))


def check_record(header: RecordHeader) -> RecordHeader:
    """Give back a header once its signature holds.

    Raises:
        NotAuthentic: it does not.
    """
    check_signature(header.author, header.signed_bytes(), header.signature)
    return header
