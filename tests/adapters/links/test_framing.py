"""Length-prefixed frames: pure, and hostile input is known for what it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.adapters.framing import WRITE_SIZE_MAX_BYTES, FrameSplitter, unread_size, writes
from p2p.errors import LimitExceeded
from p2p.wire.limits import FRAME_SIZE_MAX_BYTES

FRAMES = st.lists(st.binary(max_size=300) | st.integers(0, 40_000).map(bytes), max_size=20)


def test_two_frames_on_the_wire() -> None:
    assert writes([b"abc", b""]) == [bytes.fromhex("00000003") + b"abc" + bytes(4)]


def test_nothing_is_written_for_no_frames() -> None:
    assert writes([]) == []


@settings(deadline=None)
@given(FRAMES, st.lists(st.integers(1, 70_000), min_size=1, max_size=30))
def test_whatever_the_cuts_the_frames_come_back(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(writes(frames))
    splitter = FrameSplitter()
    got: list[bytes] = []
    at = 0
    turn = 0
    while at < len(data):
        step = cuts[turn % len(cuts)]
        got += splitter.feed(data[at : at + step])
        at += step
        turn += 1
    assert got == frames


@given(FRAMES)
def test_writes_are_full_but_the_last(frames: list[bytes]) -> None:
    pieces = writes(frames)
    assert all(len(piece) == WRITE_SIZE_MAX_BYTES for piece in pieces[:-1])
    assert all(0 < len(piece) <= WRITE_SIZE_MAX_BYTES for piece in pieces[-1:])


def test_the_largest_frame_passes_and_one_byte_more_does_not() -> None:
    largest = bytes(FRAME_SIZE_MAX_BYTES)
    assert FrameSplitter().feed(b"".join(writes([largest]))) == [largest]
    with pytest.raises(LimitExceeded, match=str(FRAME_SIZE_MAX_BYTES + 1)):
        FrameSplitter().feed((FRAME_SIZE_MAX_BYTES + 1).to_bytes(4, "big"))


@given(st.binary(max_size=3_000))
def test_any_bytes_give_frames_or_a_limit(data: bytes) -> None:
    try:
        frames = FrameSplitter().feed(data)
    except LimitExceeded:
        return
    assert sum(len(frame) + 4 for frame in frames) <= len(data)


def test_a_frame_of_ours_that_is_too_long_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        writes([bytes(FRAME_SIZE_MAX_BYTES + 1)])


def test_empty_frames_are_not_free() -> None:
    assert unread_size(b"") > 0
