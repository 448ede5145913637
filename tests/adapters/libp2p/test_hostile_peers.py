"""Every defence of the libp2p adapter, attacked on loopback."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
import trio
from libp2p.host.ping import ID as PING
from libp2p.network.stream.exceptions import StreamError
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.id import ID
from libp2p.protocol_muxer.exceptions import MultiselectClientError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.stream_muxer.yamux.yamux import (
    FLAG_SYN,
    TYPE_DATA,
    TYPE_PING,
    TYPE_WINDOW_UPDATE,
    YAMUX_HEADER_FORMAT,
)

from p2p.adapters.framing import UNREAD_MAX_BYTES
from p2p.adapters.libp2p import health as libp2p_health
from p2p.adapters.libp2p import muxer as libp2p_muxer
from p2p.adapters.libp2p.muxer import (
    SMALL_FRAMES_BURST_MAX,
    STREAMS_BURST_MAX,
    STREAMS_INBOUND_MAX,
    BoundedYamux,
)
from p2p.adapters.libp2p.swarm import CONNECTIONS_PER_PEER_MAX
from p2p.adapters.libp2p.tcp import HALF_OPEN_MAX
from p2p.errors import LimitExceeded, LinkFailed
from p2p.ports.link import Link
from p2p.wire.frames import Taken, encode_frame
from p2p.wire.limits import LINK_PROTOCOL_ID
from tests.adapters.libp2p.strangers import (
    address_of,
    connect,
    link_stream,
    network,
    plaintext,
    seed,
    stranger,
)
from tests.ports.link_contract import PATIENCE_S, Node, collect, ended, read_on, running


@asynccontextmanager
async def victim_with_a_friend() -> AsyncIterator[tuple[Node, Link, Link]]:
    """A node and both ends of an honest link to it, which must outlive every attack."""
    async with running(network("victim")) as victim, running(network("friend")) as friend:
        there = await friend.network.dial(victim.address)
        here = await victim.inbound()
        yield victim, here, there
        await there.send([b"still with you"])
        assert await collect(here, 1) == [b"still with you"]


def muxed_of(victim: Node, name: str) -> list[BoundedYamux]:
    """The connections of a peer, as the victim sees them."""
    swarm = victim.network.host.swarm
    peer = network(name).peer_id
    return [
        one.muxed_conn
        for peer_id, connections in swarm.connections.items()
        for one in connections
        if str(peer_id) == peer
    ]


async def until_dropped(connection) -> None:
    with trio.fail_after(PATIENCE_S):
        await connection.event_closed.wait()


async def write_yamux(connection, kind: int, flags: int, stream_id: int, body: bytes) -> None:
    header = struct.pack(YAMUX_HEADER_FORMAT, 0, kind, flags, stream_id, len(body))
    await connection.muxed_conn._write_frame(header + body)


async def test_five_thousand_streams_cost_the_connection() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        connection = await connect(mallory, victim.address)
        (seen,) = muxed_of(victim, "mallory")
        most = 0
        for number in range(5_000):
            stream_id = 1_001 + 2 * number
            with suppress(Exception):  # dropped meanwhile
                await write_yamux(connection, TYPE_WINDOW_UPDATE, FLAG_SYN, stream_id, b"")
            most = max(most, len(seen.streams))
        await until_dropped(connection)
        assert most <= STREAMS_INBOUND_MAX + 20


async def test_streams_opened_and_reset_without_end_cost_the_connection() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        connection = await connect(mallory, victim.address)
        opened = 0
        with trio.move_on_after(PATIENCE_S):
            with suppress(Exception):  # the connection is gone, as it should be
                while opened < 4 * STREAMS_BURST_MAX:
                    stream = await connection.new_stream()
                    opened += 1
                    await stream.reset()
        await until_dropped(connection)
        assert opened < 4 * STREAMS_BURST_MAX


@pytest.mark.parametrize(
    ("kind", "flags", "body"),
    [
        (TYPE_PING, FLAG_SYN, b""),
        (TYPE_WINDOW_UPDATE, 0, b""),
        (TYPE_WINDOW_UPDATE, FLAG_SYN, b""),
        (TYPE_DATA, 0, b""),
        (TYPE_DATA, 0, b"x"),
    ],
    ids=["pings", "window-updates", "openings-of-one-stream", "nothing", "crumbs"],
)
async def test_small_frames_without_end_cost_the_connection(
    kind: int, flags: int, body: bytes
) -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        connection = await connect(mallory, victim.address)
        header = struct.pack(YAMUX_HEADER_FORMAT, 0, kind, flags, 1_001, len(body))
        sent = 0
        with trio.move_on_after(PATIENCE_S):
            with suppress(Exception):  # the connection is gone, as it should be
                while sent < 20 * SMALL_FRAMES_BURST_MAX:
                    await connection.muxed_conn._write_frame((header + body) * 500)
                    sent += 500
        await until_dropped(connection)
        assert sent >= SMALL_FRAMES_BURST_MAX


async def test_what_a_neighbour_has_to_say_is_not_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortest frame that is sent for each message, one by one, is charged nothing."""
    monkeypatch.setattr(libp2p_muxer, "SMALL_FRAMES_BURST_MAX", 30)
    monkeypatch.setattr(libp2p_muxer, "SMALL_FRAMES_RATE_PER_S", 0.0)
    taken = encode_frame(Taken((bytes(32),)))
    async with victim_with_a_friend() as (_, here, there):
        for _ in range(100):
            await there.send([taken])
        assert await collect(here, 100) == [taken] * 100


async def test_a_second_link_stream_costs_the_first_too() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        await link_stream(mallory, victim.address)
        back = await victim.inbound()
        with suppress(Exception):  # dropped meanwhile
            await link_stream(mallory, victim.address)
        await ended(back)
        assert victim.nothing_waits()


async def test_a_link_stream_on_a_connection_that_we_dialled_costs_itself_alone() -> None:
    """js-libp2p opens what it wants on the connection that it has; the link on it stays."""
    async with running(network("victim")) as victim, running(network("friend")) as friend:
        link = await victim.network.dial(friend.address)
        back = await friend.inbound()
        (connection,) = next(iter(friend.network.host.swarm.connections.values()))
        for _ in range(3):
            with trio.fail_after(PATIENCE_S), pytest.raises((StreamError, MultiselectClientError)):
                await _open_link(friend, await connection.new_stream())
        await back.send([b"still here"])
        assert await link.receive() == [b"still here"]
        assert victim.nothing_waits()


async def _open_link(node: Node, stream: NetStream) -> None:
    """Name the link protocol on a stream, and wait for what the other side says."""
    client = node.network.host.basic.multiselect_client
    await client.select_one_of([LINK_PROTOCOL_ID], MultiselectCommunicator(stream))
    await stream.read(1)


async def test_one_peer_cannot_take_all_connections() -> None:
    async with victim_with_a_friend() as (victim, _, _):
        async with trio.open_nursery() as nursery:
            for _ in range(3 * CONNECTIONS_PER_PEER_MAX):
                nursery.start_soon(_connect_once, victim.address)
        assert len(muxed_of(victim, "mallory")) <= CONNECTIONS_PER_PEER_MAX


async def _connect_once(address: str) -> None:
    with trio.move_on_after(1):
        async with stranger() as mallory:
            with suppress(Exception):  # dropped at once
                await connect(mallory, address)
            await trio.sleep_forever()


async def test_a_writer_that_ignores_the_window_is_dropped() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        stream = await link_stream(mallory, victim.address)
        back = await victim.inbound()
        body = struct.pack("!I", 50_000) + bytes(50_000)
        most = 0
        with trio.move_on_after(PATIENCE_S):
            with suppress(Exception):  # the connection is gone, as it should be
                for _ in range(40 * UNREAD_MAX_BYTES // len(body)):
                    await write_yamux(
                        stream.swarm_conn, TYPE_DATA, 0, stream.muxed_stream.stream_id, body
                    )
                    most = max(most, back._frames_bytes)
        await until_dropped(stream.swarm_conn)
        with pytest.raises(LimitExceeded):
            await read_on(back)
        assert most <= UNREAD_MAX_BYTES


async def test_data_that_no_handler_reads_is_bounded() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        connection = await connect(mallory, victim.address)
        (seen,) = muxed_of(victim, "mallory")
        unread = await seen.open_stream()
        most = 0
        with trio.move_on_after(PATIENCE_S):
            with suppress(Exception):  # the connection is gone, as it should be
                while True:
                    await write_yamux(connection, TYPE_DATA, 0, unread.stream_id, bytes(60_000))
                    most = max(most, sum(map(len, seen.stream_buffers.values())))
        await until_dropped(connection)
        assert 0 < most <= UNREAD_MAX_BYTES


async def test_a_huge_yamux_frame_is_not_read() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        stream = await link_stream(mallory, victim.address)
        back = await victim.inbound()
        header = struct.pack(
            YAMUX_HEADER_FORMAT, 0, TYPE_DATA, 0, stream.muxed_stream.stream_id, 15 << 20
        )
        await stream.muxed_conn._write_frame(header)
        await until_dropped(stream.swarm_conn)
        await ended(back)


async def test_a_frame_too_long_is_refused_before_it_is_read() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        stream = await link_stream(mallory, victim.address)
        back = await victim.inbound()
        await stream.write(struct.pack("!I", 2**31))
        with trio.fail_after(PATIENCE_S), pytest.raises(LimitExceeded):
            await back.receive()
        await until_dropped(stream.swarm_conn)


async def test_a_neighbour_that_takes_nothing_is_given_up() -> None:
    """Its window fills, and a write that waits five seconds for it fails."""
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        await link_stream(mallory, victim.address)
        back = await victim.inbound()

        async def write_on() -> None:
            while True:
                await back.send([bytes(60_000)])

        with trio.fail_after(PATIENCE_S), pytest.raises(LinkFailed):
            await write_on()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET /robots.txt HTTP/1.1\r\nHost: example.org\r\nUser-Agent: some scanner\r\n\r\n",
        bytes(5_000),
        b"\x13/multistream/1.0.0\n\x07/noise\n" + bytes(999),
    ],
    ids=["http", "zeroes", "noise-of-zeroes"],
)
async def test_garbage_ends_its_own_connection(garbage: bytes) -> None:
    async with victim_with_a_friend() as (victim, _, _):
        stream = await trio.open_tcp_stream("127.0.0.1", _port(victim.address))
        async with stream:
            with trio.fail_after(PATIENCE_S):
                await stream.send_all(garbage)
                await _until_closed(stream)


async def test_half_open_connections_leave_room_for_others() -> None:
    async with victim_with_a_friend() as (victim, _, _):
        sockets: list[trio.SocketStream] = []
        for _ in range(2 * HALF_OPEN_MAX):
            sockets.append(await trio.open_tcp_stream("127.0.0.1", _port(victim.address)))
            await sockets[-1].send_all(b"\x13/multistream")
        async with running(network("late")) as late:
            link = await late.network.dial(victim.address)
            await link.send([b"let me in"])
            assert await collect(await victim.inbound(), 1) == [b"let me in"]
        with trio.fail_after(PATIENCE_S):
            for stream in sockets[:HALF_OPEN_MAX]:
                await _until_closed(stream)
        for stream in sockets:
            await stream.aclose()


async def test_connections_without_a_link_give_way_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who holds streams open on them would otherwise keep every place for ever."""
    monkeypatch.setattr(libp2p_health, "ESTABLISHED_MAX", 3)
    async with victim_with_a_friend() as (victim, _, _), AsyncExitStack() as strangers:
        held = []
        for number in range(3):
            host = await strangers.enter_async_context(stranger(f"mallory {number}"))
            held.append(await connect(host, victim.address))
            await host.new_stream(ID.from_base58(victim.network.peer_id), [PING])
        await until_dropped(held[0])
        assert not held[1].is_closed
        assert not held[2].is_closed


async def test_places_of_closed_connections_are_free_again() -> None:
    """py-libp2p holds an inbound place until the host stops: 300 visits and it is deaf."""
    async with running(network("victim")) as victim, running(network("visitor")) as visitor:
        limiter = victim.network.host.swarm._inbound_limiter
        for _ in range(5):
            link = await visitor.network.dial(victim.address)
            await ended_after_close(link, await victim.inbound())
        with trio.fail_after(PATIENCE_S):
            while limiter.borrowed_tokens:
                await trio.sleep(0.01)


async def ended_after_close(link: Link, other: Link) -> None:
    await link.aclose()
    await ended(other)


async def test_plaintext_is_refused_when_it_knocks() -> None:
    async with (
        victim_with_a_friend() as (victim, _, _),
        stranger(security=plaintext) as mallory,
    ):
        with trio.move_on_after(3), suppress(Exception):
            await connect(mallory, victim.address)
        assert muxed_of(victim, "mallory") == []
        assert victim.nothing_waits()


async def test_plaintext_is_refused_when_it_is_dialled() -> None:
    async with (
        victim_with_a_friend() as (victim, _, _),
        stranger(security=plaintext) as mallory,
    ):
        with pytest.raises(LinkFailed, match="does not offer Noise"):
            await victim.network.dial(address_of(mallory))


async def test_nobody_can_pretend_to_be_somebody_else() -> None:
    async with victim_with_a_friend() as (victim, _, _), stranger() as mallory:
        place = address_of(mallory).partition("/p2p/")[0]
        bob = network("bob").peer_id
        with pytest.raises(LinkFailed, match="omebody else"):
            await victim.network.dial(f"{place}/p2p/{bob}")
        assert seed("bob") != seed("mallory")


def _port(address: str) -> int:
    return int(address.split("/")[4])


async def _until_closed(stream: trio.SocketStream) -> None:
    try:
        while await stream.receive_some(65_536):
            continue
    except (trio.BrokenResourceError, OSError):
        return
