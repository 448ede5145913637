"""Finds nodes over the internet by a Kademlia DHT of our own; no server is needed but one address.

All nodes of a network provide one rendezvous key, which changes each day, and ask who else does.
A node's routing table holds peers of the same network, and they count as found too. Entry to the
network are the bootstrap addresses and any neighbour, however it was met.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from p2p.errors import InvalidInput, LinkFailed
from p2p.ports.clock import Clock
from p2p.ports.entropy import Entropy
from p2p.ports.link import PeerFound

if TYPE_CHECKING:
    from p2p.adapters.libp2p.host import Libp2pHost
    from p2p.adapters.libp2p.kad import MolvaDht

NETWORK_NAME: Final = "molva"
DAY_S: Final = 86_400
SHA2_256_MULTIHASH: Final = b"\x12\x20"
"""The code of SHA-256 and its length, before the 32 bytes."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DhtTimes:
    """How often, and how long.

    Attributes:
        round_first_s, round_max_s: from one round to the next; it doubles, with a quarter of
            jitter, and begins anew when nobody is left.
        refresh_s: how often the whole key space is looked over; every look-up adds to the routing
            table as well, so this is rare.
        provide_s: how often the rendezvous key is provided: a small part of the two days that
            records live, and far below the ten in ten seconds that peers take.
        look_up_max_s: a look-up that meets dead peers would take minutes.
    """

    round_first_s: float = 5.0
    round_max_s: float = 600.0
    refresh_s: float = 1_800.0
    provide_s: float = 1_800.0
    look_up_max_s: float = 15.0


def rendezvous_key(network: str, day: int) -> bytes:
    """Give the key that nodes of a network meet at on a day (days since 1970): 34 bytes.

    It is a multihash, as libp2p's Kademlia wants it of what is provided: js-libp2p resets a stream
    that names anything else. Py-libp2p's look-ups refuse keys above 50 bytes.
    """
    text = f"molva rendezvous 1\0{network}\0{day}"
    return SHA2_256_MULTIHASH + hashlib.sha256(text.encode()).digest()


class DhtDiscovery:
    """Takes part in the DHT on a node's own host.

    Args:
        host: the host of the node's network; runs as long as that does.
        bootstrap: multiaddresses of nodes in the network, with or without peer id.
    """

    def __init__(
        self,
        host: Libp2pHost,
        bootstrap: Sequence[str],
        entropy: Entropy,
        clock: Clock,
        *,
        network: str = NETWORK_NAME,
        times: DhtTimes | None = None,
    ) -> None:
        self._host = host
        self._bootstrap = tuple(bootstrap)
        self._entropy = entropy
        self._clock = clock
        self._network = network
        self._times = times or DhtTimes()
        self._refresh_at_s = 0.0
        self._provide_at_s = 0.0

    async def run(self, found: Callable[[PeerFound], None], started: Callable[[], None]) -> None:
        """Serve the DHT and report others until cancelled."""
        await self._host.wait_running()
        from p2p.adapters.libp2p.kad import MolvaDht

        dht = MolvaDht(self._host)
        self._refresh_at_s = self._provide_at_s = 0.0
        try:
            started()
            await self._rounds(dht, found)
        finally:
            dht.close()

    async def _rounds(self, dht: MolvaDht, found: Callable[[PeerFound], None]) -> None:
        wait_s = self._times.round_first_s
        while True:
            await self._round(dht, found)
            await trio.sleep(wait_s * (0.75 + self._entropy.uniform() / 2))
            alone = dht.size() == 0
            wait_s = min(2 * wait_s, self._times.round_max_s)
            if alone:
                wait_s = min(wait_s, 8 * self._times.round_first_s)

    async def _round(self, dht: MolvaDht, found: Callable[[PeerFound], None]) -> None:
        await self._within(dht.adopt_neighbours)
        if dht.size() == 0:
            await self._enter(dht)
            self._refresh_at_s = self._provide_at_s = 0.0
        if dht.size() == 0:
            return
        if trio.current_time() >= self._refresh_at_s:
            self._refresh_at_s = trio.current_time() + self._times.refresh_s
            await self._within(dht.refresh)
        today = int(self._clock.now()) // DAY_S
        if trio.current_time() >= self._provide_at_s:
            self._provide_at_s = trio.current_time() + self._times.provide_s
            for day in (today, today + 1):  # for clocks that are a day ahead
                await self._within(partial(dht.provide, rendezvous_key(self._network, day)))
        sightings: list[PeerFound] = []

        async def ask() -> None:
            sightings.extend(await dht.providers(rendezvous_key(self._network, today)))

        await self._within(ask)
        for sighting in (*sightings, *dht.table()):
            found(sighting)

    async def _enter(self, dht: MolvaDht) -> None:
        async with trio.open_nursery() as nursery:
            for address in self._bootstrap:
                nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
                    self._within, partial(dht.join, address)
                )

    async def _within(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take one step of a round; whatever strangers answer, the next round comes."""
        try:
            with trio.move_on_after(self._times.look_up_max_s):
                await step()
        except (LinkFailed, InvalidInput) as error:
            _logger.debug("DHT: %s", error)
        except Exception as error:  # py-libp2p raises what its parsers raise
            _logger.debug("DHT: %r", error)
