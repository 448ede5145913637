"""The links of this node: whom it lets in, whom it dials, and what leaves on which link."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

import trio
from structlog.typing import FilteringBoundLogger

from p2p.core.events import FrameReceived, LinkClosed, LinkOpened
from p2p.errors import InvalidInput, LimitExceeded, LinkFailed
from p2p.node.api import NeighbourView
from p2p.node.counters import Counters
from p2p.node.inbox import FromLink, Inbox
from p2p.node.links import FAREWELL_WAIT_S, OpenLink
from p2p.node.peers import Admitted, Dial, NotAdmitted, PeerBook, Source
from p2p.node.tasks import shielded_for, spawn
from p2p.ports.clock import Clock
from p2p.ports.link import Link, Network, PeerFound
from p2p.wire.ids import PeerId

STREAM_LATENCY_S: Final = 30.0
"""How long an answer may take on a stream before a frame counts as lost (20-protocol)."""
DIAL_WAIT_MAX_S: Final = 10.0
ABUSE_PAUSE_S: Final = 30.0
"""How long to stay apart from who went beyond a bound of the transport; the core's first pause."""


class Neighbourhood:
    """Open links by peer, under the policy of a :class:`~p2p.node.peers.PeerBook`."""

    def __init__(
        self,
        network: Network,
        book: PeerBook,
        inbox: Inbox,
        clock: Clock,
        counters: Counters,
        log: FilteringBoundLogger,
    ) -> None:
        self._network = network
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._counters = counters
        self._log = log
        self._links: dict[PeerId, OpenLink] = {}
        self._welcoming = trio.Event()
        self._changed = trio.Event()
        self._dials_not_before_s = 0.0
        self._leaving = False

    def welcome(self) -> None:
        """Let links in from now on: the node has been told that it runs."""
        self._welcoming.set()

    def is_welcoming(self) -> bool:
        """Tell whether :meth:`welcome` was called."""
        return self._welcoming.is_set()

    async def welcoming(self) -> None:
        """Wait until :meth:`welcome` was called."""
        await self._welcoming.wait()

    def views(self) -> tuple[NeighbourView, ...]:
        """Give the open links in the order of their opening."""
        return tuple(link.view() for link in self._links.values())

    # --- what the node asks for ------------------------------------------------------------------
    def send(self, peer: PeerId, frame: bytes) -> None:
        """Queue a frame; dropped where there is no link."""
        link = self._links.get(peer)
        if link is None:
            return
        self._counters.add("frames-out")
        self._counters.add("bytes-out", len(frame))
        if not link.push(frame):
            self._log.warning("link-overflow", peer=short(peer))
            self._counters.add("links-overflowed")
            link.abort()

    def disconnect(self, peer: PeerId, reason: str, retry_after_s: float) -> None:
        """Close the link once what is queued has left, and stay apart for so long."""
        self._log.info("sent-away", peer=short(peer), reason=reason, for_s=round(retry_after_s))
        self._book.refuse(peer, self._clock.now() + retry_after_s, reason)
        self.close(peer)

    def close(self, peer: PeerId) -> None:
        """Close a link, if there is one, once what is queued has left."""
        link = self._links.get(peer)
        if link is not None:
            link.finish()

    def learn(self, peer: PeerId, addresses: tuple[str, ...]) -> None:
        """Take note of where a contact's node listens."""
        self._book.learn(peer, addresses, Source.CONTACT, self._clock.now())
        self.reconsider()

    def found(self, sighting: PeerFound) -> None:
        """Take note of a sighting by mDNS or the DHT."""
        source = Source.MDNS if sighting.source == Source.MDNS else Source.DHT
        self._book.learn(sighting.peer, sighting.addresses, source, self._clock.now())
        self.reconsider()

    def forsake_all(self, dials_not_before_s: float) -> None:
        """Close all links without a word to the node: what it knew of them is void."""
        self._dials_not_before_s = dials_not_before_s
        for link in self._links.values():
            link.muted = True
            link.abort()

    async def leave(self) -> None:
        """Let nobody in any more, and close all links once what is queued has left."""
        self._leaving = True
        links = list(self._links.values())
        for link in links:
            link.finish()
        with trio.move_on_after(2 * FAREWELL_WAIT_S):
            for link in links:
                await link.gone.wait()

    # --- links -----------------------------------------------------------------------------------
    async def serve(self, link: Link) -> None:
        """Carry one link, dialled or accepted, from admission to its end."""
        await self.serve_and_tell(link, trio.Event())

    async def serve_and_tell(self, link: Link, judged: trio.Event) -> None:
        """Carry one link; ``judged`` is set once it was let in or refused."""
        try:
            if not self._welcoming.is_set():
                await self._welcoming.wait()
            open_link = await self._admit(link)
            judged.set()
            if open_link is not None:
                await self._carry(open_link)
        finally:
            with shielded_for(FAREWELL_WAIT_S):
                await link.aclose()

    async def _admit(self, link: Link) -> OpenLink | None:
        """Register a link once there is a place for it, or give None.

        The network resolves simultaneous dials, so that a second link to a neighbour means that
        the first is dead, whether or not its reader has noticed.
        """
        while True:
            now_s = self._clock.now()
            verdict = self._judge(link, now_s)
            if isinstance(verdict, NotAdmitted):
                self._refuse(link, verdict.reason)
                return None
            held = self._links.get(link.peer) or self._links.get(verdict.evicted)
            if held is None:
                break
            held.abort()
            await held.gone.wait()
        self._book.opened(link.peer, now_s)
        open_link = OpenLink(link, now_s)
        self._links[link.peer] = open_link
        return open_link

    def _judge(self, link: Link, now_s: float) -> Admitted | NotAdmitted:
        if self._leaving:
            return NotAdmitted("stopping")
        return self._book.admit(link.peer, now_s)

    def _refuse(self, link: Link, reason: str) -> None:
        self._counters.add("links-refused")
        self._log.debug("link-refused", peer=short(link.peer), reason=reason)

    async def _carry(self, link: OpenLink) -> None:
        self._log.info("link-opened", peer=short(link.peer), outbound=link.link.outbound)
        self._counters.add("links-opened")
        why = "cancelled"
        try:
            await self._inbox.post(FromLink(LinkOpened(link.peer, STREAM_LATENCY_S), link))
            why = await link.carry(partial(self._deliver, link))
        finally:
            self._log.info("link-closed", peer=short(link.peer), why=why)
            del self._links[link.peer]
            if link.abused:
                self._counters.add("links-abused")
                self.disconnect(link.peer, LimitExceeded.code, ABUSE_PAUSE_S)
            self._book.closed(link.peer, self._clock.now())
            with shielded_for(math.inf):  # a closed inbox lets go of whoever waits
                await self._inbox.post(FromLink(LinkClosed(link.peer), link))
            link.gone.set()
            self.reconsider()

    async def _deliver(self, link: OpenLink, frame: bytes) -> None:
        self._counters.add("frames-in")
        self._counters.add("bytes-in", len(frame))
        await self._inbox.post(FromLink(FrameReceived(link.peer, frame), link))

    # --- dials -----------------------------------------------------------------------------------
    def reconsider(self) -> None:
        """Have the dialler look at the book again."""
        self._changed.set()

    async def run_dials(self) -> None:
        """Dial whoever is due, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                self._changed = trio.Event()
                now_s = self._clock.now()
                wait_s = self._dials_not_before_s - now_s
                if wait_s <= 0:
                    for dial in self._book.due(now_s):
                        spawn(nursery, self._dial, dial)
                    due_s = self._book.next_due_s()
                    wait_s = float("inf") if due_s is None else max(due_s - now_s, 0.05)
                with trio.move_on_after(wait_s):
                    await self._changed.wait()

    async def reach(self, peer: PeerId, address: str) -> Link | LinkFailed:
        """Try one address at once, for a person who waits for the outcome.

        Raises:
            InvalidInput: the transport cannot make sense of the address.
        """
        try:
            return await self._connect(Dial(peer, (address,)), address)
        except LinkFailed as exc:
            return exc

    def is_neighbour(self, peer: PeerId) -> bool:
        """Tell whether a link to this peer is open."""
        return peer in self._links

    async def _dial(self, dial: Dial) -> None:
        error = ""
        for address in dial.addresses:
            try:
                link = await self._connect(dial, address)
            except (LinkFailed, InvalidInput) as exc:
                error = str(exc)
                continue
            self._book.dial_ended(dial.peer, "", self._clock.now())
            self.reconsider()
            await self.serve(link)
            return
        self._counters.add("dials-failed")
        self._log.debug("dial-failed", peer=short(dial.peer), why=error)
        self._book.dial_ended(dial.peer, error, self._clock.now())
        self.reconsider()

    async def _connect(self, dial: Dial, address: str) -> Link:
        try:
            with trio.fail_after(DIAL_WAIT_MAX_S):
                link = await self._network.dial(address)
        except trio.TooSlowError as exc:
            raise LinkFailed(f"No answer within {DIAL_WAIT_MAX_S:.0f} s.") from exc
        if link.peer != dial.peer:
            await link.aclose()
            raise LinkFailed("Another peer answers there.")
        return link


def short(peer: PeerId) -> str:
    """Give the end of a peer id: enough to tell neighbours apart in a log."""
    return peer[-8:]
