"""A record's header has one encoding, one author and one body."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from p2p.crypto.record_signature import author_key_of, author_seed_of, check_record, sign_record
from p2p.errors import Malformed, NotAuthentic, RemoteError
from p2p.wire.limits import CLOCK_TOLERANCE_S, RECORD_HEADER_MAX_BYTES, RECORD_LIFETIME_MAX_S
from p2p.wire.record import (
    RecordHeader,
    body_hash,
    check_body,
    decode_record_header,
    encode_record_header,
    is_too_new,
    record_id,
)
from tests.wire import strategies as wire

SEED = author_seed_of(bytes(32))
FIELDS = [name for name in RecordHeader.__struct_fields__ if name != "signature"]


def header(body: bytes = b"body", **changes: object) -> RecordHeader:
    fields = RecordHeader(
        1, 3, author_key_of(SEED), b"name", 7, 1_000, 2_000, len(body), body_hash(body), bytes(64)
    )
    return sign_record(SEED, replace(fields, **changes))


@given(wire.record_headers())
def test_a_header_goes_there_and_back(value: RecordHeader) -> None:
    data = encode_record_header(value)
    assert len(data) <= RECORD_HEADER_MAX_BYTES
    assert decode_record_header(data) == value


@given(wire.hostile(wire.record_headers().map(encode_record_header)))
def test_what_is_read_is_written_as_the_same_bytes(data: bytes) -> None:
    try:
        value = decode_record_header(data)
    except RemoteError:
        return
    assert encode_record_header(value) == data


@given(wire.record_headers(), wire.record_headers())
def test_an_id_names_all_but_the_signature(one: RecordHeader, other: RecordHeader) -> None:
    same = [getattr(one, name) for name in FIELDS] == [getattr(other, name) for name in FIELDS]
    assert (record_id(one) == record_id(other)) == same
    assert record_id(replace(one, signature=bytes(64))) == record_id(one)


@pytest.mark.parametrize("life_s", [0, -1, RECORD_LIFETIME_MAX_S + 1])
def test_a_life_is_neither_empty_nor_endless(life_s: int) -> None:
    with pytest.raises(Malformed, match="lives"):
        decode_record_header(encode_record_header(header(expires_s=1_000 + life_s)))
    for allowed in (1, RECORD_LIFETIME_MAX_S):
        decode_record_header(encode_record_header(header(expires_s=1_000 + allowed)))


def test_a_longer_integer_is_another_encoding() -> None:
    data = encode_record_header(header())
    for short, longer in ((b"\x9a\x01\x03", b"\x9a\x01\xcd\x00\x03"), (b"\x9a", b"\xdc\x00\x0a")):
        assert msgpack.unpackb(data.replace(short, longer, 1)) == msgpack.unpackb(data)
        with pytest.raises(Malformed, match="encoding"):
            decode_record_header(data.replace(short, longer, 1))


def test_the_authors_signature_holds_and_no_other() -> None:
    value = header()
    assert check_record(value) is value
    forger = author_seed_of(b"\x01" * 32)
    with pytest.raises(NotAuthentic):
        check_record(sign_record(forger, value))
    with pytest.raises(NotAuthentic):
        check_record(replace(value, author=bytes(32)))  # a key of small order


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_signed(name: str) -> None:
    value = header()
    old = getattr(value, name)
    new = old + 1 if isinstance(old, int) else bytes([old[0] ^ 1]) + old[1:]
    changed = replace(value, **{name: new})
    assert record_id(changed) != record_id(value)
    with pytest.raises(NotAuthentic):
        check_record(changed)


@given(st.binary(min_size=1, max_size=64), st.binary(max_size=64))
def test_a_body_is_the_one_that_was_signed(body: bytes, other: bytes) -> None:
    value = header(body)
    check_body(value, bytearray(body))
    if other != body:
        with pytest.raises(NotAuthentic):
            check_body(value, other)
    with pytest.raises(NotAuthentic):
        check_body(replace(value, size_bytes=value.size_bytes + 1), body)


def test_too_new_is_what_clocks_do_not_explain() -> None:
    value = header()
    assert not is_too_new(value, 1_000.0 - CLOCK_TOLERANCE_S)
    assert is_too_new(value, 999.0 - CLOCK_TOLERANCE_S)


def test_a_key_is_author_kind_and_name() -> None:
    value = header()
    assert value.key == (value.author, 3, b"name")


def test_a_devices_author_key_is_no_other_key_of_its() -> None:
    assert author_key_of(SEED) != author_key_of(bytes(32))
