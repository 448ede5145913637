"""Multistream-select against peers that announce more than they need to say, or never end."""

from __future__ import annotations

import pytest
import trio
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import IncompleteReadError
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.protocol_muxer.exceptions import MultiselectClientError, MultiselectError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.utils.varint import encode_delim, encode_uvarint

from p2p.adapters.libp2p.dial import Dialling
from p2p.adapters.libp2p.negotiation import (
    WORD_SIZE_MAX_BYTES,
    WORDS_MAX,
    BriefMultiselect,
    BriefMultiselectClient,
)
from p2p.adapters.libp2p.swarm import NEGOTIATION_TIMEOUT_S
from p2p.wire.limits import LINK_PROTOCOL_ID
from tests.adapters.libp2p.strangers import connect, network, stranger
from tests.ports.link_contract import running

HEADER = encode_delim(b"/multistream/1.0.0")
TERABYTE = encode_uvarint(2**40)
SOON_S = NEGOTIATION_TIMEOUT_S / 2
"""A peer that is refused for what it said is not kept until its time is over."""


class Recorded(ReadWriteCloser):
    """What a peer has said; notes the most that anybody asked for at once."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.asked_most = 0
        self.answered = b""

    async def read(self, n: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        assert n is not None
        self.asked_most = max(self.asked_most, n)
        data, self._said = self._said[:n], self._said[n:]
        return data

    async def write(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.answered += data

    async def close(self) -> None:
        await trio.lowlevel.checkpoint()

    def get_remote_address(self) -> tuple[str, int] | None:
        return None


async def test_a_short_word_is_agreed_on() -> None:
    peer = Recorded(HEADER + encode_delim(b"/unknown") + encode_delim(LINK_PROTOCOL_ID.encode()))
    asked = BriefMultiselect({LINK_PROTOCOL_ID: None})
    assert await asked.negotiate(MultiselectCommunicator(peer)) == (LINK_PROTOCOL_ID, None)
    answer = Recorded(HEADER + encode_delim(LINK_PROTOCOL_ID.encode()))
    chosen = await BriefMultiselectClient().select_one_of(
        [LINK_PROTOCOL_ID], MultiselectCommunicator(answer)
    )
    assert chosen == LINK_PROTOCOL_ID


@pytest.mark.parametrize(
    "said",
    [
        TERABYTE + bytes(5_000),
        HEADER + TERABYTE + bytes(5_000),
        HEADER + encode_uvarint(WORD_SIZE_MAX_BYTES + 1) + bytes(5_000),
        HEADER + b"\xff" * 30,
        HEADER + encode_delim(b"\xff\xfe"),
        HEADER + b"\x03abc",
        HEADER + b"\x00",
        HEADER + b"\x05ab",
        b"",
    ],
    ids=[
        "first-word",
        "second-word",
        "a-byte-too-long",
        "overlong-length",
        "no-utf-8",
        "no-end",
        "empty",
        "cut-off",
        "silence",
    ],
)
async def test_what_is_no_short_word_is_refused_unread(said: bytes) -> None:
    peer = Recorded(said)
    with pytest.raises(MultiselectError):
        await BriefMultiselect({}).negotiate(MultiselectCommunicator(peer))
    listener = Recorded(said)
    with pytest.raises(MultiselectClientError):
        await BriefMultiselectClient().select_one_of(
            [LINK_PROTOCOL_ID], MultiselectCommunicator(listener)
        )
    assert max(peer.asked_most, listener.asked_most) <= WORD_SIZE_MAX_BYTES


async def test_who_asks_for_the_list_without_end_is_refused() -> None:
    peer = Recorded(HEADER + encode_delim(b"ls") * 10_000)
    with pytest.raises(MultiselectError):
        await BriefMultiselect({LINK_PROTOCOL_ID: None}).negotiate(MultiselectCommunicator(peer))
    assert peer.answered.count(LINK_PROTOCOL_ID.encode()) < WORDS_MAX


async def test_a_terabyte_in_place_of_a_multiplexer_ends_the_connection() -> None:
    """After Noise, py-libp2p gathers what was announced as fast as a peer can send it."""
    async with running(network("victim")) as victim, running(network("mallory")) as mallory:
        place = victim.address.partition("/p2p/")[0]
        secured, _ = await Dialling(mallory.network.host, place).secure(None)
        await secured.write(HEADER + TERABYTE)
        with trio.fail_after(SOON_S), pytest.raises(IncompleteReadError):
            await secured.read(65_536)
        await secured.close()


async def test_a_terabyte_in_place_of_a_protocol_ends_the_stream() -> None:
    async with running(network("victim")) as victim, stranger() as mallory:
        connection = await connect(mallory, victim.address)
        stream = await connection.new_stream()
        await stream.write(HEADER + TERABYTE)
        with trio.fail_after(SOON_S):
            assert await stream.read(len(HEADER)) == HEADER
            with pytest.raises((StreamReset, StreamEOF)):
                await stream.read(1)
