"""Strategies for every value that the wire knows, within its bounds; for all tests to use."""

from __future__ import annotations

import msgpack
from hypothesis import strategies as st

from p2p.wire import limits
from p2p.wire.bundle import ML_KEM_768_PUBLIC_BYTES, DeviceCertificate, PrekeyBundle
from p2p.wire.contact_uri import Invite
from p2p.wire.content import (
    Acknowledgement,
    Content,
    CredentialAnswer,
    CredentialKind,
    CredentialOutcome,
    CredentialRequest,
    Introduction,
    Text,
)
from p2p.wire.envelope import HOUR_S, EnvelopeHeader, size_of_class
from p2p.wire.frames import (
    Bye,
    Carry,
    Credit,
    Found,
    Frame,
    Hello,
    Offer,
    OfferEntry,
    ProofFrame,
    RecordAnswer,
    RecordFate,
    RecordOffer,
    RecordPart,
    RecordWant,
    RecordWish,
    Refusal,
    Refused,
    Seek,
    Taken,
    Want,
)
from p2p.wire.ids import Tag
from p2p.wire.record import RecordHeader

UNIX_SECOND_MAX = 2**40


def fixed(size: int) -> st.SearchStrategy[bytes]:
    """Bytes of exactly that length."""
    return st.binary(min_size=size, max_size=size)


def text(size_max_bytes: int, size_min_chars: int = 0) -> st.SearchStrategy[str]:
    """Text that has an encoding, of at most so many bytes in UTF-8."""
    alphabet = st.characters(exclude_categories=("Cs",))
    long = st.text(alphabet, min_size=size_min_chars, max_size=size_max_bytes)
    return long.filter(lambda value: len(value.encode()) <= size_max_bytes)


def some(element: st.SearchStrategy, most: int, least: int = 1) -> st.SearchStrategy[tuple]:
    """A tuple, usually short."""
    return st.lists(element, min_size=least, max_size=min(most, 12)).map(tuple)


ids = fixed(limits.ENVELOPE_ID_SIZE_BYTES)
keys = fixed(32)
signatures = fixed(64)
tags = fixed(limits.TAG_SIZE_BYTES)
proofs = fixed(limits.PROOF_SIZE_BYTES)
seconds = st.integers(0, UNIX_SECOND_MAX)
hours = st.integers(0, 2**32 - 1)
copies = st.integers(0, limits.COPIES_MAX)
addresses = some(text(limits.ADDRESS_SIZE_MAX_BYTES, 1), limits.ADDRESSES_MAX, least=0)
names = text(limits.NAME_SIZE_MAX_BYTES)
bundle_bytes = st.binary(max_size=limits.BUNDLE_SIZE_MAX_BYTES)


@st.composite
def envelopes(draw: st.DrawFn, size_class_max: int = 2, now_s: float = 0.0) -> bytes:
    """An envelope that a carrier accepts; alive for an hour at least where ``now_s`` is given."""
    size_class = draw(st.integers(0, size_class_max))
    first = int(now_s // HOUR_S) + 2
    hour = draw(st.integers(first, first + limits.LIFETIME_MAX_S // HOUR_S - 1))
    header = EnvelopeHeader(size_class, hour, Tag(draw(tags))).encode()
    fill = draw(fixed(32))
    size = size_of_class(size_class)
    return (header + fill * (size // len(fill)))[:size]


hellos = st.builds(
    Hello,
    versions=some(st.integers(1, 255), 8, least=0),
    clock_s=seconds,
    window_bytes=st.integers(limits.WINDOW_MIN_BYTES, limits.WINDOW_MAX_BYTES),
    accepts=st.integers(0, 2**32 - 1),
    hint=st.binary(max_size=64),
)
offer_entries = st.builds(
    OfferEntry,
    id=ids,
    size_class=st.integers(0, limits.SIZE_CLASS_MAX),
    expiry_hour=hours,
    tag=tags,
    copies=copies,
)
offers = st.builds(Offer, some(offer_entries, limits.OFFERS_PER_FRAME_MAX))
wants = st.builds(Want, some(ids, limits.IDS_PER_FRAME_MAX))
carries = st.builds(
    Carry, envelope=envelopes(), copies=copies, hops=st.integers(0, limits.HOPS_MAX)
)
takens = st.builds(Taken, some(ids, limits.IDS_PER_FRAME_MAX))
refusals = st.builds(Refusal, id=ids, reason=st.integers(0, 255))
refuseds = st.builds(Refused, some(refusals, limits.IDS_PER_FRAME_MAX))
proof_frames = st.builds(ProofFrame, some(proofs, limits.PROOFS_PER_FRAME_MAX))
credits_ = st.builds(Credit, st.integers(1, limits.WINDOW_MAX_BYTES))
seeks = st.builds(Seek, ids)
founds = st.builds(Found, st.binary(min_size=1, max_size=limits.BUNDLE_SIZE_MAX_BYTES))
byes = st.builds(Bye, text(64))


@st.composite
def record_headers(draw: st.DrawFn) -> RecordHeader:
    """A header as a writer makes it; its signature does not hold."""
    issued_s = draw(st.integers(0, UNIX_SECOND_MAX - limits.RECORD_LIFETIME_MAX_S))
    return RecordHeader(
        format=limits.RECORD_FORMAT_VERSION,
        kind=draw(st.integers(1, 255)),
        author=draw(keys),
        name=draw(st.binary(min_size=1, max_size=limits.RECORD_NAME_MAX_BYTES)),
        version=draw(st.integers(0, limits.RECORD_VERSION_MAX)),
        issued_s=issued_s,
        expires_s=issued_s + draw(st.integers(1, limits.RECORD_LIFETIME_MAX_S)),
        size_bytes=draw(st.integers(1, limits.RECORD_BODY_MAX_BYTES)),
        body_hash=draw(keys),
        signature=draw(signatures),
    )


record_offers = st.builds(
    RecordOffer,
    some(
        st.binary(min_size=1, max_size=limits.RECORD_HEADER_MAX_BYTES),
        limits.RECORD_OFFERS_PER_FRAME_MAX,
    ),
)
record_wishes = st.builds(
    RecordWish,
    id=ids,
    first=st.integers(0, 255),
    parts=st.integers(1, limits.RECORD_PARTS_PER_WANT_MAX),
)
record_wants = st.builds(RecordWant, some(record_wishes, limits.RECORD_WANTS_PER_FRAME_MAX))
record_parts = st.builds(
    RecordPart,
    id=ids,
    number=st.integers(0, 255),
    data=st.binary(min_size=1, max_size=limits.RECORD_PART_SIZE_BYTES),
)
record_fates = st.builds(RecordFate, id=ids, reason=st.integers(0, 255))
record_answers = st.builds(RecordAnswer, some(record_fates, limits.IDS_PER_FRAME_MAX))
frames: st.SearchStrategy[Frame] = st.one_of(
    hellos,
    offers,
    wants,
    carries,
    takens,
    refuseds,
    proof_frames,
    credits_,
    seeks,
    founds,
    byes,
    record_offers,
    record_wants,
    record_parts,
    record_answers,
)

texts = st.builds(
    Text, message_id=fixed(limits.MESSAGE_ID_SIZE_BYTES), sent_at_s=seconds, text=text(400)
)
introductions = st.builds(
    Introduction,
    issued_at_s=seconds,
    name=names,
    bundle=bundle_bytes,
    lookup_secret=fixed(16),
    addresses=addresses,
)
request_ids = fixed(limits.REQUEST_ID_SIZE_BYTES)
credential_kinds = st.builds(
    CredentialKind,
    format=st.integers(1, 2),
    name=text(limits.CREDENTIAL_KIND_SIZE_MAX_BYTES, 1),
)
element_names = st.lists(
    text(limits.ELEMENT_SIZE_MAX_BYTES, 1), min_size=1, max_size=6, unique=True
).map(tuple)
credential_requests = st.builds(
    CredentialRequest,
    request_id=request_ids,
    nonce=fixed(limits.CREDENTIAL_NONCE_SIZE_BYTES),
    made_at_s=st.integers(0, 2**32),
    expires_at_s=st.integers(2**32 + 1, UNIX_SECOND_MAX),
    purpose=text(limits.PURPOSE_SIZE_MAX_BYTES),
    kinds=some(credential_kinds, limits.CREDENTIAL_KINDS_MAX, least=0).map(lambda k: k[:8]),
    elements=element_names,
)
credential_answers = st.builds(
    CredentialAnswer,
    request_id=request_ids,
    format=st.integers(1, 2),
    kind=text(limits.CREDENTIAL_KIND_SIZE_MAX_BYTES, 1),
    presentation=st.binary(min_size=1, max_size=2_000),
) | st.builds(
    CredentialAnswer,
    request_id=request_ids,
    format=st.just(0),
    kind=st.just(""),
    presentation=st.just(b""),
)
credential_outcomes = st.builds(
    CredentialOutcome,
    request_id=request_ids,
    verified=st.integers(0, 1),
    rule=text(limits.RULE_SIZE_MAX_BYTES),
)
contents: st.SearchStrategy[Content] = st.one_of(
    texts,
    introductions,
    st.just(Acknowledgement()),
    credential_requests,
    credential_answers,
    credential_outcomes,
)

certificates = st.builds(
    DeviceCertificate,
    version=st.just(1),
    account_key=keys,
    device_key=keys,
    created_s=seconds,
    signature=signatures,
)
bundles = st.builds(
    PrekeyBundle,
    version=st.just(limits.BUNDLE_VERSION),
    one_time=st.integers(0, 1),
    certificate=certificates,
    prekey=keys,
    prekey_signature=signatures,
    kem_ml=fixed(ML_KEM_768_PUBLIC_BYTES),
    kem_x25519=keys,
    created_s=seconds,
    expires_s=seconds,
    signature=signatures,
)
invites = st.builds(
    Invite,
    account_key=keys,
    bundle_hash=keys,
    lookup_secret=fixed(16),
    name=names,
    addresses=some(text(80, 1), limits.ADDRESSES_MAX, least=0),
    bundle=bundle_bytes,
)

plain_values: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    | st.binary(max_size=80)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=20)),
    lambda inner: (
        st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)
"""What MessagePack can say, whether or not it means anything to us."""


@st.composite
def broken(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Bytes that were good before something happened to a few of them."""
    data = bytearray(draw(good))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("cut", "change", "insert", "remove"))):
            case "cut":
                del data[at:]
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=9))
            case _:
                del data[at : at + draw(st.integers(1, 9))]
    return bytes(data)


def hostile(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes of every kind that a peer may send: noise, foreign values, and good ones broken."""
    return (
        st.binary(max_size=400)
        | plain_values.map(lambda value: msgpack.packb(value, use_bin_type=True))
        | broken(good)
        | good
    )
