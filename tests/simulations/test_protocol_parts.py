"""Pieces of the protocol world: ledger, links, reach, clocks, entropy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.wire.envelope import EnvelopeHeader
from p2p.wire.frames import Bye, Carry, Taken, encode_frame
from p2p.wire.ids import EnvelopeId, Tag, envelope_id
from simulations.protocol.ledger import Ledger, carried_envelope, index_of, text_of
from simulations.protocol.links import NO_ENVELOPE, PACKET_BYTES, Medium, Parcel, Way
from simulations.protocol.people import StreamEntropy, peer_of
from simulations.protocol.reach import Reach
from simulations.protocol.routers import recipient_name
from simulations.rng import stream
from tests.simulations.protocol_worlds import down, message, up, world


def envelope(size_class: int) -> bytes:
    return EnvelopeHeader(size_class, 9, Tag(bytes(16))).encode().ljust(256 << size_class, b"e")


@pytest.mark.parametrize("size_class", range(9))
def test_the_ledger_reads_the_envelope_of_a_carry_frame(size_class: int) -> None:
    data = envelope(size_class)
    assert carried_envelope(encode_frame(Carry(data, 3, 1))) == envelope_id(data)


@given(st.binary(max_size=300))
def test_any_other_bytes_carry_nothing_or_something(data: bytes) -> None:
    carried_envelope(data)
    carried_envelope(b"\x94\x03" + data)
    assert carried_envelope(encode_frame(Bye("x"))) is None
    assert carried_envelope(encode_frame(Taken((bytes(32),)))) is None


def test_texts_name_messages_and_other_texts_do_not() -> None:
    assert index_of(text_of(12)) == 12
    for text in ("", "m", "hello", text_of(3) + "x", text_of(3)[1:]):
        assert index_of(text) is None


def test_the_ledger_charges_the_declared_size_but_never_less_than_the_envelope() -> None:
    ledger = Ledger([message(0, "M0", 0, 1, 100), message(0, "M1", 0, 1, 5_000)])
    small, large, unknown = (EnvelopeId(bytes([n]) * 32) for n in range(3))
    ledger.enter(small, 0)
    ledger.enter(large, 1)
    ledger.enter(unknown, 7)
    assert [ledger.charge(e, 256) for e in (small, large, unknown)] == [256, 5_000, 256]
    assert [ledger.excess(e, 300) for e in (small, large, unknown)] == [0, 4_700, 0]
    assert ledger.envelopes(1) == [large]
    assert ledger.creation_of(unknown) is None


def way(rate: float, latency_s: float = 0.0, loss: float = 0.0) -> Way:
    return Way(Medium(rate, latency_s, loss, stream(1, "test")), 0, 1)


def parcel(size_bytes: int) -> Parcel:
    return Parcel(b"f", size_bytes, NO_ENVELOPE, None)


@given(
    sizes=st.lists(st.integers(1, 5_000), min_size=1, max_size=30),
    gaps=st.lists(st.floats(0.0, 3.0), min_size=30, max_size=30),
    loss=st.sampled_from([0.0, 0.4]),
)
def test_frames_keep_their_order_and_no_link_is_faster_than_its_rate(
    sizes: list[int], gaps: list[float], loss: float
) -> None:
    link = way(1_000.0, 0.5, loss)
    now_s = 0.0
    for size, gap in zip(sizes, gaps, strict=False):
        now_s += gap
        link.put([parcel(size)], now_s)
    times = [packet.arrives_s for packet in link.packets]
    assert times == sorted(times)
    assert sum(len(packet.parcels) for packet in link.packets) == len(sizes)
    assert times[-1] >= sum(sizes) / 1_000.0 + 0.5 - 1e-9


def test_small_frames_share_a_packet_and_large_ones_do_not() -> None:
    link = way(1_000.0)
    link.put([parcel(n) for n in (100, 200, PACKET_BYTES, 5_000, 10)], 0.0)
    assert [len(packet.parcels) for packet in link.packets] == [2, 1, 1, 1]


def test_what_had_not_begun_to_leave_is_not_broken_off() -> None:
    link = way(1_000.0)
    link.put([parcel(2_000), parcel(2_000)], 0.0)
    assert len(link.cut(1.0)) == 1
    assert not link.up
    assert not link.packets


def test_reach_knows_contacts_jams_and_those_sent_away() -> None:
    reach = Reach(3)
    reach.change(up(0, 0, 1))
    reach.change(up(0, 2, 2))
    assert reach.allows(0, 1, 0.0)
    assert reach.allows(1, 0, 0.0)
    assert not reach.allows(2, 2, 0.0)
    reach.jam(1, on=True)
    assert not reach.allows(0, 1, 0.0)
    reach.jam(1, on=False)
    reach.send_away(1, 0, 5.0)
    assert not reach.allows(0, 1, 4.9)
    assert reach.allows(0, 1, 5.0)
    reach.change(down(0, 1, 0))
    assert not reach.allows(0, 1, 9.0)
    assert reach.near(0) == []


@given(st.floats(0, 1e9), st.floats(-1e6, 1e6))
def test_a_clock_is_read_back_as_the_moment_at_which_it_shows_a_time(
    due_s: float, offset_s: float
) -> None:
    seat = world([], []).seats[0]
    seat.set_clock(1_800_000_000.0 + offset_s)
    target = 1_800_000_000.0 + due_s
    assert seat.clock_s(seat.world_s(target)) >= target


def test_entropy_is_of_the_seed_alone() -> None:
    first, second = (StreamEntropy(stream(4, "entropy", 1)) for _ in range(2))
    assert first.random_bytes(40) == second.random_bytes(40)
    assert first.uniform() == second.uniform()
    assert len({peer_of(4, node) for node in range(100)}) == 100


def test_recipients_have_short_and_different_names() -> None:
    names = [recipient_name(node) for node in (*range(300), 70_000)]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) == 3
    assert names[0] == b"\0"
