"""What the doctor of a running node tries from outside: the disk, the store, the socket."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import trio

from p2p.adapters.listen_addresses import Interfaces, interface_ips
from p2p.adapters.mdns_discovery import MdnsDiscovery
from p2p.adapters.system import SystemEntropy
from p2p.control.socket_path import socket_path
from p2p.daemon.disk import check_disk, check_socket, size_text
from p2p.daemon.opening import OpenedHome
from p2p.errors import LinkFailed
from p2p.node.api import Check
from p2p.node.doctor import OK, WARNING
from p2p.ports.link import Link, Network, PeerFound
from p2p.wire.ids import PeerId

ECHO_WAIT_S: Final = 8.0
"""An answer takes a second or two; the doctor's patience is 15."""


@dataclass(frozen=True, slots=True)
class NamedProbe:
    """A probe out of a function."""

    name: str
    attempt: Callable[[], Awaitable[Check]]

    async def __call__(self) -> Check:
        """Try it."""
        return await self.attempt()


def probes_for(opened: OpenedHome, network: Network) -> tuple[NamedProbe, ...]:
    """Give the probes of a running node."""
    folder = opened.home.folder

    async def disk() -> Check:
        await trio.lowlevel.checkpoint()
        return check_disk(folder)

    async def store() -> Check:
        await trio.lowlevel.checkpoint()
        size = opened.store.size_bytes()
        return Check("store", OK, f"Checked whole when the node started; {size_text(size)}.")

    async def control() -> Check:
        await trio.lowlevel.checkpoint()
        return check_socket(socket_path(folder, os.getuid()))

    async def mdns() -> Check:
        return await check_mdns(network, interface_ips)

    always = (
        NamedProbe("disk", disk),
        NamedProbe("store", store),
        NamedProbe("control-socket", control),
    )
    return (*always, NamedProbe("mdns-echo", mdns)) if opened.settings.mdns else always


class _Onlooker:
    """A network that is on none: whoever looks through it announces nothing."""

    peer_id = PeerId("")

    def addresses(self) -> tuple[str, ...]:
        """None: nobody is to dial the doctor."""
        return ()

    async def run(
        self, accept: Callable[[Link], Awaitable[None]], started: Callable[[], None]
    ) -> None:
        """Accept nobody."""
        started()
        await trio.sleep_forever()

    async def dial(self, address: str) -> Link:
        """Dial nobody."""
        raise LinkFailed(f"The doctor does not dial {address}.")


async def check_mdns(
    network: Network, interfaces: Interfaces, wait_max_s: float = ECHO_WAIT_S
) -> Check:
    """Tell whether what ``network`` announces comes back to somebody else on this machine.

    Raises:
        LinkFailed: mDNS does not work here at all.
    """
    seen = trio.Event()

    def found(sighting: PeerFound) -> None:
        if sighting.peer == network.peer_id:
            seen.set()
            patience.cancel()

    with trio.move_on_after(wait_max_s) as patience:
        onlooker = MdnsDiscovery(_Onlooker(), SystemEntropy(), interfaces)
        await onlooker.run(found, _nothing)
    if seen.is_set():
        return Check("mdns-echo", OK, "This node's announcement was seen on the local network.")
    detail = "This node's announcement was not seen: the network or a firewall blocks multicast."
    return Check("mdns-echo", WARNING, detail + " Use: molva peer add")


def _nothing() -> None:
    """Take no notice that the onlooker has begun."""
