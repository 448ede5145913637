"""Peers that keep no rules: plain py-libp2p hosts, raw sockets and other processes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import trio
from libp2p import new_host
from libp2p.abc import ISecureTransport
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.stream.net_stream import NetStream
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from multiaddr import Multiaddr

from p2p.adapters.libp2p.host import quiet_libp2p
from p2p.adapters.libp2p.network import Libp2pNetwork
from p2p.adapters.libp2p.tcp import TcpTransport
from p2p.adapters.listen_addresses import interface_ips
from p2p.wire.limits import LINK_PROTOCOL_ID

LOOPBACK = "/ip4/127.0.0.1/tcp/0"


def seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def network(name: str, listen: Sequence[str] = (LOOPBACK,)) -> Libp2pNetwork:
    return Libp2pNetwork(seed(name), list(listen))


def noise(keys: KeyPair) -> dict[TProtocol, ISecureTransport]:
    return {NOISE: NoiseTransport(keys, noise_privkey=create_noise_key_pair().private_key)}


def plaintext(keys: KeyPair) -> dict[TProtocol, ISecureTransport]:
    return {TProtocol(PLAINTEXT_PROTOCOL_ID): InsecureTransport(keys)}


@asynccontextmanager
async def stranger(name: str = "mallory", security=noise) -> AsyncIterator[BasicHost]:
    """Run a plain host of py-libp2p; it ends with its connections cut."""
    quiet_libp2p()
    keys = create_new_key_pair(seed(name))
    transport = TcpTransport(interface_ips)
    host = new_host(
        transports=[transport],
        key_pair=keys,
        sec_opt=security(keys),
        muxer_opt={TProtocol(YAMUX): Yamux},
    )
    async with host.run([Multiaddr(LOOPBACK)]):
        try:
            yield host
        finally:
            with trio.move_on_after(2) as scope:
                scope.shield = True
                await host.close()
            transport.close_now()


def address_of(host: BasicHost) -> str:
    return str(host.get_addrs()[0])


async def connect(host: BasicHost, address: str) -> SwarmConn:
    info = info_from_p2p_addr(Multiaddr(address))
    await host.connect(info)
    (connection,) = host.get_network().get_connections(info.peer_id)
    return connection


async def link_stream(host: BasicHost, address: str) -> NetStream:
    """Open a stream of the link protocol, as a neighbour does."""
    info = info_from_p2p_addr(Multiaddr(address))
    await host.connect(info)
    return await host.new_stream(info.peer_id, [TProtocol(LINK_PROTOCOL_ID)])


_CHILD = """
import sys, trio
from tests.adapters.libp2p.strangers import network

async def echo(link):
    while True:
        await link.send(await link.receive())

async def main():
    node = network(sys.argv[1])
    await node.run(echo, lambda: print(node.addresses()[0], flush=True))

trio.run(main)
"""


@contextmanager
def echoing_process(name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a node in a process of its own; gives the process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, name], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
