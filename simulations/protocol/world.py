"""A protocol run: production nodes on the kernel's clock, joined by links that carry bytes.

Every frame is encoded by its sender and decoded by its receiver. The world knows only what a link
sees, what a node tells its shell, and which envelope is which message of the scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from p2p.core.effects import (
    Answer,
    Disconnect,
    Effect,
    LearnAddresses,
    Noted,
    Notify,
    Result,
    SendFrame,
)
from p2p.core.events import (
    Command,
    Event,
    FrameReceived,
    LinkClosed,
    LinkOpened,
    SendRequested,
    Started,
    Woken,
)
from p2p.errors import InvalidInput
from p2p.ports.store import MessageRow
from p2p.wire.ids import AccountKey, CommandId, EnvelopeId, PeerId
from p2p.wire.limits import LIFETIME_MAX_S
from simulations.collector import seldom_collected
from simulations.kernel import Kernel
from simulations.protocol.acquaintance import acquaint
from simulations.protocol.happenings import (
    Alarm,
    Born,
    Happening,
    PacketDue,
    Reopening,
    WakeDue,
    plan,
)
from simulations.protocol.ledger import Ledger, text_of
from simulations.protocol.links import Medium, Way
from simulations.protocol.makers import RouterMaker, SuiteMaker, make_makers
from simulations.protocol.options import EPOCH_S, PLAIN, ProtocolOptions
from simulations.protocol.reach import Reach
from simulations.protocol.score import Score
from simulations.protocol.seams import ClockSet, Crash, Fault, Jammed, Restart
from simulations.protocol.seat import NEVER_S, Seat
from simulations.rng import stream
from simulations.standin_suite import InsecureStandinSuite
from simulations.trace import ContactChange, Creation, Outcome, ReplaySettings

LINK_LATENCY_S: Final = 30.0
"""What the product's shell tells the node of a stream: how long an answer may take."""
LIFETIME_MIN_S: Final = 60.0
WAKE_AGAIN_S: Final = 0.001
"""A node that is woken and wants to be woken at once has to wait so long."""


class ProtocolWorld:
    """Runs one scenario. It is the :class:`~simulations.protocol.seams.Mesh` of its attackers.

    Args:
        settings: as for every replay; ``buffer_bytes`` is each node's room for others' mail.
        contacts, creations: in order of time.
        make_router: gives a node's router.
        options: everything else.
        make_suite: gives a node's cipher suite from its entropy.

    Attributes:
        seats: the nodes, by address.
        tally: what was counted so far.
    """

    def __init__(
        self,
        settings: ReplaySettings,
        contacts: Sequence[ContactChange],
        creations: Sequence[Creation],
        make_router: RouterMaker,
        options: ProtocolOptions = PLAIN,
        make_suite: SuiteMaker = InsecureStandinSuite,
    ) -> None:
        self.settings = settings
        self.options = options
        self.creations = list(creations)
        agenda = plan(settings.nodes, contacts, self.creations, options.faults)
        self._ledger = Ledger(self.creations)
        self._observers = tuple(options.observers)
        self._score = Score(self.creations, settings.ttl_min, self._ledger, self._observers)
        self.tally = self._score.tally
        self._reach = Reach(settings.nodes)
        losses = stream(options.seed, "loss")
        self._medium = Medium(settings.rate_bytes_per_s, options.latency_s, options.loss, losses)
        self._commands = 0
        makers = make_makers(options, settings.buffer_bytes, self._ledger, make_router, make_suite)
        self.seats = [
            Seat(index, makers, EPOCH_S, options.clock_offsets_s.get(index, 0.0))
            for index in range(settings.nodes)
        ]
        self._by_peer = {seat.peer: seat.index for seat in self.seats}
        self.kernel: Kernel[Happening] = Kernel(agenda)

    def run(self) -> Outcome:
        """Let people meet, start all nodes, run until the end, and give the counters."""
        acquaint(self.seats, self.creations)
        for seat in self.seats:
            self._start(seat)
        with seldom_collected():
            self.kernel.run(self.settings.end_s, self._handle)
        return self.tally.outcome(self.kernel.now_s)

    def creation_of(self, envelope: EnvelopeId) -> Creation | None:
        """Give the scenario's message that an envelope carries; None for nodes' own mail."""
        return self._ledger.creation_of(envelope)

    # --- what attackers may ask ------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """World time, seconds from 0."""
        return self.kernel.now_s

    def clock_s(self, node: int) -> float:
        """Give what a node's own clock shows (Unix s)."""
        return self.seats[node].clock_s(self.now_s)

    def neighbours(self, node: int) -> tuple[int, ...]:
        """Give the nodes with an open link to this one, in the order of their coming."""
        return tuple(self.seats[node].ways)

    def peer_id(self, node: int) -> PeerId:
        """Give the name by which neighbours know a node."""
        return self.seats[node].peer

    def account(self, node: int) -> AccountKey:
        """Give the account of the person at a node."""
        return self.seats[node].account

    def send(self, sender: int, receiver: int, frame: bytes) -> bool:
        """Put a frame on the link as if the sender's node had made it; False without a link."""
        way = self.seats[sender].ways.get(receiver)
        if way is None:
            return False
        self._put(way, [frame])
        return True

    def command(self, node: int, command: Command) -> Result:
        """Let the person at a node ask for something.

        Raises:
            InvalidInput: the node does not run.
        """
        seat = self.seats[node]
        if not seat.running:
            raise InvalidInput(f"Node {node} does not run.")
        for effect in self._post(seat, [command]):
            if isinstance(effect, Answer) and effect.command == command.command:
                return effect.result
        raise InvalidInput(f"Node {node} gave no answer.")

    def alarm(self, node: int, time_s: float) -> None:
        """Have a node's interference woken at a time."""
        self.kernel.schedule(time_s, node, Alarm())

    # --- what happens ----------------------------------------------------------------------------

    def _handle(self, node: int, happening: Happening) -> None:
        seat = self.seats[node]
        match happening:
            case PacketDue(way):
                self._deliver_packets(way)
            case WakeDue():
                self._wake(seat)
            case ContactChange():
                self._reach.change(happening)
                self._relink(seat, self.seats[happening.second])
            case Born(number):
                self._create(seat, number)
            case Alarm():
                self.options.interference[node].woken(self, node)
            case Reopening(neighbour):
                self._relink(seat, self.seats[neighbour])
            case _:
                self._befall(seat, happening)

    def _befall(self, seat: Seat, fault: Fault) -> None:
        match fault:
            case Crash():
                if seat.running:
                    for other in list(seat.ways):
                        self._cut(seat, self.seats[other], tell_first=False)
                    seat.stop()
            case Restart(_, _, with_memory):
                if seat.running:
                    return
                if not with_memory:
                    seat.lose_memory()
                self._start(seat)
                self._relink_all(seat)
            case ClockSet(_, _, offset_s):
                seat.set_clock(EPOCH_S + offset_s)
                self._plan_wake(seat, seat.next_wakeup())
            case Jammed(_, _, on):
                self._reach.jam(seat.index, on=on)
                self._relink_all(seat)
            case _:
                assert_never(fault)
        for observer in self._observers:
            observer.faulted(self.now_s, fault)

    def _start(self, seat: Seat) -> None:
        seat.start(self.now_s)
        self._post(seat, [Started((seat.address,))])

    def _create(self, seat: Seat, index: int) -> None:
        creation = self.creations[index]
        self.tally.created += 1
        accepted = False
        if seat.running and creation.destination != creation.source:
            lifetime_s = min(max(self.settings.ttl_min * 60.0, LIFETIME_MIN_S), LIFETIME_MAX_S)
            self._commands += 1
            account = self.seats[creation.destination].account
            command = SendRequested(
                CommandId(f"c{self._commands}"), account, text_of(index), lifetime_s
            )
            result = self.command(seat.index, command)
            if isinstance(result, MessageRow):
                accepted = True
                self._score.written(result.id, index)
        for observer in self._observers:
            observer.created(self.now_s, creation, accepted=accepted)

    # --- links -----------------------------------------------------------------------------------

    def _relink_all(self, seat: Seat) -> None:
        for other in self._reach.near(seat.index):
            self._relink(seat, self.seats[other])

    def _relink(self, first: Seat, second: Seat) -> None:
        """Open or close the link of two nodes, as their reach and state want it."""
        wanted = (
            first.running
            and second.running
            and self._reach.allows(first.index, second.index, self.now_s)
        )
        if wanted == (second.index in first.ways):
            return
        if wanted:
            self._link(first, second)
        else:
            self._cut(first, second)

    def _link(self, first: Seat, second: Seat) -> None:
        first.ways[second.index] = Way(self._medium, first.index, second.index)
        second.ways[first.index] = Way(self._medium, second.index, first.index)
        for observer in self._observers:
            observer.linked(self.now_s, first.index, second.index, up=True)
        for seat, other in ((first, second), (second, first)):
            interference = self.options.interference.get(seat.index)
            if interference is not None:
                interference.linked(self, seat.index, other.index, up=True)
            self._post(seat, [LinkOpened(other.peer, LINK_LATENCY_S)])

    def _cut(self, first: Seat, second: Seat, *, tell_first: bool = True) -> None:
        for way in (first.ways.pop(second.index), second.ways.pop(first.index)):
            self.tally.broken_off(way.cut(self.now_s))
        for observer in self._observers:
            observer.linked(self.now_s, first.index, second.index, up=False)
        for seat, other in ((first, second), (second, first)):
            if seat is second or tell_first:
                self._post(seat, [LinkClosed(other.peer)])
            interference = self.options.interference.get(seat.index)
            if interference is not None:
                interference.linked(self, seat.index, other.index, up=False)

    def _send_away(self, seat: Seat, other: Seat, retry_after_s: float) -> None:
        until_s = self.now_s + retry_after_s
        self._reach.send_away(seat.index, other.index, until_s)
        self.kernel.schedule(until_s, seat.index, Reopening(other.index))
        self._relink(seat, other)

    def _put(self, way: Way, frames: Sequence[bytes]) -> None:
        idle, now_s = not way.packets, self.kernel.now_s
        sender = self.seats[way.source]
        parcels = [sender.parcel(frame) for frame in frames]
        way.put(parcels, now_s)
        for observer in self._observers:
            for parcel in parcels:
                observer.sent(now_s, way.source, way.target, parcel.frame, parcel.size_bytes)
        if idle and way.packets:
            self.kernel.schedule(way.next_s(), way.target, PacketDue(way))

    def _deliver_packets(self, way: Way) -> None:
        if not way.up or not way.packets:
            return
        packet = way.packets.popleft()
        if way.packets:
            self.kernel.schedule(way.next_s(), way.target, PacketDue(way))
        sender, receiver = self.seats[way.source], self.seats[way.target]
        interference = self.options.interference.get(way.target)
        events: list[Event] = []
        for parcel in packet.parcels:
            self._score.arrived(receiver, parcel)
            for observer in self._observers:
                observer.arrived(
                    self.now_s, way.source, way.target, parcel.frame, parcel.size_bytes
                )
            if interference is None:
                events.append(FrameReceived(sender.peer, parcel.frame))
                continue
            frames = interference.arriving(self, way.target, way.source, parcel.frame)
            events += [FrameReceived(sender.peer, frame) for frame in frames]
        if events and way.up:
            self._post(receiver, events)

    # --- nodes -----------------------------------------------------------------------------------

    def _post(self, seat: Seat, events: Sequence[Event]) -> list[Effect]:
        """Have a node handle a batch; perform what it asks for, and plan its next wake-up."""
        effects = self._step(seat, events)
        self._plan_wake(seat, seat.next_wakeup())
        return effects

    def _step(self, seat: Seat, events: Sequence[Event]) -> list[Effect]:
        self.tally.batches += 1
        effects = seat.step(events, self.kernel.now_s)
        frames: dict[PeerId, list[bytes]] = {}
        for effect in effects:
            if isinstance(effect, SendFrame):
                frames.setdefault(effect.peer, []).append(effect.data)
            else:
                self._perform(seat, effect)
        for peer, batch in frames.items():
            self._emit(seat, self._by_peer[peer], batch)
        seat.incoming.clear()
        return effects

    def _emit(self, seat: Seat, target: int, frames: list[bytes]) -> None:
        interference = self.options.interference.get(seat.index)
        if interference is not None:
            frames = [
                changed
                for frame in frames
                for changed in interference.leaving(self, seat.index, target, frame)
            ]
        way = seat.ways.get(target)
        if way is not None:
            self._put(way, frames)

    def _perform(self, seat: Seat, effect: Effect) -> None:
        match effect:
            case Notify(notice):
                self._score.heard(seat, notice, self.now_s)
                for observer in self._observers:
                    observer.noticed(self.now_s, seat.index, notice)
            case Noted():
                for observer in self._observers:
                    observer.noted(self.now_s, seat.index, effect)
            case Disconnect(peer, _, retry_after_s):
                self._send_away(seat, self.seats[self._by_peer[peer]], retry_after_s)
            case SendFrame() | Answer() | LearnAddresses():
                pass
            case _:
                assert_never(effect)

    # --- time ------------------------------------------------------------------------------------

    def _plan_wake(self, seat: Seat, due_s: float | None, wait_s: float = 0.0) -> None:
        if due_s is None:
            return
        time_s, soonest_s = seat.world_s(due_s), self.kernel.now_s + wait_s
        if time_s < soonest_s:
            time_s = soonest_s
        if time_s < seat.wake_s:
            seat.wake_s = time_s
            self.kernel.schedule(time_s, seat.index, WakeDue())

    def _wake(self, seat: Seat) -> None:
        now_s = self.kernel.now_s
        if seat.wake_s != now_s or not seat.running:
            return
        due_s = seat.next_wakeup()
        wait_s = 0.0
        if due_s is not None and seat.clock_s(now_s) >= due_s:
            wait_s = WAKE_AGAIN_S
            seat.wake_s = now_s + wait_s
            self._step(seat, [Woken()])
            due_s = seat.next_wakeup()
        seat.wake_s = NEVER_S
        self._plan_wake(seat, due_s, wait_s)
