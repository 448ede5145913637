"""What only the libp2p network does: addresses, dialling real sockets, neighbours that die."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys

import base58
import pytest
import trio
from libp2p.network.stream.net_stream import NetStream

from p2p.adapters.libp2p import network as libp2p_network
from p2p.adapters.libp2p.host import peer_id_of
from p2p.adapters.libp2p.tcp import TcpStream, TcpTransport
from p2p.errors import InvalidInput, LinkFailed
from p2p.ports.link import Link
from tests.adapters.libp2p.strangers import (
    address_of,
    echoing_process,
    link_stream,
    network,
    seed,
    stranger,
)
from tests.ports.link_contract import PATIENCE_S, Node, collect, ended, running


def test_importing_the_adapter_does_not_import_libp2p() -> None:
    code = "import sys, p2p.adapters.libp2p.network; assert 'libp2p' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_peer_id_is_that_of_the_seed() -> None:
    """The test vector of RFC 8032, section 7.1, test 1, in libp2p's encoding."""
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    identity_hash_of_ed25519 = bytes.fromhex("002408011220")
    assert base58.b58encode(identity_hash_of_ed25519 + public).decode() == peer_id_of(secret)
    assert network("alice").peer_id == peer_id_of(seed("alice"))


async def test_all_interfaces_are_announced_as_concrete_addresses() -> None:
    async with running(network("alice", ["/ip4/0.0.0.0/tcp/0"])) as alice:
        addresses = alice.network.addresses()
        assert addresses
        assert not any("/0.0.0.0/" in address for address in addresses)
        assert addresses[-1].startswith("/ip4/127.0.0.1/tcp/")
        async with running(network("bob")) as bob:
            link = await bob.network.dial(addresses[-1])
            assert link.peer == alice.network.peer_id


async def test_ipv6_links_know_where_the_other_end_is() -> None:
    async with (
        running(network("alice", ["/ip6/::1/tcp/0"])) as alice,
        running(network("bob")) as bob,
    ):
        await bob.network.dial(alice.address)
        back = await alice.inbound()
        assert back.address.startswith("/ip6/::1/tcp/")


async def test_an_address_that_is_taken_is_not_shared() -> None:
    async with running(network("alice")) as alice:
        taken = alice.address.partition("/p2p/")[0]
        with pytest.raises(LinkFailed, match="Cannot listen"):
            await network("bob", [taken]).run(_nobody, _never)


async def test_an_address_of_another_machine_cannot_be_had() -> None:
    with pytest.raises(LinkFailed, match="Cannot listen"):
        await network("bob", ["/ip4/192.0.2.1/tcp/0"]).run(_nobody, _never)


def test_listening_needs_a_tcp_address() -> None:
    with pytest.raises(InvalidInput):
        network("bob", ["/ip4/127.0.0.1/udp/0/quic-v1"])


async def test_a_network_runs_once_at_a_time() -> None:
    async with running(network("alice")) as alice:
        with pytest.raises(LinkFailed, match="running already"):
            await alice.network.run(_nobody, _never)


async def test_a_peer_without_our_protocol() -> None:
    async with running(network("alice")) as alice, stranger() as other:
        with pytest.raises(LinkFailed, match="does not speak /molva/link/1"):
            await alice.network.dial(address_of(other))


async def test_a_peer_that_hangs_up_is_not_called_one_without_our_protocol() -> None:
    async def hang_up(stream: NetStream) -> None:
        await stream.swarm_conn.close()

    async with running(network("alice")) as alice, stranger() as other:
        other.get_network().set_stream_handler(hang_up)
        with pytest.raises(LinkFailed, match="hung up before there was a link"):
            await alice.network.dial(address_of(other))


async def test_a_peer_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libp2p_network, "DIAL_TIMEOUT_S", 0.3)
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    async with listener, running(network("alice")) as alice:
        with pytest.raises(LinkFailed, match="did not answer within"):
            await alice.network.dial(f"/ip4/127.0.0.1/tcp/{port}")


async def test_a_dns_name_can_be_dialled() -> None:
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        port = bob.address.split("/")[4]
        link = await alice.network.dial(f"/dns4/localhost/tcp/{port}/p2p/{bob.network.peer_id}")
        assert link.peer == bob.network.peer_id


async def test_a_write_that_is_cut_off_ends_the_link() -> None:
    """Half a frame on the wire: what follows would be read as its rest."""
    async with running(network("alice")) as alice, stranger() as stalling:
        await link_stream(stalling, alice.address)
        back = await alice.inbound()
        with trio.move_on_after(1.0):
            await back.send([bytes(60_000)] * 500)
        await ended(back)


async def test_a_write_that_is_cancelled_before_it_begins_harms_nothing() -> None:
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        link = await alice.network.dial(bob.address)
        back = await bob.inbound()
        with trio.CancelScope() as scope:
            scope.cancel()
            await link.send([bytes(60_000)])
        await link.send([b"hello"])
        assert await collect(back, 1) == [b"hello"]


async def test_last_words_arrive_before_the_end() -> None:
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        link = await alice.network.dial(bob.address)
        back = await bob.inbound()
        await link.send([b"bye"] * 500)
        await link.aclose()
        assert await collect(back, 500) == [b"bye"] * 500


async def test_a_neighbour_that_comes_back_replaces_its_old_link() -> None:
    """A device lost its power: its old connection still looks open from here."""
    smaller, larger = sorted(["alice", "bob"], key=lambda name: network(name).peer_id)
    async with running(network(larger)) as stays:
        with echoing_process(smaller) as (process, address):
            old = await stays.network.dial(address)
            process.send_signal(signal.SIGSTOP)
            async with running(network(smaller)) as comes_back:
                new = await comes_back.network.dial(stays.address)
                await new.send([b"back again"])
                assert await collect(await stays.inbound(), 1) == [b"back again"]
                await ended(old)
            process.send_signal(signal.SIGCONT)


async def test_a_neighbour_may_come_and_go_without_a_pause() -> None:
    """Connections that are being closed do not count against it."""
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        for _ in range(10):
            link = await alice.network.dial(bob.address)
            await bob.inbound()
            await link.aclose()


async def test_a_killed_neighbour_is_noticed() -> None:
    async with running(network("alice")) as alice:
        with echoing_process("bob") as (process, address):
            link = await alice.network.dial(address)
            await link.send([b"hello"])
            assert await collect(link, 1) == [b"hello"]
            process.kill()
            await ended(link)


async def test_a_link_gone_dark_is_noticed() -> None:
    async with running(network("alice")) as alice:
        with echoing_process("bob") as (process, address):
            link = await alice.network.dial(address)
            await link.send([b"hello"])
            assert await collect(link, 1) == [b"hello"]
            process.send_signal(signal.SIGSTOP)
            await ended(link)
            process.send_signal(signal.SIGCONT)


async def test_a_busy_reader_is_not_taken_for_dark() -> None:
    """Frames unread by the node do not stop the link from answering pings."""
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        link = await alice.network.dial(bob.address)
        back = await bob.inbound()
        await link.send([bytes(60_000)] * 50)
        await trio.sleep(0.5)
        assert len(await collect(back, 50)) == 50


async def test_much_both_ways_at_once_over_sockets_that_hold_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every write waits for the other side to read, and both sides ping all the while."""
    wrap = TcpTransport.wrap

    def narrow(transport: TcpTransport, stream: trio.SocketStream) -> TcpStream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2_048)
        return wrap(transport, stream)

    monkeypatch.setattr(TcpTransport, "wrap", narrow)
    drawn = random.Random(7)
    sizes = [0, 1, 30, 700, 5_000, 60_000]
    there, here = ([drawn.randbytes(drawn.choice(sizes)) for _ in range(200)] for _ in range(2))
    async with running(network("alice")) as alice, running(network("bob")) as bob:
        out = await alice.network.dial(bob.address)
        back = await bob.inbound()
        alive: list[bool] = []

        async def ping(node: Node) -> None:
            ((connection,),) = node.network.host.swarm.connections.values()
            while True:
                alive.append(await connection.muxed_conn.answers(PATIENCE_S))
                await trio.sleep(0.001)

        async def send(link: Link, frames: list[bytes]) -> None:
            for first in range(0, len(frames), 7):
                await link.send(frames[first : first + 7])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping, alice)
            nursery.start_soon(ping, bob)
            nursery.start_soon(send, out, there)
            nursery.start_soon(send, back, here)
            async with trio.open_nursery() as readers:
                readers.start_soon(_expect, back, there)
                readers.start_soon(_expect, out, here)
            nursery.cancel_scope.cancel()
        assert alive
        assert all(alive)


async def _expect(link: Link, frames: list[bytes]) -> None:
    assert await collect(link, len(frames)) == frames


async def _nobody(link: object) -> None:
    raise AssertionError("nobody was to come")


def _never() -> None:
    raise AssertionError("it was not to start")
