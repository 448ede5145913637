"""The envelope as carriers see it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import Malformed, RemoteError, WrongVersion
from p2p.wire import limits
from p2p.wire.envelope import (
    EMPTY_STAMP,
    ENCAPSULATED_AT,
    ENCAPSULATED_SIZE_BYTES,
    FIRST_CONTACT_BODY_AT,
    HOUR_S,
    SESSION_BODY_AT,
    EnvelopeHeader,
    class_for,
    expiry_hour_for,
    is_expired,
    is_too_far,
    parse_envelope,
    parse_header,
    size_of_class,
)
from p2p.wire.ids import Tag, envelope_id
from tests.wire import strategies as wire

NOW_S = 1_767_052_800.0
DAY_S = 86_400


def _header(hour: int) -> EnvelopeHeader:
    return EnvelopeHeader(0, hour, Tag(bytes(16)))


@given(wire.envelopes())
def test_an_envelope_is_read_back(data: bytes) -> None:
    envelope = parse_envelope(data)
    assert envelope.data == data
    assert envelope.header.encode() == data[: limits.ENVELOPE_HEADER_BYTES]
    assert len(data) == size_of_class(envelope.header.size_class)
    assert envelope.id == envelope_id(data)


@given(wire.envelopes(), wire.fixed(8))
def test_the_stamp_is_outside_the_id(data: bytes, stamp: bytes) -> None:
    assert envelope_id(data[:-8] + stamp) == envelope_id(data[:-8] + EMPTY_STAMP)


@given(wire.envelopes(), st.data())
def test_every_other_byte_is_inside_the_id(data: bytes, choice: st.DataObject) -> None:
    at = choice.draw(st.integers(0, len(data) - limits.STAMP_SIZE_BYTES - 1))
    other = bytes([data[at] ^ choice.draw(st.integers(1, 255))])
    assert envelope_id(data[:at] + other + data[at + 1 :]) != envelope_id(data)


@given(wire.hostile(wire.envelopes()))
def test_any_bytes_give_an_envelope_or_a_remote_error(data: bytes) -> None:
    with contextlib.suppress(RemoteError):
        assert parse_envelope(data).header == parse_header(data)


@pytest.mark.parametrize("size_class", range(limits.SIZE_CLASS_MAX + 1))
def test_a_class_has_one_size(size_class: int) -> None:
    header = EnvelopeHeader(size_class, 1, Tag(bytes(16))).encode()
    size = size_of_class(size_class)
    assert parse_header(header + bytes(size - len(header))).size_class == size_class
    for wrong in (size - 1, size + 1, 2 * size):
        with pytest.raises(Malformed):
            parse_header(header + bytes(wrong - len(header)))


def test_an_unknown_class_is_refused() -> None:
    data = b"\x01\x09" + bytes(size_of_class(9) - 2)
    with pytest.raises(Malformed):
        parse_header(data)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_named_whatever_follows(version: int) -> None:
    with pytest.raises(WrongVersion):
        parse_header(bytes([version, 77]) + bytes(300))


@given(st.integers(0, limits.ENVELOPE_SIZE_MAX_BYTES + 10))
def test_the_class_chosen_is_the_smallest_that_holds_it(size: int) -> None:
    chosen = class_for(size)
    if chosen is None:
        assert size > limits.ENVELOPE_SIZE_MAX_BYTES
    else:
        assert size_of_class(chosen) >= size
        assert chosen == 0 or size_of_class(chosen - 1) < size


def test_the_bodies_lie_where_the_specification_says() -> None:
    assert SESSION_BODY_AT == 46
    assert (ENCAPSULATED_AT, ENCAPSULATED_SIZE_BYTES) == (38, 1_120)
    assert FIRST_CONTACT_BODY_AT == 1_158


@given(
    st.floats(0, 2**33),
    st.floats(HOUR_S, limits.LIFETIME_MAX_S),
    st.floats(0, 1, exclude_max=True),
)
def test_an_expiry_is_rounded_up_and_no_carrier_refuses_it(
    now_s: float, lifetime_s: float, fuzz: float
) -> None:
    header = _header(expiry_hour_for(now_s, lifetime_s, fuzz))
    assert header.expires_at >= now_s + lifetime_s
    assert header.expires_at <= now_s + min(lifetime_s * 1.25, limits.LIFETIME_MAX_S) + HOUR_S
    assert not is_expired(header, now_s)
    for skew_s in (-DAY_S, 0, DAY_S):
        assert not is_too_far(header, now_s + skew_s)


def test_an_envelope_is_dead_once_its_hour_has_begun() -> None:
    header = _header(int(NOW_S) // HOUR_S)
    assert is_expired(header, header.expires_at)
    assert not is_expired(header, header.expires_at - 0.001)


def test_an_expiry_beyond_every_honest_one_is_too_far() -> None:
    far = NOW_S + limits.LIFETIME_MAX_S + limits.CLOCK_TOLERANCE_S
    assert is_too_far(_header(int(far) // HOUR_S + 2), NOW_S)
    assert is_too_far(_header(2**32 - 1), NOW_S)
    assert not is_too_far(_header(int(far) // HOUR_S), NOW_S)
