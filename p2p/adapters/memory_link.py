"""A network in memory: for tests of what stands above links, under trio's virtual clock.

A :class:`MemoryWorld` is a set of nodes, its latency, and who cannot reach whom. It gives
one :class:`MemoryNetwork` per node, which keeps the port's promises: one link per neighbour, a
neighbour that floods is dropped, a broken link says so at both ends. Nothing here draws randomness
or starts tasks of its own, so that a run under ``MockClock`` repeats exactly.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence

import trio

from p2p.adapters.closing import shielded
from p2p.adapters.framing import UNREAD_MAX_BYTES, unread_size
from p2p.adapters.one_link import DIAL_TIMEOUT_S, LinkRegister, Refused
from p2p.errors import InvalidInput, LimitExceeded, LinkFailed, MolvaError
from p2p.ports.link import Link
from p2p.wire.ids import PeerId
from p2p.wire.limits import FRAME_SIZE_MAX_BYTES

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_logger = logging.getLogger(__name__)


def memory_peer_id(name: str) -> PeerId:
    """Give a peer id of the usual form for a name: the same name, the same id."""
    key = hashlib.sha256(b"molva memory peer " + name.encode()).digest()
    number = int.from_bytes(bytes.fromhex("002408011220") + key, "big")
    digits: list[str] = []
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return PeerId("1" + "".join(reversed(digits)))


class MemoryWorld:
    """Nodes that may reach each other.

    Args:
        latency_s: how long every frame is under way; order is kept.
    """

    def __init__(self, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self._networks: dict[str, MemoryNetwork] = {}
        self._listening: dict[PeerId, MemoryNetwork] = {}
        self._cuts: set[frozenset[PeerId]] = set()
        self._islands: tuple[frozenset[PeerId], ...] = ()

    def network(self, name: str) -> MemoryNetwork:
        """Give the network of the node called ``name``: one node, one network."""
        if name not in self._networks:
            place = len(self._networks) + 1
            self._networks[name] = MemoryNetwork(self, memory_peer_id(name), place)
        return self._networks[name]

    def cut(self, one: PeerId, other: PeerId) -> None:
        """Break the links between two nodes, and let neither dial the other."""
        self._cuts.add(frozenset((one, other)))
        self._break_unreachable()

    def partition(self, *islands: Collection[PeerId]) -> None:
        """Divide the world: nodes of different islands, and of none, do not reach each other."""
        self._islands = tuple(frozenset(island) for island in islands)
        self._break_unreachable()

    def heal(self) -> None:
        """Undo all cuts and partitions; links do not come back by themselves."""
        self._cuts.clear()
        self._islands = ()

    def reachable(self, one: PeerId, other: PeerId) -> bool:
        """Tell whether two nodes can have a link now."""
        if frozenset((one, other)) in self._cuts:
            return False
        return not self._islands or any(one in isle and other in isle for isle in self._islands)

    def listener(self, peer: PeerId) -> MemoryNetwork | None:
        """Give the network of a node that runs, or None."""
        return self._listening.get(peer)

    def start(self, network: MemoryNetwork) -> None:
        """Let a node be dialled."""
        self._listening[network.peer_id] = network

    def end(self, network: MemoryNetwork) -> None:
        """Let a node be dialled no more."""
        self._listening.pop(network.peer_id, None)

    def peer_at(self, place: int) -> PeerId | None:
        """Give who lives at ``/memory/<place>``, or None."""
        for network in self._networks.values():
            if network.place == place:
                return network.peer_id
        return None

    def _break_unreachable(self) -> None:
        for network in list(self._listening.values()):
            for link in network.links():
                if not self.reachable(network.peer_id, link.peer):
                    link.fail(LinkFailed(f"The link to {link.peer} broke."))


class MemoryLink:
    """One end of a link in memory."""

    def __init__(
        self, network: MemoryNetwork, peer: PeerId, address: str, *, outbound: bool
    ) -> None:
        self._network = network
        self._peer = peer
        self._address = address
        self._outbound = outbound
        self._other: MemoryLink | None = None
        self._incoming: deque[tuple[float, bytes]] = deque()
        self._incoming_bytes = 0
        self._failure: MolvaError | None = None
        self._ends_at_s = 0.0
        self._changed = trio.Event()

    @property
    def peer(self) -> PeerId:
        """The neighbour."""
        return self._peer

    @property
    def address(self) -> str:
        """Where the neighbour lives."""
        return self._address

    @property
    def outbound(self) -> bool:
        """Whether this node dialled."""
        return self._outbound

    @property
    def other(self) -> MemoryLink:
        """The end at the neighbour."""
        assert self._other is not None, "a link has two ends"
        return self._other

    @other.setter
    def other(self, other: MemoryLink) -> None:
        self._other = other

    async def send(self, frames: Sequence[bytes]) -> None:
        """Hand frames to the other end, where they arrive after the world's latency."""
        await trio.lowlevel.checkpoint()
        if self._failure is not None:
            raise LinkFailed(f"The link to {self._peer} is closed.")
        due_s = trio.current_time() + self._network.latency_s
        for frame in frames:
            assert len(frame) <= FRAME_SIZE_MAX_BYTES, "a frame too long is our own mistake"
            self.other.arrive(due_s, bytes(frame))

    def arrive(self, due_s: float, frame: bytes) -> None:
        """Take one frame that may be read from ``due_s`` on."""
        if self._failure is not None:
            return
        self._incoming.append((due_s, frame))
        self._incoming_bytes += unread_size(frame)
        if self._incoming_bytes > UNREAD_MAX_BYTES:
            self.fail(LimitExceeded(f"{self._peer} sent more than may be left unread."))
        self._wake()

    async def receive(self) -> list[bytes]:
        """Wait for frames that are due and give all of them."""
        await trio.lowlevel.checkpoint()
        while True:
            now_s = trio.current_time()
            frames = self._due(now_s)
            if frames:
                return frames
            if self._failure is not None and self._ends_at_s <= now_s:
                raise self._failure
            await self._wait(now_s)

    def _due(self, now_s: float) -> list[bytes]:
        frames: list[bytes] = []
        while self._incoming and self._incoming[0][0] <= now_s:
            frame = self._incoming.popleft()[1]
            self._incoming_bytes -= unread_size(frame)
            frames.append(frame)
        return frames

    async def _wait(self, now_s: float) -> None:
        next_s = self._incoming[0][0] if self._incoming else math.inf
        if self._failure is not None:
            next_s = min(next_s, self._ends_at_s)
        self._changed = trio.Event()
        with trio.move_on_after(next_s - now_s):
            await self._changed.wait()

    def fail(self, failure: MolvaError) -> None:
        """End the link at once at both ends; what is under way is lost."""
        now_s = trio.current_time()
        self.drop(failure, now_s)
        self.other.drop(LinkFailed(f"The link to {self.other.peer} broke."), now_s)

    def drop(self, failure: MolvaError, at_s: float) -> None:
        """End here: what was to arrive after ``at_s`` is lost, reading fails from then on."""
        if self._failure is not None:
            return
        self._failure = failure
        self._ends_at_s = at_s
        self._network.forget(self)
        while self._incoming and self._incoming[-1][0] > at_s:
            self._incoming.pop()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()

    async def aclose(self) -> None:
        """Close the link: what was sent before still arrives at the other end."""
        now_s = trio.current_time()
        self.drop(LinkFailed(f"The link to {self._peer} is closed."), now_s)
        self._incoming.clear()
        ended = LinkFailed(f"{self.other.peer} closed the link.")
        self.other.drop(ended, now_s + self._network.latency_s)
        await trio.lowlevel.checkpoint()


class MemoryNetwork:
    """The network of one node in a :class:`MemoryWorld`; addresses are ``/memory/<place>``."""

    def __init__(self, world: MemoryWorld, peer_id: PeerId, place: int) -> None:
        self._world = world
        self._peer_id = peer_id
        self.place = place
        self._register: LinkRegister[MemoryLink] = LinkRegister(peer_id)
        self._accept: Callable[[MemoryLink], None] | None = None

    @property
    def peer_id(self) -> PeerId:
        """This node's own peer id."""
        return self._peer_id

    @property
    def latency_s(self) -> float:
        """How long frames are under way."""
        return self._world.latency_s

    def addresses(self) -> tuple[str, ...]:
        """Give this node's one address."""
        return (f"/memory/{self.place}/p2p/{self._peer_id}",)

    def links(self) -> list[MemoryLink]:
        """Give the open links."""
        return self._register.links()

    def forget(self, link: MemoryLink) -> None:
        """Take note that a link has ended."""
        self._register.remove(link)

    async def run(
        self, accept: Callable[[Link], Awaitable[None]], started: Callable[[], None]
    ) -> None:
        """Be there for others until cancelled."""
        if self._accept is not None:
            raise LinkFailed("This node is running already.")
        try:
            async with trio.open_nursery() as nursery:

                def serve(link: MemoryLink) -> None:
                    nursery.start_soon(  # pyright: ignore[reportUnknownMemberType]
                        _serve, accept, link
                    )

                self._accept = serve
                self._world.start(self)
                started()
                await trio.sleep_forever()
        finally:
            self._accept = None
            self._world.end(self)
            for link in self.links():
                link.fail(LinkFailed("This node has ended."))

    async def dial(self, address: str) -> Link:
        """Open a link to whoever lives at ``address``."""
        await trio.lowlevel.checkpoint()
        peer = self._parse(address)
        if self._accept is None:
            raise LinkFailed("This node is not running.")
        if peer == self._peer_id:
            raise LinkFailed("This is the node's own address.")
        with self._register.dialling(peer):
            await self._travel(address, peer)
            there = self._world.listener(peer)
            if there is None or not self._world.reachable(self._peer_id, peer):
                raise LinkFailed(f"Nobody answers at {address}.")
            return self._open(there)

    async def _travel(self, address: str, peer: PeerId) -> None:
        """Let a dial take two latencies, as a handshake does."""
        if not self._world.reachable(self._peer_id, peer):
            raise LinkFailed(f"Nobody answers at {address}.")
        try:
            with trio.fail_after(DIAL_TIMEOUT_S):
                await trio.sleep(2 * self._world.latency_s)
        except trio.TooSlowError:
            late = f"{address} did not answer within {DIAL_TIMEOUT_S:.0f} s."
            raise LinkFailed(late) from None

    def _open(self, there: MemoryNetwork) -> MemoryLink:
        address = there.addresses()[0]
        here_end = MemoryLink(self, there.peer_id, address, outbound=True)
        there_end = MemoryLink(there, self._peer_id, self.addresses()[0], outbound=False)
        here_end.other, there_end.other = there_end, here_end
        if not there.admit(there_end):
            raise LinkFailed(f"{there.peer_id} keeps the link that it opened itself.")
        if not self.admit(here_end):
            raise LinkFailed(f"The link that {there.peer_id} opened is kept.")
        there.serve(there_end)
        return here_end

    def admit(self, link: MemoryLink) -> bool:
        """Let a link be this node's link to its neighbour, in place of any other; or refuse it."""
        decision = self._register.admit(link, trio.current_time())
        if isinstance(decision, Refused):
            link.fail(LinkFailed("The neighbour has a better link."))
            return False
        for old in decision.replaced:
            old.fail(LinkFailed("A newer link to this neighbour replaced this one."))
        return True

    def serve(self, link: MemoryLink) -> None:
        """Hand an inbound link to the node."""
        if self._accept is None:
            link.fail(LinkFailed("This node is not running."))
        else:
            self._accept(link)

    def _parse(self, address: str) -> PeerId:
        parts = address.split("/")
        if len(parts) not in (3, 5) or parts[:2] != ["", "memory"] or not parts[2].isdecimal():
            raise InvalidInput(f"{address!r} is no address in memory.")
        lives_there = self._world.peer_at(int(parts[2]))
        if lives_there is None:
            raise LinkFailed(f"Nobody answers at {address}.")
        if len(parts) == 5 and (parts[3] != "p2p" or parts[4] != lives_there):
            raise LinkFailed(f"Somebody else lives at {address}.")
        return lives_there


async def _serve(accept: Callable[[Link], Awaitable[None]], link: MemoryLink) -> None:
    try:
        await accept(link)
    except MolvaError as error:
        _logger.debug("link to %s ended: %s", link.peer, error)
    finally:
        with shielded():
            await link.aclose()
