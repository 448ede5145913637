from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from p2p.crypto import hpke
from p2p.crypto.account import certify_device, device_key_of
from p2p.errors import Malformed, NotAuthentic, TooLarge
from p2p.sessions.envelope_seal import (
    FIRST_CONTACT_OVERHEAD_BYTES,
    FIRST_CONTACT_ROOM_BYTES,
    SESSION_ROOM_BYTES,
    _framed,
    _info,
    open_first_contact,
    open_session,
    seal_first_contact,
    seal_session,
    size_class_for,
)
from p2p.sessions.handshake import HANDSHAKE_BYTES, NO_SESSION, Handshake, decode_handshake
from p2p.sessions.suite import RatchetMessage
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.envelope import EnvelopeHeader, parse_envelope, size_of_class
from p2p.wire.ids import BundleHash, Proof, SessionId, Tag, tag_of
from p2p.wire.limits import ENVELOPE_OVERHEAD_BYTES, ENVELOPE_SIZE_MAX_BYTES

SUITE = X3dhSuite()
KEY = bytes(range(32))
NONCE = bytes(24)
TAG = Tag(b"t" * 16)
BUNDLE = BundleHash(b"b" * 32)
KEM_SECRET = bytes(range(96))
PROOF = Proof(b"p" * 32)


def message(content_bytes: int) -> RatchetMessage:
    return RatchetMessage(b"k" * 32, 7, 9, b"x" * (content_bytes + 16))


def handshake() -> Handshake:
    certificate = certify_device(bytes(32), device_key_of(KEY), 1_700_000_000)
    return Handshake(certificate, b"e" * 32, b"prekeyid", b"s" * 32, 1_700_000_001, NO_SESSION)


def session_envelope(content_bytes: int) -> bytes:
    size_class = size_class_for(content_bytes, ENVELOPE_OVERHEAD_BYTES)
    header = EnvelopeHeader(size_class, 480_000, TAG)
    return seal_session(SUITE, KEY, NONCE, header, message(content_bytes))


def first_contact(content_bytes: int, shaken: Handshake | None = None) -> bytes:
    size_class = size_class_for(content_bytes, FIRST_CONTACT_OVERHEAD_BYTES)
    header = EnvelopeHeader(size_class, 480_000, TAG)
    public = hpke.public_of(KEM_SECRET)
    return seal_first_contact(
        SUITE, public, BUNDLE, header, PROOF, shaken or handshake(), message(content_bytes)
    )


@settings(max_examples=40, deadline=None)
@given(content_bytes=st.integers(0, SESSION_ROOM_BYTES))
def test_a_session_envelope_has_its_classs_size_and_opens(content_bytes: int) -> None:
    envelope = session_envelope(content_bytes)
    parsed = parse_envelope(envelope)
    assert len(envelope) == size_of_class(parsed.header.size_class)
    assert parsed.header.size_class == 0 or len(envelope) // 2 < content_bytes + 128
    assert open_session(SUITE, KEY, envelope) == message(content_bytes)


@settings(max_examples=20, deadline=None)
@given(content_bytes=st.integers(0, FIRST_CONTACT_ROOM_BYTES))
def test_a_first_contact_has_its_classs_size_and_opens(content_bytes: int) -> None:
    envelope = first_contact(content_bytes)
    parsed = parse_envelope(envelope)
    assert len(envelope) == size_of_class(parsed.header.size_class)
    assert parsed.commitment == tag_of(PROOF)
    opened = open_first_contact(SUITE, KEM_SECRET, BUNDLE, envelope)
    assert opened == (PROOF, handshake(), message(content_bytes))


def test_sizes_at_the_edges() -> None:
    assert len(session_envelope(128)) == 256
    assert len(session_envelope(129)) == 512
    assert len(session_envelope(SESSION_ROOM_BYTES)) == ENVELOPE_SIZE_MAX_BYTES
    assert len(first_contact(0)) == len(first_contact(542)) == 2_048
    assert len(first_contact(543)) == 4_096
    assert len(first_contact(FIRST_CONTACT_ROOM_BYTES)) == ENVELOPE_SIZE_MAX_BYTES
    with pytest.raises(TooLarge, match="65408"):
        session_envelope(SESSION_ROOM_BYTES + 1)
    with pytest.raises(TooLarge, match="64030"):
        first_contact(FIRST_CONTACT_ROOM_BYTES + 1)


def test_no_byte_of_a_session_envelope_but_the_stamp_can_be_changed() -> None:
    envelope = session_envelope(20)
    for at in range(len(envelope) - 8):
        with pytest.raises(NotAuthentic):
            open_session(SUITE, KEY, flipped(envelope, at))
    assert open_session(SUITE, KEY, flipped(envelope, len(envelope) - 1)) == message(20)


def test_no_byte_of_a_first_contact_but_the_stamp_can_be_changed() -> None:
    envelope = first_contact(20)
    for at in [*range(48), *range(48, len(envelope) - 8, 29), len(envelope) - 9]:
        with pytest.raises(NotAuthentic):
            open_first_contact(SUITE, KEM_SECRET, BUNDLE, flipped(envelope, at))
    open_first_contact(SUITE, KEM_SECRET, BUNDLE, flipped(envelope, len(envelope) - 1))


def test_a_first_contact_opens_for_its_bundle_only() -> None:
    envelope = first_contact(20)
    with pytest.raises(NotAuthentic):
        open_first_contact(SUITE, KEM_SECRET, BundleHash(bytes(32)), envelope)
    with pytest.raises(NotAuthentic):
        open_first_contact(SUITE, bytes(96), BUNDLE, envelope)


def test_an_envelope_too_small_for_a_first_contact_is_refused() -> None:
    with pytest.raises(NotAuthentic, match="too small"):
        open_first_contact(SUITE, KEM_SECRET, BUNDLE, session_envelope(20))


def test_authentic_padding_that_is_not_zero_is_malformed() -> None:
    header = EnvelopeHeader(0, 480_000, TAG)
    for plaintext in (
        _framed(message(20)).ljust(185, b"\0") + b"\1",
        b"\xff" + _framed(message(20))[1:].ljust(185, b"\0"),
    ):
        body = SUITE.seal_outer(KEY, NONCE, header.encode(), plaintext)
        with pytest.raises(Malformed):
            open_session(SUITE, KEY, header.encode() + NONCE + body + bytes(8))


def sealed_plaintext(plaintext: bytes, commitment: Tag) -> bytes:
    header = EnvelopeHeader(3, 480_000, TAG)
    head = header.encode() + commitment
    public = hpke.public_of(KEM_SECRET)
    padded = plaintext.ljust(2_048 - 38 - 1_120 - 16 - 8, b"\0")
    return head + SUITE.seal_to_bundle(public, _info(BUNDLE, head), padded) + bytes(8)


def test_a_commitment_to_another_proof_is_refused() -> None:
    plaintext = PROOF + handshake().encode() + _framed(message(3))
    open_first_contact(SUITE, KEM_SECRET, BUNDLE, sealed_plaintext(plaintext, tag_of(PROOF)))
    with pytest.raises(NotAuthentic, match="commitment"):
        open_first_contact(SUITE, KEM_SECRET, BUNDLE, sealed_plaintext(plaintext, Tag(bytes(16))))


@pytest.mark.parametrize("kind", [2, 255])
def test_a_handshake_of_an_unknown_kind_is_malformed(kind: int) -> None:
    encoded = handshake().encode()
    with pytest.raises(Malformed, match="unknown kind"):
        decode_handshake(encoded[:-17] + bytes([kind]) + encoded[-16:])


def test_a_handshakes_kind_and_renewed_session_must_agree() -> None:
    encoded = handshake().encode()
    for changed in (encoded[:-16] + b"r" * 16, encoded[:-17] + b"\1" + encoded[-16:]):
        with pytest.raises(Malformed, match="unknown kind"):
            decode_handshake(changed)
    renewal = Handshake(
        handshake().certificate, b"e" * 32, b"prekeyid", b"s" * 32, 5, SessionId(b"r" * 16)
    )
    assert decode_handshake(renewal.encode()) == renewal


@pytest.mark.parametrize("size", [0, HANDSHAKE_BYTES - 1, HANDSHAKE_BYTES + 1])
def test_a_handshake_of_another_length_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        decode_handshake(bytes(size))


def test_a_handshake_says_what_it_was_given() -> None:
    shaken = handshake()
    assert decode_handshake(shaken.encode()) == shaken
    other = replace_struct(shaken.certificate, created_s=1)
    assert decode_handshake(shaken.encode()).certificate != other


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]
