"""Finds nodes on the local network by multicast DNS, as libp2p's specification has it.

zeroconf runs in a thread of its own. Its results come over in a bounded queue; its blocking calls
run in worker threads. The TXT record alone counts, so that nodes are seen that answer without SRV
(js-libp2p). What is announced follows the network: new addresses are announced within seconds, and
the sockets are made anew when interfaces come or go.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Final, TypeVar, cast

import trio
from zeroconf import (  # type: ignore[attr-defined]  # DNSText is there, but not in __all__
    DNSText,  # pyright: ignore[reportPrivateImportUsage]
    IPVersion,
    RecordUpdate,
    RecordUpdateListener,
    ServiceBrowser,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf import Error as ZeroconfError

from p2p.adapters.closing import shielded
from p2p.adapters.listen_addresses import Interfaces, interface_ips
from p2p.adapters.mdns_record import SERVICE, decode_txt, encode_txt
from p2p.errors import LinkFailed
from p2p.ports.entropy import Entropy
from p2p.ports.link import Network, PeerFound
from p2p.wire.ids import PeerId

SIGHTINGS_WAITING_MAX: Final = 256
"""What a flood on the local network may make wait here; the rest is lost, and comes again."""
LOOK_INTERVAL_S: Final = 5.0
"""How often addresses and interfaces are compared with what was announced."""
ANNOUNCE_INTERVAL_S: Final = 120.0
"""How often we announce ourselves unasked; the specification's records live so long."""
CLOSE_WAIT_S: Final = 3.0
_NAME_SIZE_BYTES: Final = 20
"""Random bytes of the peer-name: 40 characters of the 32 to 63 that the specification wants."""


class MdnsDiscovery:
    """Announces one network's addresses and reports others.

    Args:
        network: whose addresses and peer id to announce; must be running.
        entropy: draws the peer-name, which says nothing and is new for each run.
        interfaces: gives the addresses to use; IPv4 and loopback among them by default.
    """

    def __init__(
        self, network: Network, entropy: Entropy, interfaces: Interfaces = interface_ips
    ) -> None:
        self._network = network
        self._entropy = entropy
        self._interfaces = interfaces

    async def run(self, found: Callable[[PeerFound], None], started: Callable[[], None]) -> None:
        """Announce this node and report others until cancelled."""
        name = self._entropy.random_bytes(_NAME_SIZE_BYTES).hex()
        sightings = _Sightings(self._network.peer_id, found)
        while True:
            state = self._state()
            presence = await _open(name, state, sightings)
            try:
                started()
                await self._keep(presence)
            finally:
                sightings.stop()
                with shielded(CLOSE_WAIT_S):
                    await _in_thread(presence.close)
            sightings.resume()

    async def _keep(self, presence: _Presence) -> None:
        """Announce anew what changes; return when the interfaces do."""
        announced_s = trio.current_time()
        while True:
            await trio.sleep(LOOK_INTERVAL_S)
            state = self._state()
            if state.interfaces != presence.state.interfaces:
                return
            due = trio.current_time() - announced_s > ANNOUNCE_INTERVAL_S
            if due or state != presence.state:
                announced_s = trio.current_time()
                await _in_thread(partial(presence.announce, state))

    def _state(self) -> _State:
        ips = tuple(sorted(ip for ip in self._interfaces() if ":" not in ip and _is_ours(ip)))
        return _State(ips, self._network.addresses())


@dataclass(frozen=True, slots=True)
class _State:
    """What an announcement depends on."""

    interfaces: tuple[str, ...]
    addresses: tuple[str, ...]


class _Presence:
    """A running zeroconf; its methods block and belong into worker threads."""

    def __init__(self, name: str, state: _State, sightings: _Sightings) -> None:
        self.state = state
        self._name = name
        self._zeroconf = Zeroconf(interfaces=list(state.interfaces), ip_version=IPVersion.V4Only)
        try:
            self._zeroconf.add_listener(sightings, None)
            self._browser = ServiceBrowser(self._zeroconf, SERVICE, handlers=[_ignore])
            self._zeroconf.register_service(self._info(), cooperating_responders=True)
        except BaseException:
            self._zeroconf.close()
            raise

    def announce(self, state: _State) -> None:
        """Announce ``state``, whether it is new or not."""
        self.state = state
        self._zeroconf.update_service(self._info())

    def close(self) -> None:
        """Say goodbye and stop."""
        self._zeroconf.close()

    def _info(self) -> ServiceInfo:
        return ServiceInfo(
            SERVICE,
            f"{self._name}.{SERVICE}",
            port=_port(self.state.addresses),
            properties=encode_txt(self.state.addresses),
            server=f"{self._name}.local.",
            parsed_addresses=list(self.state.interfaces),
        )


_Given = TypeVar("_Given")


async def _in_thread(call: Callable[[], _Given]) -> _Given:
    """Make a blocking call in a worker thread, to its end: half a zeroconf cannot be closed."""
    run = cast(
        "Callable[..., Awaitable[_Given]]",
        trio.to_thread.run_sync,  # pyright: ignore[reportUnknownMemberType]
    )
    return await run(call)


async def _open(name: str, state: _State, sightings: _Sightings) -> _Presence:
    if not state.interfaces:
        raise LinkFailed("mDNS does not work here: there is no IPv4 interface.")
    try:
        return await _in_thread(partial(_Presence, name, state, sightings))
    except (OSError, ZeroconfError, RuntimeError) as error:
        reason = str(error) or type(error).__name__
        raise LinkFailed(f"mDNS does not work here: {reason}.") from error


def _is_ours(ip: str) -> bool:
    """Tell whether a socket can have this address now: interfaces come and go."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((ip, 0))
        except OSError:
            return False
    return True


def _port(addresses: Sequence[str]) -> int:
    """Give a port for the SRV record, which nobody needs: the TXT record has all."""
    ports = (int(address.split("/")[4]) for address in addresses)
    return next(ports, 1)


def _ignore(
    zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
) -> None:
    """Take no notice: the browser is there to ask, the listener hears the answers."""


class _Sightings(RecordUpdateListener):
    """Hands TXT records over from zeroconf's thread to trio's."""

    def __init__(self, own: PeerId, found: Callable[[PeerFound], None]) -> None:
        super().__init__()
        self._own = own
        self._found = found
        self._token = trio.lowlevel.current_trio_token()
        self._lock = Lock()
        self._waiting: deque[bytes] = deque()
        self._stopped = False

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        """Take what a packet brought (zeroconf's thread)."""
        for update in records:
            record = update.new
            if isinstance(record, DNSText) and record.name.lower().endswith(f".{SERVICE}"):
                self._offer(record.text)

    def _offer(self, text: bytes) -> None:
        with self._lock:
            if self._stopped or len(self._waiting) >= SIGHTINGS_WAITING_MAX:
                return
            self._waiting.append(text)
            first = len(self._waiting) == 1
        if first:
            try:
                self._token.run_sync_soon(  # pyright: ignore[reportUnknownMemberType]
                    self._hand_over
                )
            except trio.RunFinishedError:
                self.stop()

    def _hand_over(self) -> None:
        """Report what waits (trio's thread)."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            if self._stopped:
                return
        for text in waiting:
            sighting = decode_txt(text)
            if sighting is not None and sighting.peer != self._own:
                self._found(sighting)

    def stop(self) -> None:
        """Report nothing more."""
        with self._lock:
            self._stopped = True
            self._waiting.clear()

    def resume(self) -> None:
        """Report again."""
        with self._lock:
            self._stopped = False
