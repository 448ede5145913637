"""What the fuzzer calls: each target takes any bytes and lets only a foreseen refusal pass.

In one sentence: whatever a peer sends, or a person pastes, gives a value or the one kind of
refusal that belongs to it, and a value that was accepted can be written and read again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Final

from p2p.core.config import NodeConfig
from p2p.core.events import FrameReceived, LinkOpened, Woken
from p2p.crypto.record_signature import check_record
from p2p.errors import LocalError, RemoteError
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.addresses import peer_of
from p2p.wire.bundle import decode_bundle, encode_bundle
from p2p.wire.contact_uri import decode_invite, encode_invite
from p2p.wire.content import decode_content, encode_content
from p2p.wire.envelope import parse_envelope, parse_header
from p2p.wire.frames import Accepts, Hello, decode_frame, encode_frame
from p2p.wire.record import decode_record_header, encode_record_header
from tests.core.world import LINK_LATENCY_S, START_S, Seat, peer_for
from tests.fuzz.credential_targets import CREDENTIAL_TARGETS

NEIGHBOUR: Final = peer_for("mallory")
DAY_S: Final = 86_400.0


def frame(data: bytes) -> None:
    """One frame from a neighbour."""
    try:
        value = decode_frame(data)
    except RemoteError:
        return
    assert decode_frame(encode_frame(value)) == value


def content(data: bytes) -> None:
    """What a contact's session gave after decryption."""
    try:
        value = decode_content(data)
    except RemoteError:
        return
    assert decode_content(encode_content(value)) == value


def bundle(data: bytes) -> None:
    """A prekey bundle from anybody."""
    try:
        value = decode_bundle(data)
    except RemoteError:
        return
    assert decode_bundle(encode_bundle(value)) == value
    assert value.signed_bytes()


def record(data: bytes) -> None:
    """A record's header from anybody."""
    try:
        value = decode_record_header(data)
        assert encode_record_header(value) == data
        assert check_record(value) is value
    except RemoteError:
        return


def envelope(data: bytes) -> None:
    """An envelope from a neighbour."""
    try:
        value = parse_envelope(data)
    except RemoteError:
        return
    assert parse_header(value.data) == value.header


def invite(data: bytes) -> None:
    """A link that somebody pasted."""
    try:
        value = decode_invite(data.decode("utf-8", "surrogateescape"))
    except LocalError:
        return
    assert decode_invite(encode_invite(value)) == value


def invite_body(data: bytes) -> None:
    """A link made by somebody who knows how checksums are made."""
    checksum = hashlib.blake2b(data, digest_size=4, person=b"molva invite").digest()
    text = base64.urlsafe_b64encode(data + checksum).rstrip(b"=")
    invite(b"molva:1:" + text)


def address(data: bytes) -> None:
    """An address that somebody told us."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        peer = peer_of(text)
    except LocalError:
        return
    assert text.endswith(peer)


def node(data: bytes) -> None:
    """Everything that one neighbour says: frames, each after two bytes of length."""
    seat = Seat("victim", NodeConfig(), X3dhSuite(), START_S)
    greeting = Hello((1,), int(START_S), 1_048_576, int(Accepts.MAIL | Accepts.RECORDS), b"")
    seat.step([LinkOpened(NEIGHBOUR, LINK_LATENCY_S)], START_S)
    seat.step([FrameReceived(NEIGHBOUR, encode_frame(greeting))], START_S)
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        seat.step([FrameReceived(NEIGHBOUR, data[at + 2 : end])], START_S)
        at = end
    seat.step([Woken()], START_S + DAY_S)
    seat.boot(START_S + DAY_S)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (frame, content, bundle, record, envelope, invite, invite_body, address, node)
} | CREDENTIAL_TARGETS
