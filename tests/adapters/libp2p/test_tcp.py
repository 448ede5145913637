"""One TCP connection: what its socket takes at once, and what it does not."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from libp2p.io.exceptions import ConnectionClosedError

from p2p.adapters.libp2p.tcp import TcpStream


@asynccontextmanager
async def two_ends() -> AsyncIterator[tuple[TcpStream, TcpStream]]:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        near = await trio.open_tcp_stream(*listener.socket.getsockname())
        far = await listener.accept()
        near.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        async with near, far:
            yield TcpStream(near), TcpStream(far)


async def test_what_fits_is_sent_without_a_turn() -> None:
    async with two_ends() as (near, far):
        with trio.testing.assert_no_checkpoints():
            await near.write(b"hello")
        assert await far.read(5) == b"hello"


async def test_what_does_not_fit_waits_and_arrives_whole() -> None:
    data = bytes(range(256)) * 32_768
    got = bytearray()

    async def collect(far: TcpStream) -> None:
        while len(got) < len(data):
            got.extend(await far.read(65_536))

    async with two_ends() as (near, far):
        with trio.move_on_after(0.05) as patience:
            await near.write(data)
        assert patience.cancelled_caught, "the socket took 8 MiB that nobody read"
        with pytest.raises(ConnectionClosedError):
            await near.write(b"what would be read as the rest")
    async with two_ends() as (near, far), trio.open_nursery() as nursery:
        nursery.start_soon(collect, far)
        await near.write(data)
    assert bytes(got) == data


async def test_a_closed_connection_refuses_both_ends() -> None:
    async with two_ends() as (near, far):
        near.close_now()
        with pytest.raises(ConnectionClosedError):
            await near.write(b"late")
        assert await far.read(1) == b""


async def test_a_connection_that_the_other_side_reset_is_told() -> None:
    async with two_ends() as (near, far):
        far._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.close_now()
        with pytest.raises(ConnectionClosedError):
            await near.read(1)
        with pytest.raises(ConnectionClosedError):
            await near.write(b"more")
