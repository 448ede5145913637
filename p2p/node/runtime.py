"""One running node: feeds events to the machine, commits, and performs what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, assert_never

import trio

from p2p.core.effects import (
    Answer,
    ClockDisagrees,
    ContactChanged,
    ContactView,
    Disconnect,
    Effect,
    LearnAddresses,
    NeighbourChanged,
    Noted,
    Notice,
    Notify,
    Result,
    SendFrame,
)
from p2p.core.events import AddressesChanged, Command, Event, Started, Woken
from p2p.core.trust.events import TrustView
from p2p.errors import CredentialError, EnvironmentFault, InvalidInput, LocalError
from p2p.node.api import Check, CustodyView, NodeStatus, NoticeStream, PeerView
from p2p.node.counters import Counters
from p2p.node.doctor import diagnose
from p2p.node.engine import Engine, Unforeseen
from p2p.node.inbox import FromLink, FromPerson, FromShell, Inbox, Outcome, Posted, Waiter
from p2p.node.neighbourhood import Neighbourhood, short
from p2p.node.parts import RuntimeParts
from p2p.node.peers import PeerBook, Source
from p2p.node.sightings import Sightings
from p2p.node.subscribers import Subscribers
from p2p.node.tasks import spawn
from p2p.ports.store import DocumentKind, MessageStore
from p2p.wire.addresses import check_peer_id, peer_of, peers_of
from p2p.wire.ids import PeerId

LOOK_AGAIN_S: Final = 60.0
"""The loop looks at the clock and at its addresses at least so often: the wall clock may jump."""
FAULT_PAUSE_FIRST_S: Final = 1.0
FAULT_PAUSE_MAX_S: Final = 60.0
CULPRIT_PAUSE_S: Final = 3_600.0
"""How long to stay apart from whose event met a bug of ours: what it sent is likely sent again."""
_STARTS_ANEW: Final = (
    "The node met a fault of its own in what a neighbour sent, and starts anew. "
    "Nothing of this was done: try again."
)


class Runtime:
    """The shell around one node; implements :class:`~p2p.node.api.NodeApi`.

    Must be made inside trio. One task runs the machine; links, dials and discoveries are tasks
    that post to its inbox and are served from its effects.

    Raises:
        StoreDamaged: the store does not load.
    """

    def __init__(self, parts: RuntimeParts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._started_s = parts.clock.now()
        self._engine = Engine(parts.store, parts.make_node, self._started_s)
        self._inbox = Inbox()
        self._counters = Counters()
        self._subscribers = Subscribers()
        self._book = PeerBook(parts.network.peer_id, parts.limits, parts.entropy)
        self._hood = Neighbourhood(
            parts.network, self._book, self._inbox, parts.clock, self._counters, parts.log
        )
        self._sightings = Sightings(parts.discoveries, self._hood.found, parts.log)
        self._stopping = trio.Event()
        self._told_addresses: tuple[str, ...] | None = None
        self._look_at_s = 0.0
        self._fault_pause_s = 0.0
        self._paused_until_s = 0.0
        self._clock_offsets: dict[PeerId, float] = {}
        self._nursery: trio.Nursery | None = None
        self._load_peers()

    def _load_peers(self) -> None:
        """Take up what is known of others: decisions kept, contacts' addresses, this run's."""
        self._book.load(self._parts.store.documents(DocumentKind.PEER))
        for source, addresses in (
            (Source.BOOTSTRAP, self._parts.bootstrap),
            (Source.MANUAL, self._parts.manual),
        ):
            for address in addresses:
                self._book.learn(peer_of(address), (address,), source, self._started_s)
        for contact in self._engine.node.contacts():
            if not contact.blocked:
                for peer, places in peers_of(contact.addresses).items():
                    self._book.learn(peer, places, Source.CONTACT, self._started_s)

    # --- life ------------------------------------------------------------------------------------
    async def run(self, started: Callable[[], None]) -> None:
        """Run until :meth:`stop`; ``started`` is called once the node listens and dials.

        Raises:
            LinkFailed: an address to listen on cannot be had.
            StoreFull: there was no room from the beginning; later, the node waits for room.
            StoreDamaged: the store cannot be read any more.
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            listening = trio.Event()
            spawn(nursery, self._parts.network.run, self._hood.serve, listening.set)
            await listening.wait()
            spawn(nursery, self._run_machine)
            spawn(nursery, self._hood.run_dials)
            spawn(nursery, self._sightings.run)
            await self._hood.welcoming()
            self._parts.log.info("started", listening=" ".join(self._parts.network.addresses()))
            started()
            await self._stopping.wait()
            for effect in self._engine.node.farewell():
                self._perform_one(effect, self._clock.now())
            await self._hood.leave()
            nursery.cancel_scope.cancel()
        self._parts.log.info("stopped")

    def stop(self) -> None:
        """End the node cleanly, soon."""
        self._stopping.set()

    # --- the machine -----------------------------------------------------------------------------
    async def _run_machine(self) -> None:
        try:
            while True:
                posted = await self._inbox.next_batch(self._patience_s())
                self._handle(posted, self._clock.now())
        finally:
            self._inbox.close()
            self._subscribers.end_all()

    def _patience_s(self) -> float:
        if self._told_addresses is None:
            return max(0.0, self._paused_until_s - self._clock.now())
        wake_s = self._engine.node.next_wakeup()
        if wake_s is None:
            return LOOK_AGAIN_S
        wait_s = max(wake_s, self._paused_until_s) - self._clock.now()
        return min(max(wait_s, 0.0), LOOK_AGAIN_S)

    def _handle(self, posted: list[Posted], now_s: float) -> None:
        addresses = self._addresses(now_s)
        live = [one for one in posted if not (isinstance(one, FromLink) and one.is_stale())]
        live = [*self._own_events(addresses, live, now_s), *live]
        if not live:
            return
        try:
            effects = self._engine.handle([one.event for one in live], now_s)
        except EnvironmentFault as fault:
            self._recover(live, fault, now_s)
            return
        except Unforeseen as unforeseen:
            self._part_from_culprit(live, unforeseen, now_s)
            return
        self._told_addresses = addresses
        self._fault_pause_s = 0.0
        self._counters.add("commits")
        self._counters.add("events", len(live))
        self._perform(live, effects, now_s)
        self._hood.welcome()

    def _addresses(self, now_s: float) -> tuple[str, ...]:
        """Give where we listen; looking means asking every interface, so not at each batch."""
        told = self._told_addresses
        if told is not None and now_s < self._look_at_s:
            return told
        self._look_at_s = now_s + LOOK_AGAIN_S
        return self._parts.network.addresses()

    def _own_events(
        self, addresses: tuple[str, ...], others: Sequence[Posted], now_s: float
    ) -> list[Posted]:
        """Give what the shell itself must tell the node now, before ``others``."""
        if self._told_addresses is None:
            due = others or now_s >= self._paused_until_s
            return [FromShell(Started(addresses))] if due else []
        events: list[Event] = []
        if addresses != self._told_addresses:
            events.append(AddressesChanged(addresses))
        wake_s = self._engine.node.next_wakeup()
        if wake_s is not None and now_s >= max(wake_s, self._paused_until_s):
            events.append(Woken())
        return [FromShell(event) for event in events]

    def _recover(self, lost: list[Posted], fault: EnvironmentFault, now_s: float) -> None:
        """After a failed commit: nothing of the batch happened, so nobody may think it did."""
        if not self._hood.is_welcoming():
            raise fault
        self._fault_pause_s = min(
            max(2 * self._fault_pause_s, FAULT_PAUSE_FIRST_S), FAULT_PAUSE_MAX_S
        )
        self._paused_until_s = now_s + self._fault_pause_s
        self._counters.add("commits-failed")
        self._parts.log.error("commit-failed", why=str(fault), retry_s=self._fault_pause_s)
        for one in lost:
            if isinstance(one, FromPerson):
                one.waiter.settle(fault)
        self._hood.forsake_all(self._paused_until_s)
        self._clock_offsets.clear()
        self._engine.rebuild(now_s)
        self._told_addresses = None

    def _part_from_culprit(self, lost: list[Posted], unforeseen: Unforeseen, now_s: float) -> None:
        """A neighbour that meets a bug of ours must not end the node; everybody else may see it."""
        culprit = lost[unforeseen.place]
        if not isinstance(culprit, FromLink):
            raise unforeseen.bug
        self._counters.add("bugs-met")
        self._parts.log.error(
            "bug-met",
            peer=short(culprit.link.peer),
            on=type(culprit.event).__name__,
            exc_info=unforeseen.bug,
        )
        self._hood.disconnect(culprit.link.peer, "bug-met", CULPRIT_PAUSE_S)
        self._recover(lost, EnvironmentFault(_STARTS_ANEW), now_s)

    # --- effects ---------------------------------------------------------------------------------
    def _perform(self, live: list[Posted], effects: list[list[Effect]], now_s: float) -> None:
        for posted, own in zip(live, effects[:-1], strict=True):
            for effect in own:
                if isinstance(effect, Answer):
                    assert isinstance(posted, FromPerson), "an answer to what was no command"
                    posted.waiter.settle(effect.result)
                else:
                    self._perform_one(effect, now_s)
        for effect in effects[-1]:
            self._perform_one(effect, now_s)

    def _perform_one(self, effect: Effect, now_s: float) -> None:
        match effect:
            case SendFrame(peer, data):
                self._hood.send(peer, data)
            case Disconnect(peer, reason, retry_after_s):
                self._hood.disconnect(peer, reason, retry_after_s)
            case LearnAddresses(peer, addresses):
                self._hood.learn(peer, addresses)
            case Notify(notice):
                self._take_note(notice)
                self._subscribers.publish(notice, now_s)
            case Answer():
                raise AssertionError("an answer must come with its command")
            case Noted(kind, fields):
                self._counters.add(kind)
                self._parts.log.debug(kind, **dict(fields))
            case _:
                assert_never(effect)

    def _take_note(self, notice: Notice) -> None:
        match notice:
            case ClockDisagrees(peer, offset_s):
                self._clock_offsets[peer] = offset_s
            case NeighbourChanged(peer, present=False):
                self._clock_offsets.pop(peer, None)
            case ContactChanged(contact, "removed" | "blocked"):
                for peer in peers_of(contact.addresses):
                    self._book.unlearn(peer, Source.CONTACT)
            case _:
                pass

    # --- NodeApi: mail ---------------------------------------------------------------------------
    @property
    def messages(self) -> MessageStore:
        """The mail, for reading only."""
        return self._parts.store

    @property
    def last_sequence(self) -> int:
        """The number of the newest notice; 0 before the first."""
        return self._subscribers.last_sequence

    def contacts(self) -> Sequence[ContactView]:
        """Give all contacts in the order of their adding; the same value until one changes."""
        return self._engine.node.contacts()

    async def command(self, event: Command) -> Result:
        """Have the node handle a command; returns once its outcome is durable.

        Raises:
            LocalError, CredentialError: the node refused it.
            StoreFull, StoreDamaged: it could not be kept; nothing of it happened.
            NodeNotRunning: the node stops.
        """
        (outcome,) = await self.commands([event])
        if isinstance(outcome, LocalError | CredentialError | EnvironmentFault):
            raise outcome
        return outcome

    async def commands(self, events: Sequence[Command]) -> list[Outcome]:
        """Have the node handle commands in this order; gives one outcome for each."""
        waiters = [Waiter() for _ in events]
        for event, waiter in zip(events, waiters, strict=True):
            await self._inbox.post(FromPerson(event, waiter))
        return [await waiter.wait() for waiter in waiters]

    def subscribe(self, after: int) -> AbstractAsyncContextManager[NoticeStream]:
        """Stream notices with a sequence above ``after``, as far as remembered, then new ones."""
        return self._subscribers.subscribe(after)

    # --- NodeApi: the network --------------------------------------------------------------------
    def status(self) -> NodeStatus:
        """Give the node at a glance."""
        count, size_bytes, proofs = self._engine.node.custody_counts()
        config = self._parts.config
        return NodeStatus(
            version=self._parts.version,
            name=config.name,
            account_key=self._parts.account_key,
            peer_id=self._parts.network.peer_id,
            addresses=self._parts.network.addresses(),
            started_s=self._started_s,
            router=config.router,
            neighbours=self._hood.views(),
            custody=CustodyView(count, size_bytes, config.custody.strangers_max_bytes, proofs),
            counters=self._counters.view(),
            discovery=self._sightings.states(),
        )

    def trust(self) -> TrustView:
        """Give what this node trusts, and how old it is."""
        return self._engine.node.trust(self._clock.now())

    def peers(self) -> list[PeerView]:
        """Give the peers known, neighbours first."""
        return self._book.views(self._clock.now())

    async def add_peer(self, address: str) -> PeerView:
        """Dial an address now and keep it: it is dialled again whenever it is lost.

        Raises:
            InvalidInput: no multiaddress with a peer id, or one that cannot be dialled.
            StoreFull, StoreDamaged: it cannot be kept.
        """
        peer = peer_of(address)
        if peer == self._parts.network.peer_id:
            raise InvalidInput("That is this node's own address.")
        assert self._nursery is not None, "the node does not run yet"
        reached = None if self._hood.is_neighbour(peer) else await self._hood.reach(peer, address)
        self._book.add_manual(peer, address, self._clock.now())
        self._keep(peer)
        if isinstance(reached, EnvironmentFault) and not self._hood.is_neighbour(peer):
            self._book.dial_ended(peer, str(reached), self._clock.now())
            self._hood.reconsider()
        elif reached is not None and not isinstance(reached, EnvironmentFault):
            judged = trio.Event()
            spawn(self._nursery, self._hood.serve_and_tell, reached, judged)
            await judged.wait()
        return self._book.view(peer, self._clock.now())

    async def remove_peer(self, peer: PeerId) -> None:
        """Stop dialling a peer, and lift a ban.

        Raises:
            UnknownName: no such peer.
        """
        self._book.remove(peer)
        self._keep(peer)

    async def ban_peer(self, peer: PeerId) -> None:
        """Close its link and refuse all further ones until it is removed.

        Raises:
            InvalidInput: no peer id.
        """
        self._book.ban(check_peer_id(peer))
        self._keep(peer)
        self._hood.close(peer)

    def _keep(self, peer: PeerId) -> None:
        record = self._book.record(peer)
        key = peer.encode("ascii")
        with self._parts.store.transaction():
            if record is None:
                self._parts.store.delete_document(DocumentKind.PEER, key)
            else:
                self._parts.store.put_document(DocumentKind.PEER, key, record)

    async def doctor(self) -> list[Check]:
        """Find out what works here."""
        return await diagnose(self.status(), dict(self._clock_offsets), self._parts.probes)
